import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { demoFolder } from '../../../src/main/services/demo-folder.ts';
import { runDemo } from '../../../src/main/services/demo.ts';
import { importDocuments } from '../../../src/main/services/documents.ts';
import { openWorkspace } from '../../../src/main/workspace/workspace.ts';
import { demoDocument, open, temporaryFolder } from './fixtures.ts';

/** A demo with three documents and eight questions of each kind. */
function smallDemo(): string {
  const data = temporaryFolder();
  cpSync(join(demoFolder, 'base-model'), join(data, 'base-model'), { recursive: true });
  for (const part of ['train', 'eval']) mkdirSync(join(data, 'documents', part), { recursive: true });
  for (const number of [1, 2, 3]) {
    copyFileSync(demoDocument(number), join(data, 'documents', 'train', basename(demoDocument(number))));
  }
  for (const name of ['short', 'long', 'closed']) {
    const lines = readFileSync(join(demoFolder, 'documents', 'eval', `${name}.jsonl`), 'utf8').split('\n');
    writeFileSync(join(data, 'documents', 'eval', `${name}.jsonl`), lines.slice(0, 8).join('\n'));
  }
  return data;
}

// The whole demo is run by `npm run demo`, which checks its promises; here is how it begins and how it is stopped.

test('the demo wants a workspace of its own', async () => {
  const context = open();
  await importDocuments(context, [demoDocument(1)]);
  await context.close();
  const refused = runDemo({ folder: context.workspace.folder });
  await expect(refused).rejects.toMatchObject({ code: 'conflict', place: { file: context.workspace.folder } });
});

test('the demo can be stopped; its workspace is closed and keeps what was made', async () => {
  const context = open();
  await context.close();
  const { folder } = context.workspace;
  const stop = new AbortController();
  const phases: string[] = [];
  const stopped = runDemo(
    { folder, threads: 1 },
    {
      signal: stop.signal,
      onPhase: (name) => phases.push(name),
      onProgress: ({ phase, done }) => {
        if (phase === 'rejected' && done >= 3) stop.abort();
      },
    },
  );
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
  expect(phases).toEqual(['import', 'generate']);
  const workspace = openWorkspace(folder);
  expect(workspace.documents.totals().documents).toBe(300);
  expect(workspace.pairs.queueCounts().all).toBeGreaterThan(8);
  expect(workspace.generationJobs.list().rows).toMatchObject([{ status: 'paused' }]);
  workspace.close();
});

test('a short comparison: every run has the pairs, the start and the steps of LongPO, and is measured like the base', async () => {
  const folder = temporaryFolder();
  const report = await runDemo({ folder, threads: 1, seed: 1, data: smallDemo(), compare: true, ablations: true });
  const names = ['longpo', 'sft', 'dpo', 'nll only', 'dpo + nll'];
  expect(report.runs.map(({ name }) => name)).toEqual(names);
  expect(report.figures.map(({ name }) => name)).toEqual(['base', ...names]);
  expect(new Set(report.runs.map(({ steps }) => steps)).size).toBe(1);
  for (const figures of report.figures) {
    const { name, short, long, closed, ask, ...likelihoods } = figures;
    for (const share of [short, long, closed, ask]) expect(share, name).toSatisfy((value) => value >= 0 && value <= 1);
    for (const value of Object.values(likelihoods)) expect(value, name).toBeGreaterThanOrEqual(0);
  }
  const workspace = openWorkspace(folder);
  const runs = workspace.runs.list().rows;
  expect(new Set(runs.map(({ dataSha256, modelFingerprint }) => dataSha256 + modelFingerprint)).size).toBe(1);
  const configs = runs.map(({ id }) => workspace.runs.config(id));
  // What tells the preference term's share differs from LongPO in that term alone.
  const { lambda, objective, ...longpo } = configs[0] ?? expect.fail();
  expect([objective, lambda]).toEqual(['longpo', 0.01]);
  expect(configs[3]).toEqual({ ...longpo, objective: 'longpo', lambda: 0 });
  expect(configs[4]).toEqual({ ...longpo, objective: 'dpo', lambda: 0.01, referenceRope: 'policy' });
  for (const { id } of runs) expect(workspace.evaluations.list({ runId: id }).rows).toHaveLength(6);
  workspace.close();
});

test('a demo that is stopped while it trains does not go on to evaluate; the run can be continued', async () => {
  const folder = temporaryFolder();
  const stop = new AbortController();
  const phases: string[] = [];
  const stopped = runDemo(
    { folder, threads: 1, data: smallDemo() },
    {
      signal: stop.signal,
      onPhase: (name) => phases.push(name),
      onProgress: ({ phase, done }) => {
        if (phase === 'train' && done >= 1) stop.abort();
      },
    },
  );
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
  expect(phases).toEqual(['import', 'generate', 'evaluate base', 'train longpo']);
  const workspace = openWorkspace(folder);
  expect(workspace.runs.list().rows).toMatchObject([{ status: 'paused' }]);
  expect(workspace.evaluations.list().rows.every(({ runId }) => runId === null)).toBe(true);
  workspace.close();
});
