import type { ExactKl } from '../training/exact-kl.ts';
import { preferenceReference } from '../training/example.ts';
import {
  preferenceValues,
  shortToLongKl,
  sumTokens,
  sumTurns,
  type AnswerLogps,
  type ObjectiveSettings,
} from '../training/objectives.ts';
import { leaf, type OurTensor, type Tree } from './comparison.ts';
import { lossKind, objectiveOf } from './objective-keys.ts';

export const SIDES = ['chosen', 'rejected'] as const;
export type Side = (typeof SIDES)[number];
export type PerSide<T> = Readonly<Record<Side, T>>;

/** Everything measured on one example, from a packed pair or from separate sequences. */
export interface ExampleValues {
  readonly id: string;
  /** The policy's log p of each answer token on the long input, by turn. */
  readonly policy: AnswerLogps;
  /** The policy's log p of every token of both long sequences but the first [T - 1]. */
  readonly long: PerSide<Float32Array>;
  /** The reference's log p of each answer token on the short contexts and on the long input. */
  readonly reference: { readonly short: AnswerLogps; readonly long: AnswerLogps };
  /** Exact divergences by turn. */
  readonly kl: PerSide<readonly ExactKl[]>;
}

/** The value of an objective on one example. */
export function lossOf(values: ExampleValues, settings: ObjectiveSettings): number {
  const { policy, reference, long } = values;
  const answers = policy.chosen.reduce((sum, turn) => sum + turn.length, 0);
  const nll =
    settings.nllDocument * (-sumTokens(long.chosen) / long.chosen.length) +
    settings.nllAnswers * (-sumTurns(policy.chosen) / answers);
  const against = preferenceReference(settings.objective, reference);
  if (settings.lambda === 0 || against === undefined) return nll;
  return nll + settings.lambda * preferenceValues(policy, against, settings).preference;
}

/** `examples.<id>` of expected.json; `expected` says which betas and objectives it holds. */
export function exampleTree(values: ExampleValues, expected: unknown): Tree {
  const { policy, reference, long, kl } = values;
  const short = preferenceValues(policy, reference.short, { objective: 'longpo', beta: 1 });
  const turns = (logps: AnswerLogps): Tree =>
    perSide((side) => logps[side].map((turn) => leaf('logpSum', sumTokens(turn))));
  const answers = policy.chosen.reduce((sum, turn) => sum + turn.length, 0);
  const tree: Record<string, Tree> = {
    policy_chosen_logps: leaf('logpSum', short.logpsChosen),
    policy_rejected_logps: leaf('logpSum', short.logpsRejected),
    policy_turn_logps: turns(policy),
    reference_turn_logps: turns(reference.short),
    nll_full: leaf('nll', -sumTokens(long.chosen) / long.chosen.length),
    nll_full_tokens: leaf('exact', long.chosen.length),
    nll_answer: leaf('nll', -sumTurns(policy.chosen) / answers),
    nll_answer_tokens: leaf('exact', answers),
    chosen_log_ratio: leaf('logpSum', short.rewardChosen),
    rejected_log_ratio: leaf('logpSum', short.rewardRejected),
    kl: perSide((side) =>
      kl[side].map((exact, turn): Tree => {
        const estimate = shortToLongKl([at(policy[side], turn)], [at(reference.short[side], turn)]);
        return {
          tokens: leaf('exact', estimate.tokens),
          log_ratio_sum: leaf('kl', estimate.logRatioSum),
          k3_sum: leaf('kl', estimate.k3Sum),
          exact_kl_policy_reference_sum: leaf('kl', sum(exact.policyReference)),
          exact_kl_reference_policy_sum: leaf('kl', sum(exact.referencePolicy)),
        };
      }),
    ),
  };
  for (const side of SIDES) {
    tree[`reference_${side}_logps`] = leaf('logpSum', sumTurns(reference.short[side]));
    tree[`reference_long_${side}_logps`] = leaf('logpSum', sumTurns(reference.long[side]));
  }
  for (const key of keysOf(expected)) {
    const beta = /^rewards_b(.+)$/.exec(key)?.[1];
    if (beta === undefined || Number.isNaN(Number(beta))) continue;
    const settings = { objective: 'longpo', beta: Number(beta) } as const;
    const { rewardChosen, rewardRejected, margin } = preferenceValues(policy, reference.short, settings);
    tree[key] = {
      chosen: leaf('loss', rewardChosen),
      rejected: leaf('loss', rewardRejected),
      margin: leaf('loss', margin),
    };
  }
  tree['losses'] = lossTree(keysOf(field(expected, 'losses')), (settings) => lossOf(values, settings));
  return tree;
}

/** A record of objectives; names that are no objective are left out. */
export function lossTree(keys: readonly string[], value: (settings: ObjectiveSettings) => number): Tree {
  const tree: Record<string, Tree> = {};
  for (const key of keys) {
    const settings = objectiveOf(key);
    if (settings !== undefined) tree[key] = leaf(lossKind(settings), value(settings));
  }
  return tree;
}

/** The tensors of one example: `logps.<id>.*` and `tokens.<id>.*`. */
export function exampleTensors({ id, policy, reference, long, kl }: ExampleValues): OurTensor[] {
  const vector = (name: string, group: string, data: Float32Array | Float64Array): OurTensor => ({
    name,
    group,
    kind: 'tokenLogp',
    data,
    shape: [data.length],
  });
  return SIDES.flatMap((side) => [
    vector(`logps.${id}.${side}`, `logps.${id}.${side}`, long[side]),
    ...kl[side].flatMap((exact, turn) => {
      const one = (name: string, data: Float32Array | Float64Array): OurTensor =>
        vector(`tokens.${id}.${side}.turn${turn}.${name}`, `tokens.${id}.${side}.${name}`, data);
      return [
        one('policy_logps', at(policy[side], turn)),
        one('reference_logps', at(reference.short[side], turn)),
        one('kl_policy_reference', exact.policyReference),
        one('kl_reference_policy', exact.referencePolicy),
      ];
    }),
  ]);
}

/** A field of a value that may be anything. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

export function keysOf(value: unknown): string[] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
}

export function perSide<T>(make: (side: Side) => T): PerSide<T> {
  return { chosen: make('chosen'), rejected: make('rejected') };
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`no turn ${index + 1} among ${items.length}`);
  return item;
}
