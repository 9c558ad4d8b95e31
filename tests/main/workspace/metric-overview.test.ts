import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openDatabase } from '../../../src/main/workspace/database.ts';
import { initial } from '../../../src/main/workspace/migrations/0001-initial.ts';
import { audit } from '../../../src/main/workspace/migrations/0002-audit.ts';
import { extremeSteps } from '../../../src/main/workspace/migrations/0003-metric-extremes.ts';
import { databaseName } from '../../../src/main/workspace/workspace.ts';
import type { Workspace } from '../../../src/main/workspace/workspace.ts';
import type { MetricRow } from '../../../src/shared/metrics.ts';
import { open, temporaryFolder, withPairs } from './fixtures.ts';

function addRun(workspace: Workspace, pairs = snapshot(workspace)): number {
  return workspace.runs.add({ name: 'r', config: {}, modelFingerprint: 'm', codeVersion: '0', pairs });
}

function snapshot(workspace: Workspace) {
  return withPairs(workspace).pairIds.map((pairId) => ({ pairId, revision: 0 }));
}

/** What the overview of these rows must hold, by metric: extremes of each stretch, first and last step. */
function expected(rows: readonly MetricRow[]): Map<string, Map<number, number>> {
  const steps = rows.map(({ step }) => step);
  const ends = [Math.min(...steps), Math.max(...steps)];
  const curves = new Map<string, Map<number, number>>();
  for (const key of new Set(rows.map((row) => row.key))) {
    const curve = new Map<number, number>();
    const mine = rows.filter((row) => row.key === key).sort((a, b) => a.step - b.step);
    const finite = mine.filter(({ value }) => Number.isFinite(value));
    for (const bucket of new Set(finite.map(({ step }) => Math.floor(step / extremeSteps)))) {
      const part = finite.filter(({ step }) => Math.floor(step / extremeSteps) === bucket);
      const lowest = part.reduce((best, row) => (row.value < best.value ? row : best));
      const highest = part.reduce((best, row) => (row.value > best.value ? row : best));
      for (const { step, value } of [lowest, highest]) curve.set(step, value);
    }
    for (const { step, value } of mine) if (ends.includes(step)) curve.set(step, value);
    if (curve.size > 0) curves.set(key, curve);
  }
  return curves;
}

function overviewOf(workspace: Workspace, run: number): Map<string, Map<number, number>> {
  const { curves } = workspace.metrics.overview(run);
  for (const { steps } of curves) expect([...steps]).toEqual([...new Set(steps)].sort((a, b) => a - b));
  return new Map(
    curves.map(({ key, steps, values }) => [key, new Map(steps.map((step, i) => [step, values[i] ?? NaN]))]),
  );
}

test('the overview holds the extremes of every stretch, after appending and cutting back in any order', () => {
  const workspace = open();
  const pairs = snapshot(workspace);
  // All values differ, so that it is clear which one is the lowest.
  const value = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: -500, max: 500 }) }, fc.constantFrom(NaN, Infinity));
  const act = fc.oneof(
    { weight: 4, arbitrary: fc.record({ steps: fc.integer({ min: 1, max: 90 }), values: fc.array(value) }) },
    { weight: 1, arbitrary: fc.record({ backTo: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  );
  fc.assert(
    fc.property(fc.array(act, { minLength: 1, maxLength: 8 }), (acts) => {
      const run = addRun(workspace, pairs);
      let rows: MetricRow[] = [];
      let next = 0;
      for (const one of acts) {
        if ('backTo' in one) {
          const after = Math.floor(one.backTo * next) - 1;
          workspace.metrics.truncateAfter(run, after);
          rows = rows.filter(({ step }) => step <= after);
          next = after + 1;
          continue;
        }
        const fresh: MetricRow[] = Array.from({ length: one.steps }, (_, i) => {
          const step = next + i;
          return { step, key: step % 3 === 2 ? 'nll' : 'loss', value: (one.values[i] ?? i) + step / 1e6 };
        });
        next += one.steps;
        workspace.metrics.append(run, fresh);
        rows.push(...fresh);
      }
      expect(overviewOf(workspace, run)).toEqual(rows.length === 0 ? new Map() : expected(rows));
    }),
    { numRuns: 60 },
  );
});

test('a long run comes with some hundred values a metric, its peak among them; reading goes on behind it', () => {
  const workspace = open();
  const run = addRun(workspace);
  const steps = 100_000;
  for (let from = 0; from < steps; from += 10_000) {
    workspace.metrics.append(
      run,
      Array.from({ length: 10_000 }, (_, i) => ({ step: from + i, key: 'loss', value: from + i === 54_321 ? 9 : 1 })),
    );
  }
  const { curves, cursor } = workspace.metrics.overview(run);
  const [curve] = curves;
  expect(curve?.steps.length).toBeLessThan(1400);
  expect(curve?.values[curve.steps.indexOf(54_321)]).toBe(9);
  expect([curve?.steps[0], curve?.steps.at(-1)]).toEqual([0, steps - 1]);
  expect(workspace.metrics.since(run, cursor)).toMatchObject({ rows: [], more: false, reset: false });
  workspace.metrics.append(run, [{ step: steps, key: 'loss', value: 2 }]);
  expect(workspace.metrics.since(run, cursor).rows).toEqual([{ step: steps, key: 'loss', value: 2 }]);
  workspace.metrics.truncateAfter(run, 10);
  expect(workspace.metrics.since(run, cursor).reset).toBe(true);
});

test('an older workspace gets its overview when it is opened', () => {
  const folder = temporaryFolder();
  const file = join(folder, databaseName);
  const old = { readOnly: false, suspicious: false, migrations: [initial, audit], now: Date.now() };
  openDatabase(file, old).close();
  const database = new SqliteDatabase(file);
  database.pragma('foreign_keys = OFF');
  const add = database.prepare('INSERT INTO metrics (run_id, step, key, value, batch) VALUES (1, ?, ?, ?, 1)');
  const rows = Array.from({ length: 300 }, (_, step): MetricRow => ({ step, key: 'loss', value: (step * 37) % 101 }));
  for (const { step, key, value } of rows) add.run(step, key, value);
  database
    .prepare(
      `INSERT INTO runs (id, name, status, objective, model_fingerprint, code_version, seed, data_sha256, pair_count,
         held_out_count, created_at, config) VALUES (1, 'r', 'finished', 'longpo', 'm', '0', 0, '', 1, 0, 0, '{}')`,
    )
    .run();
  database.close();
  expect(overviewOf(open(folder), 1)).toEqual(expected(rows));
});
