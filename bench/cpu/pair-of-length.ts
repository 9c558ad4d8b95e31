import type { ModelRunner, ModelState, ObjectiveInput } from '../../src/main/engine/model/runner.ts';
import { positionsOf } from '../../src/main/engine/training/example.ts';
import {
  buildTargets,
  type AnswerTree,
  type ObjectiveSettings,
  type ObjectiveTargets,
} from '../../src/main/engine/training/objectives.ts';
import { ropeForModel } from '../../src/main/engine/training/rope-for.ts';
import { startAdapter } from './ours.ts';

/** LongPO as published: all predicted tokens of the chosen sequence carry NLL. */
export const PAPER: ObjectiveSettings = { objective: 'longpo', beta: 0.1, lambda: 1, nllDocument: 1, nllAnswers: 0 };

export interface PairStep {
  readonly tree: AnswerTree;
  readonly targets: ObjectiveTargets;
  readonly input: ObjectiveInput;
  readonly state: ModelState;
}

/** A document of `document` tokens and two answers of `answer`, tokens spread over the vocabulary. */
export async function pairOfLength(runner: ModelRunner, document: number, answer: number): Promise<PairStep> {
  const length = document + 2 * answer;
  const ids = Int32Array.from({ length }, (_, i) => (i * 7919 + ((i * i) % 101)) % runner.config.vocabSize);
  const chosenEnd = document + answer;
  const tree: AnswerTree = {
    tokens: { ids, prefix: document, first: answer, second: answer },
    chosen: [[document, chosenEnd]],
    rejected: [[chosenEnd, length]],
  };
  const targets = buildTargets(tree, PAPER);
  const { nllWeight, chosenMask, rejectedMask } = targets;
  // References near what a model without knowledge says, so that the preference term has a slope.
  const guess = -answer * Math.log(runner.config.vocabSize);
  return {
    tree,
    targets,
    input: {
      nllWeight,
      chosenMask,
      rejectedMask,
      referenceChosen: guess,
      referenceRejected: guess,
      beta: PAPER.beta,
      lambda: PAPER.lambda,
      odds: false,
    },
    state: {
      parameters: runner.layout.kind === 'lora' ? startAdapter(runner.layout) : await runner.initialParameters(0),
      rope: ropeForModel(runner.config, null)(positionsOf(tree)),
    },
  };
}
