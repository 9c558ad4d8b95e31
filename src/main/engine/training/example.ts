import type { RopeTables } from '../model/rope.ts';
import type { RunConfig } from '../../../shared/run-config.ts';
import type { AnswerLogps, AnswerTree } from './objectives.ts';

/** One training example: some turns of one document. */
export interface TrainingExample {
  readonly id: string;
  readonly document: { readonly id: string; readonly name: string };
  /** Stored pair of each turn; left out where the example was not made of stored pairs. */
  readonly pairIds?: readonly number[];
  /** [document + first question | rest of the chosen branch | rest of the rejected branch]. */
  readonly tree: AnswerTree;
  /** For each turn: [chunk + question | chosen answer | rejected answer]. */
  readonly short: readonly AnswerTree[];
}

/** The frozen start model's log-probabilities of an example's answers, on the short contexts and on the long input. */
export interface ExampleReference {
  readonly short?: AnswerLogps;
  readonly long?: AnswerLogps;
}

export interface ScoredExample extends TrainingExample {
  readonly reference: ExampleReference;
}

/** Rotary tables for a sequence of so many positions (only dynamic scaling depends on the number). */
export type RopeFor = (positions: number) => RopeTables;

/** Number of positions that a row uses: both branches continue from the prefix. */
export function positionsOf({ tokens }: AnswerTree): number {
  return tokens.prefix + Math.max(tokens.first, tokens.second);
}

/** What decides how long the rows of a step are. */
export type RowSettings = Partial<Pick<RunConfig, 'objective' | 'maxNewTokens'>>;

/** Tokens of the longest row that a step reads of an example: OPSDL samples up to `maxNewTokens` after the long prompt. */
export function stepTokens({ tree }: TrainingExample, { objective, maxNewTokens = 0 }: RowSettings): number {
  return objective === 'opsdl' ? tree.tokens.prefix + maxNewTokens : tree.tokens.ids.length;
}

/** Most positions that a row of the example uses, of OPSDL's the sampled answer after either prompt included. */
export function stepPositions({ tree, short }: TrainingExample, { objective, maxNewTokens = 0 }: RowSettings): number {
  const sampled = objective === 'opsdl' ? [tree, ...short].map(({ tokens }) => tokens.prefix + maxNewTokens) : [];
  return Math.max(positionsOf(tree), ...sampled);
}

/** The reference that an objective's rewards read; SFT shows its implicit rewards against the short one. */
export function preferenceReference(
  objective: RunConfig['objective'],
  reference: ExampleReference,
): AnswerLogps | undefined {
  return objective === 'dpo' ? reference.long : reference.short;
}
