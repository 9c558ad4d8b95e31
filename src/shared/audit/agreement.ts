import { z } from 'zod';
import { idSchema } from '../documents.ts';
import type { Estimate } from '../evaluation-tasks.ts';
import { wilson } from '../wilson.ts';
import { cohenKappa, fleissKappa } from './kappa.ts';
import type { Kappa } from './kappa.ts';
import { isJudged, judgements } from './label-errors.ts';
import type { Judgement, Opinion } from './label-errors.ts';

export const agreementRequestSchema = z.strictObject({
  /** Reviewers to compare, two or more; null = all who judged a pair. */
  reviewers: z.array(z.string().min(1)).min(2).max(50).nullable().default(null),
  /** Only pairs of this generation. */
  jobId: idSchema.nullable().default(null),
});
export type AgreementRequest = z.output<typeof agreementRequestSchema>;
export type AgreementRequestInput = z.input<typeof agreementRequestSchema>;

export const twoReviewersSchema = z
  .strictObject({
    first: z.string().min(1),
    second: z.string().min(1),
    /** Only pairs of this generation. */
    jobId: idSchema.nullable().default(null),
  })
  .refine(({ first, second }) => first !== second, { message: 'choose two different reviewers', path: ['second'] });

/** A pair that two reviewers judged differently. */
export interface DisagreementRow {
  readonly pairId: number;
  readonly documentTitle: string;
  /** The question's beginning. */
  readonly question: string;
  readonly first: Judgement;
  readonly second: Judgement;
}

/** Two reviewers on the pairs that both judged. */
export interface TwoReviewers {
  readonly reviewers: readonly [string, string];
  readonly pairs: number;
  /** Share of pairs with the same judgement, with a Wilson interval. */
  readonly agreement: Estimate | null;
  readonly kappa: Kappa;
  /** Pairs by the first reviewer's judgement (row) and the second's (column), in the order of `judgements`. */
  readonly matrix: readonly (readonly number[])[];
}

export interface Disagreement {
  readonly pairId: number;
  readonly verdicts: readonly { readonly reviewer: string; readonly verdict: Judgement }[];
}

export interface AgreementReport {
  /** Compared reviewers with the number of pairs that each judged. */
  readonly reviewers: readonly { readonly reviewer: string; readonly pairs: number }[];
  /** Every two of them. */
  readonly two: readonly TwoReviewers[];
  /** Fleiss' kappa over the pairs that all of them judged; null for fewer than three reviewers. */
  readonly all: { readonly pairs: number; readonly kappa: Kappa } | null;
  /** Pairs on which at least two of them differ, in the order of the pairs. */
  readonly disagreements: readonly Disagreement[];
}

/** How far reviewers agree. Skips are left out: a pair counts for two reviewers where both judged it. */
export function reviewerAgreement(
  opinions: readonly Opinion[],
  { reviewers }: Pick<AgreementRequest, 'reviewers'>,
): AgreementReport {
  const byPair = new Map<number, Map<string, Judgement>>();
  const counts = new Map<string, number>((reviewers ?? []).map((reviewer) => [reviewer, 0]));
  for (const opinion of opinions) {
    if (!isJudged(opinion) || (reviewers !== null && !counts.has(opinion.reviewer))) continue;
    const pair = byPair.get(opinion.pairId) ?? new Map<string, Judgement>();
    byPair.set(opinion.pairId, pair.set(opinion.reviewer, opinion.verdict));
    counts.set(opinion.reviewer, (counts.get(opinion.reviewer) ?? 0) + 1);
  }
  const names = [...counts.keys()].sort();
  const pairs = [...byPair].sort(([a], [b]) => a - b);
  const judged = pairs.map(([, verdicts]) => verdicts);
  return {
    reviewers: names.map((reviewer) => ({ reviewer, pairs: counts.get(reviewer) ?? 0 })),
    two: names.flatMap((first, i) => names.slice(i + 1).map((second) => compareTwo([first, second], judged))),
    all: names.length < 3 ? null : compareAll(names, judged),
    disagreements: pairs
      .filter(([, verdicts]) => new Set(verdicts.values()).size > 1)
      .map(([pairId, verdicts]) => ({
        pairId,
        verdicts: [...verdicts]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([reviewer, verdict]) => ({ reviewer, verdict })),
      })),
  };
}

function compareTwo(
  reviewers: readonly [string, string],
  judged: readonly ReadonlyMap<string, Judgement>[],
): TwoReviewers {
  const met: { first: Judgement; second: Judgement; pairs: number }[] = [];
  for (const verdicts of judged) {
    const [first, second] = [verdicts.get(reviewers[0]), verdicts.get(reviewers[1])];
    if (first !== undefined && second !== undefined) met.push({ first, second, pairs: 1 });
  }
  return twoReviewers(reviewers, met);
}

/** The agreement of two reviewers from how often each two judgements met; the same two may come several times. */
export function twoReviewers(
  reviewers: readonly [string, string],
  met: readonly { readonly first: Judgement; readonly second: Judgement; readonly pairs: number }[],
): TwoReviewers {
  const matrix = judgements.map(() => judgements.map(() => 0));
  let all = 0;
  let same = 0;
  for (const { first, second, pairs } of met) {
    const row = matrix[judgements.indexOf(first)] ?? [];
    const column = judgements.indexOf(second);
    row[column] = (row[column] ?? 0) + pairs;
    all += pairs;
    if (first === second) same += pairs;
  }
  const agreement = all === 0 ? null : wilson(same, all);
  return { reviewers, pairs: all, agreement, kappa: cohenKappa(matrix), matrix };
}

function compareAll(names: readonly string[], judged: readonly ReadonlyMap<string, Judgement>[]) {
  const table = judged
    .filter((verdicts) => names.every((name) => verdicts.has(name)))
    .map((verdicts) => judgements.map((judgement) => [...verdicts.values()].filter((v) => v === judgement).length));
  return { pairs: table.length, kappa: fleissKappa(table) };
}
