import { expect, test } from 'vitest';
import type { MetricRow } from '../../../src/shared/metrics.ts';
import { jobStatuses, nextStatuses } from '../../../src/shared/runs.ts';
import { addChunkedDocument, open, pair, sampleOf, temporaryFolder, userError, withPairs } from './fixtures.ts';
import type { Workspace } from '../../../src/main/workspace/workspace.ts';

function newRun(pairIds: readonly number[], config: Record<string, unknown> = {}) {
  const pairs = pairIds.map((pairId) => ({ pairId, revision: 0 }));
  return { name: 'A run', config, modelFingerprint: 'm', codeVersion: '0.1.0', pairs };
}

function withRun(): { workspace: Workspace; run: number; pairIds: readonly number[] } {
  const workspace = open();
  const { pairIds } = withPairs(workspace);
  return { workspace, run: workspace.runs.add(newRun(pairIds)), pairIds };
}

test('a run keeps its complete configuration, data, seed and code version', () => {
  const { workspace, pairIds } = withRun();
  const id = workspace.runs.add({
    ...newRun(pairIds, { objective: 'dpo', seed: 5 }),
    heldOut: [{ pairId: pairIds[0] ?? 0, revision: 0 }],
  });
  expect(workspace.runs.get(id)).toMatchObject({
    ...{ status: 'queued', objective: 'dpo', seed: 5, codeVersion: '0.1.0', pairCount: 2, heldOutCount: 1 },
    ...{ lastStep: null, startedAt: null, endedAt: null, error: null },
  });
  expect(workspace.runs.config(id)).toMatchObject({ objective: 'dpo', beta: 0.1, lambda: 1, warmupRatio: 0.1 });
  expect(workspace.runs.data(id).pairs.map((entry) => entry.pairId)).toEqual(pairIds);
  expect(workspace.runs.data(id).heldOut).toHaveLength(1);
});

test('the data hash follows content and order, not row numbers', () => {
  const { workspace, run, pairIds } = withRun();
  const hash = (id: number) => workspace.runs.get(id).dataSha256;
  expect(hash(workspace.runs.add(newRun(pairIds)))).toBe(hash(run));
  expect(hash(workspace.runs.add(newRun([...pairIds].reverse())))).not.toBe(hash(run));

  const other = open(temporaryFolder());
  addChunkedDocument(other, 'Zero. Nil.');
  const same = withPairs(other);
  expect(other.runs.get(other.runs.add(newRun(same.pairIds))).dataSha256).toBe(hash(run));

  const pairId = pairIds[0] ?? 0;
  const { id: revision } = workspace.reviews.append({
    ...{ pairId, reviewer: 'a', edit: { chosen: 'x' }, blind: false, milliseconds: 0 },
  });
  const edited = [{ pairId, revision }, ...newRun(pairIds).pairs.slice(1)];
  expect(hash(workspace.runs.add({ ...newRun(pairIds), pairs: edited }))).not.toBe(hash(run));
});

test('a run with a wrong configuration or missing pairs is not made', () => {
  const { workspace, pairIds } = withRun();
  expect(userError(() => workspace.runs.add(newRun(pairIds, { beta: -1 }))).place.field).toBe('config.beta');
  expect(userError(() => workspace.runs.add(newRun([]))).place.field).toBe('pairs');
  expect(userError(() => workspace.runs.add(newRun([77]))).code).toBe('not_found');
  const wrongRevision = { ...newRun(pairIds), pairs: [{ pairId: pairIds[0] ?? 0, revision: 3 }] };
  expect(userError(() => workspace.runs.add(wrongRevision)).code).toBe('not_found');
  expect(workspace.runs.list().rows).toHaveLength(1);
});

test('statuses change only as allowed, with times and events', () => {
  let time = 10;
  const workspace = open(undefined, { now: () => time });
  const { pairIds } = withPairs(workspace);
  for (const from of jobStatuses) {
    for (const to of jobStatuses) {
      const id = workspace.runs.add(newRun(pairIds));
      if (from !== 'queued') {
        if (from !== 'cancelled') workspace.runs.setStatus(id, 'running');
        if (from !== 'running') workspace.runs.setStatus(id, from);
      }
      if (nextStatuses[from].includes(to)) workspace.runs.setStatus(id, to);
      else expect(userError(() => workspace.runs.setStatus(id, to)).code).toBe('conflict');
    }
  }
  const id = workspace.runs.add(newRun(pairIds));
  time = 20;
  workspace.runs.setStatus(id, 'running');
  time = 30;
  workspace.runs.setStatus(id, 'failed', 'The GPU is gone.');
  expect(workspace.runs.get(id)).toMatchObject({ startedAt: 20, endedAt: 30, error: 'The GPU is gone.' });
  workspace.runs.setStatus(id, 'queued');
  expect(workspace.runs.get(id)).toMatchObject({ startedAt: 20, endedAt: null, error: null });
  expect(workspace.events.list({ subject: `run/${id}` }).rows.map((event) => event.kind)).toEqual([
    ...['run_added', 'run_status', 'run_status', 'run_status'],
  ]);
});

const row = (step: number, key: MetricRow['key'], value = step): MetricRow => ({ step, key, value });

test('metrics arrive once each, page by page, late ones of an old step included', () => {
  const { workspace, run } = withRun();
  workspace.metrics.append(run, [row(1, 'loss'), row(1, 'nll'), row(2, 'loss')]);
  const first = workspace.metrics.since(run, null, 2);
  expect(first).toMatchObject({ reset: false, more: true, rows: [row(1, 'loss'), row(1, 'nll')] });
  const second = workspace.metrics.since(run, first.cursor);
  expect(second).toMatchObject({ more: false, rows: [row(2, 'loss')] });
  workspace.metrics.append(run, [row(1, 'eval_loss', Number.NaN), row(2, 'grad_norm', Infinity)]);
  const third = workspace.metrics.since(run, second.cursor);
  expect(third.rows).toEqual([row(1, 'eval_loss', Number.NaN), row(2, 'grad_norm', Infinity)]);
  expect(workspace.metrics.since(run, third.cursor)).toMatchObject({ rows: [], cursor: third.cursor });
  expect(workspace.metrics.atStep(run, 1).map((value) => value.key)).toEqual(['eval_loss', 'loss', 'nll']);
  expect(userError(() => workspace.metrics.since(run, 'x')).place.field).toBe('cursor');
  expect(userError(() => workspace.metrics.since(99, null)).code).toBe('not_found');
});

test('a value cannot come twice, and a failing batch leaves nothing', () => {
  const { workspace, run } = withRun();
  workspace.metrics.append(run, [row(1, 'loss')]);
  expect(() => workspace.metrics.append(run, [row(2, 'loss'), row(1, 'loss')])).toThrow(/UNIQUE/);
  expect(workspace.metrics.since(run, null).rows).toEqual([row(1, 'loss')]);
});

test('after a resume there are no duplicates and no gaps, and readers start over', () => {
  const { workspace, run } = withRun();
  for (let step = 1; step <= 5; step++) workspace.metrics.append(run, [row(step, 'loss')]);
  const reader = workspace.metrics.since(run, null);
  expect(workspace.metrics.truncateAfter(run, 3)).toBe(2);
  expect(workspace.runs.get(run).lastStep).toBe(3);
  for (let step = 4; step <= 6; step++) workspace.metrics.append(run, [row(step, 'loss', -step)]);
  const after = workspace.metrics.since(run, reader.cursor);
  expect(after.reset).toBe(true);
  expect(after.rows.map(({ step, value }) => [step, value])).toEqual([
    ...[1, 2, 3].map((step) => [step, step]),
    ...[4, 5, 6].map((step) => [step, -step]),
  ]);
  expect(workspace.metrics.since(run, after.cursor)).toMatchObject({ reset: false, rows: [] });
  expect(workspace.events.list({ subject: `run/${run}` }).rows.at(-1)).toMatchObject({
    ...{ kind: 'metrics_truncated', detail: { afterStep: 3, lastStep: 5, rows: 2 } },
  });
  expect(workspace.metrics.truncateAfter(run, 6)).toBe(0);
});

test('checkpoints: pinned and latest ones stay, rows stay for ever', () => {
  const { workspace, run } = withRun();
  const ids = [10, 20, 30, 40].map((step) =>
    workspace.checkpoints.add({ runId: run, step, path: `runs/${run}/step-${step}`, bytes: 5 }),
  );
  workspace.checkpoints.setPinned(ids[0] ?? 0, true);
  const surplus = workspace.checkpoints.surplus(run, 2);
  expect(surplus.map((checkpoint) => checkpoint.step)).toEqual([20]);
  workspace.checkpoints.setRemoved(ids[1] ?? 0);
  expect(workspace.checkpoints.surplus(run, 2)).toEqual([]);
  workspace.checkpoints.add({ runId: run, step: 40, path: `runs/${run}/step-40`, bytes: 6 });
  const all = workspace.checkpoints.ofRun(run);
  expect(all.map(({ step, removedAt }) => [step, removedAt === null])).toEqual([
    ...[
      [10, true],
      [20, false],
      [30, true],
      [40, false],
      [40, true],
    ],
  ]);
  expect(userError(() => workspace.checkpoints.get(99)).code).toBe('not_found');
});

test('generation goes on where it stopped', () => {
  const folder = temporaryFolder();
  const workspace = open(folder);
  const { chunkIds, documentId } = addChunkedDocument(workspace);
  const [chunkId = 0, next = 0] = chunkIds;
  const job = workspace.generationJobs.add({
    ...{ name: 'g', modelFingerprint: 'm', codeVersion: '0', seed: 1, config: { documents: [documentId] } },
  });
  workspace.generationJobs.setStatus(job, 'running');
  const step = { chunkId, turn: 0, stage: 'question', output: { text: 'Why?' } } as const;
  workspace.generationJobs.addSteps(job, [step]);
  expect(() => workspace.generationJobs.addSteps(job, [{ ...step, chunkId: next }, step])).toThrow(/UNIQUE/);
  workspace.close();
  const again = open(folder);
  expect(again.generationJobs.get(job)).toMatchObject({ status: 'paused', config: { documents: [documentId] } });
  expect(again.generationJobs.steps(job).rows).toEqual([step]);
  expect(again.generationJobs.progress(job)).toEqual({ question: 1, chosen: 0, rejected: 0 });
  again.pairs.addSamples([sampleOf(documentId, [pair(chunkId, 'a')], { jobId: job })]);
  expect(again.pairs.list({ jobId: job }).rows).toHaveLength(1);
  expect(again.pairs.list({ jobId: job + 1 }).rows).toHaveLength(0);
});

test('evaluations keep every answer', () => {
  const { workspace, run } = withRun();
  const id = workspace.evaluations.add({
    ...{ setName: 'long', setSha256: 'b'.repeat(64), kind: 'questions', modelFingerprint: 'm', runId: run },
    ...{ config: { maxNewTokens: 14 }, codeVersion: '0', seed: 0 },
  });
  workspace.evaluations.setStatus(id, 'running');
  const item = (index: number) => ({
    index,
    question: 'q',
    expected: 'e',
    answer: `a${index}`,
    score: 0.5,
    detail: { depth: 0.3 },
  });
  workspace.evaluations.addItems(id, [item(0), item(1), item(2)]);
  expect(() => workspace.evaluations.addItems(id, [item(3), item(1)])).toThrow(/UNIQUE/);
  const first = workspace.evaluations.items(id, { limit: 2 });
  expect(first.rows).toEqual([item(0), item(1)]);
  expect(workspace.evaluations.items(id, { cursor: first.next }).rows).toEqual([item(2)]);
  workspace.evaluations.finish(id, { exact: 0.5 });
  expect(workspace.evaluations.list({ runId: run }).rows).toEqual([workspace.evaluations.get(id)]);
  expect(workspace.evaluations.get(id)).toMatchObject({ status: 'finished', summary: { exact: 0.5 }, items: 3 });
  expect(userError(() => workspace.evaluations.finish(id, {})).code).toBe('conflict');
});
