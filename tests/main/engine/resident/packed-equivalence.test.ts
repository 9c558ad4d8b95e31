import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelRunner, ModelState, ObjectiveInput } from '../../../../src/main/engine/model/runner.ts';
import { loadResidentModel } from '../../../../src/main/engine/resident/resident-model.ts';
import type { ResidentOptions } from '../../../../src/main/engine/resident/resident-options.ts';
import { positionsOf } from '../../../../src/main/engine/training/example.ts';
import {
  buildTargets,
  type AnswerTree,
  type ObjectiveSettings,
  type ObjectiveTargets,
  type Span,
} from '../../../../src/main/engine/training/objectives.ts';
import { ropeForModel } from '../../../../src/main/engine/training/rope-for.ts';
import { GOLDEN_ROOT, goldenTree, readGoldenCase } from '../training/golden-longpo.ts';
import { relativeDifference, separateGradients, separatePair } from './separate-pair.ts';

/**
 * Both ways do the same float32 arithmetic in another order (sums over keys and rows), so they differ by rounding only.
 * Relative to the loss, and to the gradient's norm.
 */
const TOLERANCE = 1e-5;

/** Weights of all three terms, so that each is a visible part of the gradient. */
const SETTINGS: ObjectiveSettings = { objective: 'longpo', beta: 0.5, lambda: 2, nllDocument: 1, nllAnswers: 0.5 };
const ARCHITECTURES = ['llama', 'mistral', 'qwen2', 'qwen3'] as const;
const TRAINABLE: Record<'full' | 'lora', ResidentOptions['trainable']> = {
  full: { kind: 'full' },
  lora: {
    kind: 'lora',
    rank: 4,
    alpha: 8,
    rslora: false,
    targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
  },
};

function load(name: string, options: Partial<ResidentOptions>): Promise<ModelRunner> {
  return loadResidentModel(path.join(GOLDEN_ROOT, 'models', name), {
    device: 'cpu',
    threads: 1,
    trainable: TRAINABLE.lora,
    programs: ['score', 'gradients'],
    ...options,
  });
}

/** Random-looking numbers that are the same on every machine. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

/** Model weights, or an adapter whose A and B are both far from zero. */
async function stateOf(runner: ModelRunner, positions: number): Promise<ModelState> {
  const parameters = (await runner.initialParameters(1)).slice();
  if (runner.layout.kind === 'lora') {
    const next = sequence(5);
    for (const { name, offset, size } of runner.layout.tensors) {
      if (!name.includes('lora_B')) continue;
      for (let i = 0; i < size; i++) parameters[offset + i] = 0.2 * (next() - 0.5);
    }
  }
  return { parameters, rope: ropeForModel(runner.config, null)(positions) };
}

/** A pair of random tokens; answers are [start, length] within each branch. */
function randomTree(prefix: number, chosen: readonly Span[], rejected: readonly Span[]): AnswerTree {
  const end = (spans: readonly Span[]): number => Math.max(...spans.map(([start, length]) => start + length));
  const [first, second] = [end(chosen), end(rejected)];
  const next = sequence(prefix * 1000 + first * 10 + second);
  const placed = (spans: readonly Span[], at: number): Span[] => spans.map(([s, n]) => [at + s, at + s + n]);
  return {
    tokens: {
      ids: Int32Array.from({ length: prefix + first + second }, () => Math.floor(next() * 320)),
      prefix,
      first,
      second,
    },
    chosen: placed(chosen, prefix),
    rejected: placed(rejected, prefix + first),
  };
}

/** Shapes that could break a block, a chunk or a seam. */
const TREES: Record<string, AnswerTree> = {
  'one turn': randomTree(23, [[0, 9]], [[0, 6]]),
  'three turns of different lengths': randomTree(
    31,
    [
      [0, 4],
      [9, 7],
      [20, 3],
    ],
    [
      [0, 8],
      [11, 1],
      [15, 12],
    ],
  ),
  'answers of one token': randomTree(17, [[0, 1]], [[0, 1]]),
  'a prefix of one token': randomTree(1, [[0, 10]], [[0, 13]]),
  'one token each': randomTree(1, [[0, 1]], [[0, 1]]),
  'a rejected answer far longer than the chosen': randomTree(5, [[0, 2]], [[0, 40]]),
  'lengths that are multiples of the blocks': randomTree(14, [[0, 7]], [[0, 14]]),
  'answers that do not reach the ends of their branches': randomTree(
    11,
    [
      [2, 3],
      [9, 1],
    ],
    [
      [3, 2],
      [7, 4],
    ],
  ),
};

/** References a little off the policy's own sums: the preference term stays in the middle of its sigmoid, z = -2. */
async function inputOf(
  runner: ModelRunner,
  { tokens }: AnswerTree,
  targets: ObjectiveTargets,
  state: ModelState,
): Promise<ObjectiveInput> {
  const logps = await runner.score(tokens, targets.targets, state);
  const sum = (mask: Float32Array): number => logps.reduce((total, logp, m) => total + (mask[m] ?? NaN) * logp, 0);
  const { nllWeight, chosenMask, rejectedMask } = targets;
  return {
    nllWeight,
    chosenMask,
    rejectedMask,
    referenceChosen: sum(chosenMask) + 1.25,
    referenceRejected: sum(rejectedMask) - 0.75,
    beta: SETTINGS.beta,
    lambda: SETTINGS.lambda,
    odds: false,
  };
}

async function expectEqual(runner: ModelRunner, tree: AnswerTree, what: string): Promise<void> {
  const state = await stateOf(runner, positionsOf(tree));
  const targets = buildTargets(tree, SETTINGS);
  const input = await inputOf(runner, tree, targets, state);
  const packed = await runner.gradients(tree.tokens, targets.targets, input, state);
  const separate = await separateGradients(runner, separatePair(tree.tokens, targets), input, state);
  expect(packed.preference, `${what}: preference`).toBeCloseTo(Math.log(1 + Math.E), 3);
  expect(Math.abs(packed.loss / separate.loss - 1), `${what}: loss`).toBeLessThan(TOLERANCE);
  expect(relativeDifference(packed.logps, separate.logps), `${what}: log-probabilities`).toBeLessThan(TOLERANCE);
  expect(relativeDifference(packed.gradient, separate.gradient), `${what}: gradient`).toBeLessThan(TOLERANCE);
}

describe.each(ARCHITECTURES)('%s', (name) => {
  describe.each(['full', 'lora'] as const)('%s', (kind) => {
    // Blocks that divide no length, so every loop has a ragged end; and blocks longer than the rows.
    describe.each([
      { attentionBlock: 7, lossChunk: 5 },
      { attentionBlock: 256, lossChunk: 256 },
    ])('blocks of $attentionBlock and $lossChunk', (blocks) => {
      let runner: ModelRunner;
      beforeAll(async () => {
        runner = await load(name, { trainable: TRAINABLE[kind], ...blocks });
      });
      afterAll(() => runner.release());

      it('gives for a packed pair the loss and gradient of its two sequences', async () => {
        for (const [what, tree] of Object.entries(TREES)) await expectEqual(runner, tree, what);
        for (const example of readGoldenCase(`${name}-lora`).inputs.examples) {
          await expectEqual(runner, goldenTree(example), `golden ${example.id}`);
        }
      });
    });
  });
});

it('tells a pair from a sequence that runs on', async () => {
  const runner = await load('llama', {});
  const tree = TREES['one turn'] ?? expect.fail();
  const state = await stateOf(runner, tree.tokens.ids.length);
  const targets = buildTargets(tree, SETTINGS);
  const input = await inputOf(runner, tree, targets, state);
  const { prefix, first, second, ids } = tree.tokens;
  // The same rows and targets, but the rejected branch sees the chosen one: what a wrong mask would compute.
  const running = { ids, prefix, first: first + second, second: 0 };
  const packed = await runner.gradients(tree.tokens, targets.targets, input, state);
  const wrong = await runner.gradients(running, targets.targets, input, state);
  expect(relativeDifference(wrong.gradient, packed.gradient)).toBeGreaterThan(0.01);
  await runner.release();
});

describe.each(ARCHITECTURES)('checkpointing of %s', (name) => {
  // Bit for bit: the recomputation is the same operators on the same inputs, nothing is merged (the optimiser is off), and
  // each gradient adds its terms in the same order.
  it.each(['full', 'lora'] as const)('%s: layer equals none bit for bit', async (kind) => {
    const options = { trainable: TRAINABLE[kind], attentionBlock: 7, lossChunk: 5 };
    const [none, layer] = [
      await load(name, { ...options, checkpointing: 'none' }),
      await load(name, { ...options, checkpointing: 'layer' }),
    ];
    for (const [what, tree] of Object.entries(TREES)) {
      const state = await stateOf(none, positionsOf(tree));
      const targets = buildTargets(tree, SETTINGS);
      const input = await inputOf(none, tree, targets, state);
      const a = await none.gradients(tree.tokens, targets.targets, input, state);
      const b = await layer.gradients(tree.tokens, targets.targets, input, state);
      expect(b, what).toEqual(a);
    }
    await Promise.all([none.release(), layer.release()]);
  });
});
