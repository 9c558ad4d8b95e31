import { expect, test } from 'vitest';
import { resumeRun, runDetail, train } from '../../../src/main/services/runs.ts';
import { addPairs, exactRows, open, tinyModel } from './fixtures.ts';
import { tinyRun } from './tiny-run.ts';

test('a run in segments has the rows of one that is not, tells its parts, and stopped within a step goes on to the same', async () => {
  const context = open();
  addPairs(context, 10);
  const config = {
    ...tinyRun,
    gradientCheckpointing: 'layer',
    epochs: null,
    maxSteps: 12,
    checkpointEvery: 4,
  } as const;
  const modelDir = tinyModel('llama');
  const whole = await train(context, { modelDir, config });
  const cut = { modelDir, config: { ...config, segmentLayers: 1 } };
  const parts: string[] = [];
  const { run } = await train(context, cut, {
    onProgress: ({ part }) => {
      if (part !== undefined) parts.push(`${part.done}/${part.total}`);
    },
  });
  // Not every report comes through: the engine sends so many a second.
  expect(parts.length).toBeGreaterThan(0);
  expect(parts.every((part) => part === '1/3' || part === '2/3')).toBe(true);
  expect(runDetail(context, run.id).config.segmentLayers).toBe(1);
  expect(runDetail(context, whole.run.id).config.segmentLayers).toBe(0);
  expect(exactRows(context, run.id)).toEqual(exactRows(context, whole.run.id));

  const stopper = new AbortController();
  const stopped = await train(context, cut, {
    signal: stopper.signal,
    onProgress: ({ phase, done }) => {
      if (phase === 'train' && done >= 2) stopper.abort();
    },
  });
  expect(stopped.run.status).toBe('paused');
  const step = runDetail(context, stopped.run.id).checkpoints.at(-1)?.step ?? NaN;
  expect(step > 0 && step < 12).toBe(true);
  await resumeRun(context, stopped.run.id);
  expect(exactRows(context, stopped.run.id)).toEqual(exactRows(context, whole.run.id));
}, 60_000);
