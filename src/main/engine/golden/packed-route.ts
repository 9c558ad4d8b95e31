import type { Targets } from '../model/runner.ts';
import { exactKl, type ExactKl } from '../training/exact-kl.ts';
import type { ScoredExample, TrainingExample } from '../training/example.ts';
import {
  answerLogps,
  buildEvaluationTargets,
  predictedFrom,
  type AnswerTree,
  type Span,
} from '../training/objectives.ts';
import { packPair, type PackedPair } from '../training/packed.ts';
import { perSide, SIDES, type ExampleValues, type Side } from './example-values.ts';
import { conversationOf, type GoldenExample, type GoldenPair } from './longpo-inputs.ts';
import { stateFor, type PolicyAndReference } from './policy.ts';

/** An example as a training run reads it: packed pairs, long and short. */
export function trainingExample(example: GoldenExample): TrainingExample {
  return {
    id: example.id,
    document: { id: example.id, name: example.id },
    tree: answerTree(example),
    short: example.turns.map(answerTree),
  };
}

function answerTree(pair: GoldenPair): AnswerTree {
  const packed = packPair(conversationOf(pair.chosen), conversationOf(pair.rejected));
  return { tokens: tokensOf(packed), chosen: packed.chosenSpans, rejected: packed.rejectedSpans };
}

function tokensOf({ ids, prefix, first, second, positions }: PackedPair): AnswerTree['tokens'] {
  return { ids, prefix, first, second, positions };
}

/** Measures one example through its packed pairs, the way training and held-out evaluation do. */
export async function packedValues(model: PolicyAndReference, example: ScoredExample): Promise<ExampleValues> {
  const { runner } = model;
  const { tree, short, reference } = example;
  if (reference.short === undefined || reference.long === undefined) throw new Error('both references are scored');
  const { tokens } = tree;
  const state = stateFor(model.policy, tokens);
  const evaluation = buildEvaluationTargets(tree, {
    objective: 'longpo',
    beta: 1,
    lambda: 1,
    nllDocument: 1,
    nllAnswers: 1,
  });
  const policy = answerLogps(await runner.score(tokens, evaluation.targets, state), evaluation);
  const every = await runner.score(tokens, everyTarget(tokens), state);

  const kl: Record<Side, ExactKl[]> = { chosen: [], rejected: [] };
  for (const [turn, shortTree] of short.entries()) {
    for (const side of SIDES) {
      const long = await runner.logProbabilities(tokens, rowsOf(tree, side, turn), state);
      const shortState = stateFor(model.reference, shortTree.tokens);
      const other = await runner.logProbabilities(shortTree.tokens, rowsOf(shortTree, side, 0), shortState);
      kl[side].push(exactKl(long, other, runner.config.vocabSize));
    }
  }
  const { prefix, first } = tokens;
  const trunk = prefix + first - 1;
  const rejected = new Float32Array(every.length - first);
  rejected.set(every.subarray(0, prefix - 1));
  rejected.set(every.subarray(trunk), prefix - 1);
  const long = { chosen: every.slice(0, trunk), rejected };
  return {
    id: example.id,
    policy,
    long,
    reference: { short: reference.short, long: reference.long },
    kl: perSide((side) => kl[side]),
  };
}

/** Every token of the row but the first. */
function everyTarget(tokens: AnswerTree['tokens']): Targets {
  const target = tokens.ids.slice(1);
  return { from: Int32Array.from(target, (_, i) => predictedFrom(tokens, i + 1)), target };
}

function rowsOf(tree: AnswerTree, side: Side, turn: number): Int32Array {
  const [start, end]: Span = tree[side][turn] ?? [0, 0];
  return Int32Array.from({ length: end - start }, (_, i) => predictedFrom(tree.tokens, start + i));
}
