import { createHash } from 'node:crypto';
import { UserError } from '../../../shared/errors.ts';
import type { RunConfig } from '../../../shared/run-config.ts';
import type { RopeSettings } from '../model/rope.ts';
import type { ModelRunner } from '../model/runner.ts';
import {
  positionsOf,
  type ExampleReference,
  type RopeFor,
  type ScoredExample,
  type TrainingExample,
} from './example.ts';
import { answerLogps, buildAnswerTargets, type AnswerLogps, type AnswerTree } from './objectives.ts';

/** Where scored log-probabilities are kept between runs; keys come from `referenceKey`. */
export interface ReferenceCache {
  get(key: string): Promise<AnswerLogps | undefined>;
  set(key: string, logps: AnswerLogps): Promise<void>;
}

/** The reference model: what, besides the text, decides its log-probabilities. */
export interface ReferenceModel {
  /** Hash of the weights and the configuration. */
  readonly fingerprint: string;
  /** The model's own RoPE, not the policy's; on the long input see `longReferenceTheta`. */
  readonly rope: RopeSettings;
  readonly ropeFor: RopeFor;
}

export interface ScoreOptions {
  /** Which contexts are scored. */
  readonly contexts: { readonly short: boolean; readonly long: boolean };
  /** Who reads the long inputs; default: who reads the short ones. */
  readonly long?: { readonly model: ReferenceModel; readonly cache: ReferenceCache };
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * What a run reads: the short contexts always (they are short, and the KL to them is shown for every objective), the
 * long input for DPO and for SoLoPO on DPO's reward as well.
 */
export function referenceContexts({
  objective,
  reward,
}: Pick<RunConfig, 'objective'> & Partial<Pick<RunConfig, 'reward'>>): ScoreOptions['contexts'] {
  return { short: true, long: objective === 'dpo' || (objective === 'solopo' && (reward ?? 'dpo') === 'dpo') };
}

/**
 * RoPE base with which the reference reads the long input (null: its own). It is the policy's in DPO, whose reference is the
 * policy before training, as in TRL: beyond the length that the model's own base reaches, its log-probabilities say nothing,
 * and rewards would begin far from zero. On the short context it reads with its own, as LongPO's authors do: that is the skill
 * to keep. Runs of before have no such setting and keep the own base.
 */
export function longReferenceTheta({
  referenceRope,
  ropeTheta,
}: Pick<RunConfig, 'ropeTheta'> & Partial<Pick<RunConfig, 'referenceRope'>>): number | null {
  return referenceRope === 'policy' ? ropeTheta : null;
}

/** SHA-256 (hex) over the model, its RoPE and the row: token ids, branches and answer spans. */
export function referenceKey({ fingerprint, rope }: Omit<ReferenceModel, 'ropeFor'>, tree: AnswerTree): string {
  const { ids, prefix, first, second, positions } = tree.tokens;
  const ropeFields = Object.entries(rope).sort(([a], [b]) => (a < b ? -1 : 1));
  const description = { fingerprint, ropeFields, prefix, first, second, chosen: tree.chosen, rejected: tree.rejected };
  const hash = createHash('sha256').update(`${JSON.stringify(description)}\n`);
  for (const part of [ids, positions ?? new Int32Array()]) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex');
}

/** Log-probabilities of a row's answers under the start model; `name` is its document's. */
export type ReferenceScorer = (tree: AnswerTree, name: string) => Promise<AnswerLogps>;

/**
 * Scores rows with the frozen start model (zero adapter or original weights, original RoPE). Rows whose key the cache
 * knows are not scored again.
 * @throws (the scorer) UserError invalid_input where the model's outputs are not numbers
 */
export async function referenceScorer(
  runner: ModelRunner,
  model: ReferenceModel,
  cache: ReferenceCache,
): Promise<ReferenceScorer> {
  const parameters = await runner.referenceParameters();
  return async (tree, name) => {
    const key = referenceKey(model, tree);
    const known = await cache.get(key);
    if (known !== undefined) return known;
    const targets = buildAnswerTargets(tree);
    const state = { parameters, rope: model.ropeFor(positionsOf(tree)) };
    const logps = answerLogps(await runner.score(tree.tokens, targets.targets, state), targets);
    if (![...logps.chosen, ...logps.rejected].every((turn) => turn.every(Number.isFinite))) throw notFinite(name);
    await cache.set(key, logps);
    return logps;
  };
}

/** An example's answers on its short contexts, one list of token values for each turn. @throws UserError cancelled */
export async function scoreShort(
  score: ReferenceScorer,
  short: readonly AnswerTree[],
  name: string,
  signal?: AbortSignal,
): Promise<AnswerLogps> {
  const chosen: Float32Array[] = [];
  const rejected: Float32Array[] = [];
  for (const tree of short) {
    stopIfAborted(signal);
    const turn = await score(tree, name);
    chosen.push(...turn.chosen);
    rejected.push(...turn.rejected);
  }
  return { chosen, rejected };
}

/**
 * Scores every example's answers once with the frozen start model (zero adapter or original weights).
 * Chosen and rejected answer of a row share its prefix. Rows whose key the cache knows are not scored again.
 * @throws UserError cancelled when the signal is aborted (what was scored is in the cache), invalid_input where the
 *   model's outputs are not numbers
 */
export async function scoreReferences(
  runner: ModelRunner,
  examples: readonly TrainingExample[],
  model: ReferenceModel,
  cache: ReferenceCache,
  { contexts, long = { model, cache }, onProgress, signal }: ScoreOptions,
): Promise<ScoredExample[]> {
  const score = await referenceScorer(runner, model, cache);
  const scoreLong = await referenceScorer(runner, long.model, long.cache);
  const scored: ScoredExample[] = [];
  for (const [index, example] of examples.entries()) {
    const reference: { -readonly [K in keyof ExampleReference]: ExampleReference[K] } = {};
    if (contexts.short) reference.short = await scoreShort(score, example.short, example.document.name, signal);
    if (contexts.long) {
      stopIfAborted(signal);
      reference.long = await scoreLong(example.tree, example.document.name);
    }
    scored.push({ ...example, reference });
    onProgress?.(index + 1, examples.length);
  }
  return scored;
}

function notFinite(document: string): UserError {
  return new UserError(
    'invalid_input',
    `The model's log-probabilities of the answers on "${document}" are not finite: its weights hold values that are not numbers, or it overflows.`,
    { hint: 'Check that the model answers sensibly elsewhere, or download its weights again.' },
  );
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new UserError('cancelled', 'Scoring the reference was stopped.');
}
