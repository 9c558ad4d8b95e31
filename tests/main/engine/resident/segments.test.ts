import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ModelRunner, StepPart } from '../../../../src/main/engine/model/runner.ts';
import { loadResidentModel } from '../../../../src/main/engine/resident/resident-model.ts';
import type { ResidentOptions } from '../../../../src/main/engine/resident/resident-options.ts';
import { buildTargets, objectiveInput, type AnswerTree } from '../../../../src/main/engine/training/objectives.ts';
import type { ObjectiveSettings } from '../../../../src/main/engine/training/objectives.ts';
import { GOLDEN_ROOT } from '../training/golden-longpo.ts';
import { FLASH, LONGPO, LORA, trainedState, tree } from '../../../../bench/gpu/answer-tree.ts';

const OBJECTIVES: readonly ObjectiveSettings[] = [
  LONGPO,
  { objective: 'dpo', beta: 0.1, lambda: 1, nllDocument: 0, nllAnswers: 0 },
  { objective: 'sft', beta: 0.1, lambda: 0, nllDocument: 0, nllAnswers: 1 },
  { objective: 'simpo', beta: 2, lambda: 1, nllDocument: 0, nllAnswers: 0, gamma: 1 },
  { objective: 'orpo', beta: 1, lambda: 0.1, nllDocument: 0, nllAnswers: 1 },
];

const PAIR = tree(50, 9, 12);

function load(name: string, options: Partial<ResidentOptions>): Promise<ModelRunner> {
  const dir = path.join(GOLDEN_ROOT, 'models', name);
  return loadResidentModel(dir, {
    device: 'cpu',
    threads: 2,
    trainable: LORA,
    programs: ['score', 'gradients'],
    ...options,
  });
}

function inputOf(example: AnswerTree, settings: ObjectiveSettings) {
  const targets = buildTargets(example, settings);
  const reference = { chosen: [Float32Array.of(-20)], rejected: [Float32Array.of(-25)] };
  return { targets: targets.targets, input: objectiveInput(targets, settings, reference) };
}

describe.each([
  ['llama', 1],
  ['mistral', 1],
  ['mistral', 2],
  ['qwen2', 1],
  ['qwen3', 1],
] as const)('%s in segments of %d', (name, segmentLayers) => {
  it.each([
    ['lora', 'layer', {}],
    ['full', 'none', {}],
    ['lora', 'layer', FLASH],
    ['full', 'layer', FLASH],
  ] as const)('%s, checkpointing %s, %o: the same bits as in one run', async (kind, checkpointing, attention) => {
    const options = { trainable: kind === 'full' ? ({ kind } as const) : LORA, checkpointing, ...attention };
    const [whole, cut] = [await load(name, options), await load(name, { ...options, segmentLayers })];
    try {
      expect(whole.config.numLayers).toBeGreaterThan(segmentLayers);
      const state = await trainedState(whole);
      for (const settings of OBJECTIVES) {
        const { targets, input } = inputOf(PAIR, settings);
        const expected = await whole.gradients(PAIR.tokens, targets, input, state);
        expect(await cut.gradients(PAIR.tokens, targets, input, state)).toEqual(expected);
        expect(expected.gradient.some((x) => x !== 0)).toBe(true);
      }
      const { targets } = inputOf(PAIR, LONGPO);
      expect(await cut.score(PAIR.tokens, targets, state)).toEqual(await whole.score(PAIR.tokens, targets, state));
    } finally {
      await Promise.all([whole.release(), cut.release()]);
    }
  });
});

describe('a step in segments', () => {
  it('tells how far it is, from the second step on as a share of its time', async () => {
    const runner = await load('mistral', { segmentLayers: 1 });
    try {
      const state = await trainedState(runner);
      const { targets, input } = inputOf(PAIR, LONGPO);
      const step = async (): Promise<StepPart[]> => {
        const parts: StepPart[] = [];
        await runner.gradients(PAIR.tokens, targets, input, state, { onPart: (part) => parts.push(part) });
        return parts;
      };
      const first = await step();
      expect(first.map(({ done, total }) => [done, total])).toEqual([1, 2, 3, 4].map((done) => [done, 5]));
      // Nothing says what a way back takes before there was one.
      expect(first.map(({ fraction }) => fraction === null)).toEqual([true, true, false, false]);
      const second = (await step()).map(({ fraction }) => fraction ?? NaN);
      expect(second.every((fraction) => fraction > 0 && fraction < 1)).toBe(true);
      expect(second).toEqual(second.toSorted((a, b) => a - b));
    } finally {
      await runner.release();
    }
  });

  it('stops between two of them, and the next step is as if nothing had been', async () => {
    const runner = await load('mistral', { segmentLayers: 1 });
    try {
      const state = await trainedState(runner);
      const { targets, input } = inputOf(PAIR, LONGPO);
      const expected = await runner.gradients(PAIR.tokens, targets, input, state);
      for (const at of [1, 3, 4]) {
        const controller = new AbortController();
        const onPart = ({ done }: StepPart): void => {
          if (done === at) controller.abort();
        };
        const stopped = runner.gradients(PAIR.tokens, targets, input, state, { onPart, signal: controller.signal });
        await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
        expect(await runner.gradients(PAIR.tokens, targets, input, state)).toEqual(expected);
      }
    } finally {
      await runner.release();
    }
  });

  it('is refused where the computer has too little memory for what lies between', async () => {
    const runner = await load('llama', { segmentLayers: 1, hostBytes: 60_000 });
    try {
      const state = await trainedState(runner);
      const { targets, input } = inputOf(PAIR, LONGPO);
      const refused = runner.gradients(PAIR.tokens, targets, input, state);
      await expect(refused).rejects.toThrow(
        /^Segments of this length need .* of the computer's memory, and .* are free\.$/,
      );
    } finally {
      await runner.release();
    }
  });

  it('is one run where a segment has all layers', async () => {
    const runner = await load('llama', { segmentLayers: 2 });
    try {
      const { targets, input } = inputOf(PAIR, LONGPO);
      const parts: StepPart[] = [];
      const watch = { onPart: (part: StepPart) => void parts.push(part) };
      await runner.gradients(PAIR.tokens, targets, input, await trainedState(runner), watch);
      expect(parts).toEqual([]);
    } finally {
      await runner.release();
    }
  });
});
