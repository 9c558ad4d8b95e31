import { z } from 'zod';
import { idSchema } from '../documents.ts';
import type { DocumentRow } from '../documents.ts';
import type { Estimate } from '../evaluation-tasks.ts';
import type { Verdict } from '../pairs.ts';
import { wilson } from '../wilson.ts';
import { drawKind } from './draw.ts';
import type { Draw, DrawKind } from './draw.ts';

/** A reviewer's latest verdict on a pair that was not undone. */
export interface Opinion {
  readonly pairId: number;
  readonly reviewer: string;
  readonly verdict: Verdict;
  /** Grows with the time at which the verdict was stored. */
  readonly reviewId: number;
  readonly blind: boolean;
  readonly documentId: number;
  readonly documentType: DocumentRow['importer'];
  /** Unicode characters of the document. */
  readonly documentCharacters: number;
  /** The generation and the model that made the pair. */
  readonly origin: Origin;
  readonly draw: Draw | null;
}

/** Where a pair comes from; without a number where that generation is not in this workspace (review bundles). */
export interface Origin {
  readonly jobId: number | null;
  readonly generation: string | null;
  readonly modelFingerprint: string;
  /** Null where the model was never added here. */
  readonly model: string | null;
}

/** The verdicts that judge; a skip is none. In this order in every matrix. */
export const judgements = [
  'chosen_better',
  'rejected_better',
  'both_good',
  'both_bad',
  'broken_instruction',
] as const satisfies readonly Verdict[];
export type Judgement = (typeof judgements)[number];

export const labelErrorRequestSchema = z.strictObject({
  /** Only this reviewer's verdicts; null = the latest of anyone on each pair. */
  reviewer: z.string().min(1).nullable().default(null),
  /** Only pairs of this generation. */
  jobId: idSchema.nullable().default(null),
  /** Bounds between the groups by length, in Unicode characters of the document, rising. */
  lengthEdges: z
    .array(z.int().min(1))
    .max(20)
    .refine((edges) => edges.every((edge, i) => i === 0 || edge > (edges[i - 1] ?? 0)), 'must rise')
    .default([16_000, 64_000, 256_000, 1_000_000]),
});
export type LabelErrorRequest = z.output<typeof labelErrorRequestSchema>;
export type LabelErrorRequestInput = z.input<typeof labelErrorRequestSchema>;

export interface LabelErrorRate {
  /** Judged pairs. */
  readonly n: number;
  readonly verdicts: Readonly<Record<Judgement, number>>;
  /** Share of pairs for which "chosen beats rejected" does not hold: every verdict but `chosen_better`. */
  readonly error: Estimate | null;
  /** Share of pairs whose rejected answer is the better one. */
  readonly reversed: Estimate | null;
}

export interface Sampling {
  /** `census`: all pairs were judged, so nothing is estimated. `mixed`: no draw kind holds for all pairs. */
  readonly kind: DrawKind | 'census' | 'mixed';
  /** How the judged pairs were drawn, most pairs first. */
  readonly draws: readonly { readonly draw: Draw | null; readonly kind: DrawKind; readonly pairs: number }[];
  /** Pairs that there are, and pairs that were only skipped: those say nothing and may be the hard ones. */
  readonly population: number;
  readonly skipped: number;
  /** Whether the interval may be read as one for all pairs (or all that fit the draw's filter). */
  readonly representative: boolean;
}

export interface LabelErrorReport extends LabelErrorRate {
  readonly byDocumentType: readonly (LabelErrorRate & { readonly documentType: DocumentRow['importer'] })[];
  /** Documents of `from` to under `to` characters; null = no bound. Groups without judged pairs are there too. */
  readonly byLength: readonly (LabelErrorRate & { readonly from: number; readonly to: number | null })[];
  /** Generations in the order of their numbers. */
  readonly byOrigin: readonly (LabelErrorRate & { readonly origin: Origin })[];
  /** Documents that the judged pairs come from. */
  readonly documents: number;
  /** Judged pairs whose verdict was given blind. */
  readonly blind: number;
  /** Judged pairs on which reviewers differ; the latest verdict stands for the pair. */
  readonly disagreed: number;
  readonly sampling: Sampling;
}

/**
 * How often the label "chosen beats rejected" is wrong, from the pairs that were reviewed, with Wilson 95% intervals.
 * The intervals are about chance in which pairs were drawn: they hold for a random sample only (see `sampling`), and
 * treat pairs of one document as independent.
 * @param opinions of one reviewer or of all
 * @param population number of pairs that could have been drawn
 */
export function labelErrors(
  opinions: readonly Opinion[],
  population: number,
  { lengthEdges }: Pick<LabelErrorRequest, 'lengthEdges'>,
): LabelErrorReport {
  const { judged, skipped, disagreed } = standings(opinions);
  const groupBy = <Key>(keyOf: (opinion: JudgedOpinion) => Key, keys: readonly Key[]) =>
    keys.map((key) => ({ key, rate: rateOf(judged.filter((opinion) => keyOf(opinion) === key)) }));
  const bucketOf = (characters: number): number => lengthEdges.filter((edge) => characters >= edge).length;
  const origins = new Map(judged.map(({ origin }) => [originKey(origin), origin]));
  const originKeys = [...origins.keys()].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const types = [...new Set(judged.map((opinion) => opinion.documentType))].sort();
  const buckets = Array.from({ length: lengthEdges.length + 1 }, (_, i) => i);
  return {
    ...rateOf(judged),
    byDocumentType: groupBy((opinion) => opinion.documentType, types).map(({ key, rate }) => ({
      documentType: key,
      ...rate,
    })),
    byLength: groupBy((opinion) => bucketOf(opinion.documentCharacters), buckets).map(({ key, rate }) => ({
      from: lengthEdges[key - 1] ?? 0,
      to: lengthEdges[key] ?? null,
      ...rate,
    })),
    byOrigin: groupBy((opinion) => originKey(opinion.origin), originKeys).flatMap(({ key, rate }) => {
      const origin = origins.get(key);
      return origin === undefined ? [] : [{ origin, ...rate }];
    }),
    documents: new Set(judged.map((opinion) => opinion.documentId)).size,
    blind: judged.filter((opinion) => opinion.blind).length,
    disagreed,
    sampling: samplingOf(judged, population, skipped),
  };
}

const originKey = ({ jobId, modelFingerprint }: Origin): string => `${jobId ?? 0} ${modelFingerprint}`;

type JudgedOpinion = Opinion & { readonly verdict: Judgement };

/** The judgement that stands for each pair, and the pairs that have none. */
function standings(opinions: readonly Opinion[]) {
  const byPair = new Map<number, JudgedOpinion>();
  const differing = new Set<number>();
  const seen = new Set<number>();
  for (const opinion of opinions) {
    seen.add(opinion.pairId);
    if (!isJudged(opinion)) continue;
    const other = byPair.get(opinion.pairId);
    if (other !== undefined && other.verdict !== opinion.verdict) differing.add(opinion.pairId);
    if (other === undefined || opinion.reviewId > other.reviewId) byPair.set(opinion.pairId, opinion);
  }
  return { judged: [...byPair.values()], skipped: seen.size - byPair.size, disagreed: differing.size };
}

export function isJudged(opinion: Opinion): opinion is JudgedOpinion {
  return opinion.verdict !== 'skipped';
}

function rateOf(judged: readonly JudgedOpinion[]): LabelErrorRate {
  const n = judged.length;
  const count = (verdict: Judgement): number => judged.filter((opinion) => opinion.verdict === verdict).length;
  const verdicts = Object.fromEntries(judgements.map((verdict) => [verdict, count(verdict)])) as Record<
    Judgement,
    number
  >;
  return {
    n,
    verdicts,
    error: n === 0 ? null : wilson(n - verdicts.chosen_better, n),
    reversed: n === 0 ? null : wilson(verdicts.rejected_better, n),
  };
}

function samplingOf(judged: readonly JudgedOpinion[], population: number, skipped: number): Sampling {
  const counted = new Map<string, { readonly draw: Draw | null; readonly kind: DrawKind; pairs: number }>();
  const keys = new Map<Draw | null, string>(); // equal draws are mostly the same object
  for (const { draw } of judged) {
    const key = keys.get(draw) ?? JSON.stringify(draw);
    keys.set(draw, key);
    const known = counted.get(key);
    if (known === undefined) counted.set(key, { draw, kind: drawKind(draw), pairs: 1 });
    else known.pairs += 1;
  }
  const draws = [...counted.values()].sort((a, b) => b.pairs - a.pairs);
  const kinds = new Set(draws.map((part) => part.kind));
  const census = population > 0 && judged.length >= population;
  const [only] = kinds;
  // Samples from different filters are no sample of any one thing.
  const oneFilter = kinds.size === 1 && (only !== 'random_within_filters' || draws.length === 1);
  const kind = census ? 'census' : oneFilter && only !== undefined ? only : kinds.size === 0 ? 'unknown' : 'mixed';
  const representative = kind === 'census' || kind === 'random' || kind === 'random_within_filters';
  return { kind, draws, population, skipped, representative };
}
