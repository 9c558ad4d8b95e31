import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { importDocuments } from '../../../src/main/services/documents.ts';
import { evaluate } from '../../../src/main/services/evaluations.ts';
import { cancelExtension, resumeExtension, startExtension } from '../../../src/main/services/extensions.ts';
import type { ExtensionOptions } from '../../../src/main/services/extensions.ts';
import type { ExtensionPlanInput, ExtensionRow } from '../../../src/shared/extension-plan.ts';
import { parseExtensionPlan } from '../../../src/shared/extension-plan.ts';
import { synthesisPresets } from '../../../src/shared/synthesis-config.ts';
import { closeAll, demoDocument, demoModel, demoQuestions, exactRows, open } from './fixtures.ts';

const stage = {
  synthesis: synthesisPresets.demo,
  train: {
    ...{ lambda: 0.5, learningRate: 1e-3, batchSize: 2, maxSteps: 4, heldOutFraction: 0, checkpointEvery: 2 },
    ...{ trainable: { kind: 'lora', rank: 4, alpha: 8 }, gradientCheckpointing: 'none', turnsPerSample: 1 },
  },
};
const plan: ExtensionPlanInput = {
  name: 'loop',
  modelDir: demoModel,
  threads: 1,
  stages: [
    {
      ...stage,
      length: 1024,
      ropeTheta: 20_000,
      evaluations: [{ kind: 'questions', name: 'short', path: demoQuestions('short'), maxNewTokens: 4, limit: 2 }],
    },
    { ...stage, length: 1024, ropeTheta: 40_000, documentIds: [1, 3] },
  ],
};

async function workspaceWithDocuments(): Promise<ReturnType<typeof open>> {
  const context = open();
  await importDocuments(context, [1, 2, 3].map(demoDocument));
  return context;
}

/** What must not depend on interruptions. */
function outcome(context: ReturnType<typeof open>, { stages }: ExtensionRow) {
  return stages.map(({ runId, modelPath }) => ({
    rows: exactRows(context, runId ?? 0),
    weights: readFileSync(join(context.workspace.folder, modelPath ?? '', 'model.safetensors')),
  }));
}

let whole: ReturnType<typeof outcome>;
beforeAll(async () => {
  const context = await workspaceWithDocuments();
  whole = outcome(context, await startExtension(context, plan));
  await closeAll();
}, 120_000);

test('each stage begins with the model of the one before: pairs, start, reference and RoPE base', async () => {
  const context = await workspaceWithDocuments();
  const parts: string[] = [];
  const done = await startExtension(context, plan, { onPart: (number, part) => parts.push(`${number} ${part}`) });
  expect(parts).toEqual(['1 generate', '1 train', '1 merge', '1 evaluate', '2 generate', '2 train', '2 merge']);
  expect(done).toMatchObject({ name: 'loop', status: 'finished', error: null });
  expect(outcome(context, done)).toEqual(whole);

  const { workspace } = context;
  const [first, second] = done.stages;
  const [one, two] = [first, second].map((row) => workspace.runs.get(row?.runId ?? 0));
  const made = workspace.generationJobs.get(second?.generationId ?? 0);
  expect(made?.modelFingerprint).toBe(two?.modelFingerprint);
  expect(two?.modelFingerprint).not.toBe(one?.modelFingerprint);
  expect(workspace.models.get(two?.modelFingerprint ?? '')?.path).toBe(join(workspace.folder, first?.modelPath ?? ''));
  expect(workspace.runs.config(two?.id ?? 0)).toMatchObject({ ropeTheta: 40_000, maxLength: 1024 });
  const config = readFileSync(join(workspace.folder, first?.modelPath ?? '', 'config.json'), 'utf8');
  expect(config).toMatch(/"rope_theta": 20000(\.0)?\b/);
  expect(first?.evaluationIds).toHaveLength(1);
  expect(workspace.evaluations.get(first?.evaluationIds[0] ?? 0)).toMatchObject({ status: 'finished', runId: one?.id });

  // The folder holds what base and adapter gave together.
  const tasks = [{ kind: 'text', name: 'text', path: demoQuestions('long'), limit: 4 }] as const;
  const nll = async (source: Parameters<typeof evaluate>[1]['source']) =>
    (await evaluate(context, { source, tasks, execution: { threads: 1 } }))[0]?.summary['nll'] ?? NaN;
  const merged = await nll({ kind: 'base', modelDir: join(workspace.folder, first?.modelPath ?? '') });
  const stacked = await nll({ kind: 'run', runId: one?.id ?? 0 });
  expect(Math.abs(merged - stacked)).toBeLessThan(1e-5);
  expect(Math.abs(stacked - (await nll({ kind: 'base', modelDir: demoModel })))).toBeGreaterThan(1e-3);
}, 120_000);

test('kill -9 of the engine in any part, then resume: the same rows and models, bit for bit', async () => {
  const context = await workspaceWithDocuments();
  let id = 0;
  const killIn = ['1 generate', '1 train', '2 generate', '2 train'];
  for (let attempt = 0; attempt < 10; attempt += 1) {
    let now = '';
    const options: ExtensionOptions = {
      onPlan: (made) => (id = made),
      onPart: (number, part) => (now = `${number} ${part}`),
      onProgress: ({ done, phase }) => {
        const begun = done > 0 && (phase === 'train' || now.endsWith('generate'));
        if (now !== killIn[0] || !begun || context.engine.pid === undefined) return;
        killIn.shift();
        process.kill(context.engine.pid, 'SIGKILL');
      },
    };
    const running = id === 0 ? startExtension(context, plan, options) : resumeExtension(context, id, options);
    const ended: unknown = await running.catch((error: unknown) => error);
    if (!(ended instanceof Error)) break;
    expect(ended.message).toContain('SIGKILL');
    expect(context.workspace.extensions.get(id).status).toBe('failed');
  }
  expect(killIn).toEqual([]);
  const done = context.workspace.extensions.get(id);
  expect(done.status).toBe('finished');
  expect(outcome(context, done)).toEqual(whole);
}, 180_000);

test('the signal pauses a plan; it goes on, or is cancelled for good', async () => {
  const context = await workspaceWithDocuments();
  const stop = new AbortController();
  const onProgress = ({ phase }: { readonly phase: string }): void => {
    if (phase === 'train') stop.abort();
  };
  const paused = startExtension(context, plan, { signal: stop.signal, onProgress });
  await expect(paused).rejects.toMatchObject({ code: 'cancelled' });
  expect(context.workspace.extensions.get(1)).toMatchObject({ status: 'paused', error: null });
  cancelExtension(context, 1);
  await expect(resumeExtension(context, 1)).rejects.toMatchObject({ code: 'conflict' });
}, 60_000);

test('a plan that was running when the program was killed is paused at the next opening', async () => {
  const context = open();
  const { folder } = context.workspace;
  const id = context.workspace.extensions.add(parseExtensionPlan(plan), 'test');
  context.workspace.extensions.setStatus(id, 'running');
  context.workspace.extensions.setStage(id, 1, { finished: true });
  await context.close();
  const { extensions } = open(folder).workspace;
  expect(extensions.get(id)).toMatchObject({ status: 'paused', stages: [{ finished: true }, { finished: false }] });
  expect(extensions.stopped()).toEqual([id]);
});

test('a plan says which field is wrong', () => {
  const wrong = (stages: unknown) => () => parseExtensionPlan({ modelDir: 'm', stages });
  expect(wrong([])).toThrow(/stages/);
  expect(wrong([{ length: 100 }, { length: 50 }])).toThrow(/stages\[1\]\.length: is less than/);
  expect(wrong([{ length: 100, train: { maxLength: 3 } }])).toThrow(
    /stages\[0\]\.train\.maxLength: is a field of the stage/,
  );
  expect(wrong([{ length: 100, train: { objective: 'sft', lambda: 1 } }])).toThrow(/stages\[0\]\.train\.lambda/);
});
