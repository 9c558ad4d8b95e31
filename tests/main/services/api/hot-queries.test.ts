import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generatedWorkspace } from '../../../../bench/ui/generate-workspace.ts';
import { createApi } from '../../../../src/main/services/api/api.ts';
import { PathGrants } from '../../../../src/main/services/api/path-grants.ts';
import { RecentWorkspaces } from '../../../../src/main/services/api/recent-workspaces.ts';
import { Session } from '../../../../src/main/services/api/session.ts';
import { UserSettings } from '../../../../src/main/services/api/user-settings.ts';
import { databaseName } from '../../../../src/main/workspace/workspace.ts';
import type { Api, ApiMethod } from '../../../../src/shared/api/contract.ts';

// What keeps a large workspace quick, without a clock: the statements behind each page, their plans, and the bytes that
// cross. The times themselves are measured by bench/ui.

interface Ran {
  readonly sql: string;
  readonly values: readonly unknown[];
  rows: number;
}

const folder = mkdtempSync(join(tmpdir(), 'longhand-hot-'));
const steps = 6000;
let file = '';
let session: Session;
let ran: Ran[] = [];
const originals = new Map<'all' | 'get' | 'run', (...values: unknown[]) => unknown>();
const statements = Object.getPrototypeOf(new SqliteDatabase(':memory:').prepare('SELECT 1')) as Record<
  'all' | 'get' | 'run',
  (this: SqliteDatabase.Statement, ...values: unknown[]) => unknown
>;

beforeAll(async () => {
  const scale = { seed: 3, documents: 40, longest: 60_000, pairs: 400, runs: 3, steps };
  const workspace = await generatedWorkspace(folder, scale);
  file = join(workspace, databaseName);
  session = new Session({
    grants: new PathGrants([folder]),
    recent: new RecentWorkspaces(join(folder, 'recent.json')),
    settings: new UserSettings(join(folder, 'settings.json')),
    shell: 'loopback',
  });
  await session.openWorkspace(workspace, false);
  for (const name of ['all', 'get', 'run'] as const) {
    const original = statements[name];
    originals.set(name, original);
    statements[name] = function (...values) {
      const result = original.apply(this, values);
      ran.push({ sql: this.source, values, rows: Array.isArray(result) ? result.length : 1 });
      return result;
    };
  }
});

afterAll(async () => {
  for (const [name, original] of originals) statements[name] = original;
  await session.closeWorkspace();
  rmSync(folder, { recursive: true, force: true });
});

/** Calls a method and gives its answer with the statements that it ran. */
async function watched<Name extends ApiMethod>(name: Name, input: Api[Name]['input']) {
  ran = [];
  const answer = (await createApi(session)(name, input)) as Api[Name]['output'];
  return { answer, ran: [...ran] };
}

/** Tables that a statement reads from end to end, by its query plan. */
function scanned({ sql, values }: Ran, database: SqliteDatabase.Database): string[] {
  const tables = new Map<string, string>();
  for (const [, table = '', alias] of sql.matchAll(/\b(?:FROM|JOIN)\s+(\w+)(?:\s+(?:AS\s+)?(\w+))?/gi)) {
    tables.set(alias ?? table, table);
    tables.set(table, table);
  }
  const plan = database.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
  return plan.flatMap(({ detail }) => {
    // A search that names no index goes from one end until something fits.
    const found = /^SCAN (\w+)|^SEARCH (\w+)$/
      .exec(detail)
      ?.slice(1)
      .find((name) => name !== undefined);
    return found === undefined ? [] : [tables.get(found) ?? found];
  });
}

/** Rows that grow with texts, steps or answers. A statement of a page must find what it wants in them by an index. */
const large = [
  ...[
    'metrics',
    'metric_batches',
    'metric_extremes',
    'texts',
    'chunks',
    'pairs',
    'samples',
    'sample_chunks',
    'reviews',
  ],
  ...['evaluation_items', 'generation_steps', 'reference_logps', 'pair_logps', 'pair_opinions'],
];

const reviewer = 'ada';
const blind = null;
const queue = { filter: { queue: 'unreviewed' as const }, order: 'made' as const, seed: 0, reviewer };

/** What the pages ask for when they open, and what they ask for again and again. */
const calls: readonly { readonly name: ApiMethod; readonly input: unknown; readonly statements: number }[] = [
  { name: 'workspaces.current', input: {}, statements: 5 },
  { name: 'models.list', input: {}, statements: 1 },
  { name: 'documents.list', input: { limit: 20 }, statements: 1 },
  { name: 'documents.text', input: { id: 1, start: 10_000, end: 12_000 }, statements: 1 },
  { name: 'documents.chunks', input: { id: 1 }, statements: 1 },
  { name: 'pairs.counts', input: {}, statements: 1 },
  { name: 'pairs.list', input: { limit: 20, queue: 'unreviewed' }, statements: 2 },
  { name: 'audit.rows', input: { ids: [5, 6, 7], reviewer, blind, runId: null }, statements: 3 },
  { name: 'audit.pair', input: { pairId: 5, reviewer, blind }, statements: 12 },
  { name: 'audit.pace', input: { reviewer }, statements: 3 },
  { name: 'runs.list', input: {}, statements: 1 },
  { name: 'runs.get', input: { id: 2 }, statements: 6 },
  { name: 'runs.overview', input: { id: 2 }, statements: 6 },
  { name: 'runs.metrics', input: { id: 2, cursor: null }, statements: 2 },
  { name: 'evaluations.list', input: {}, statements: 1 },
  { name: 'system.events', input: { limit: 50 }, statements: 1 },
];

describe('what pages ask for', () => {
  it.each(calls)(
    '$name: few statements, and no large table is read from end to end',
    async ({ name, input, statements }) => {
      const { ran } = await watched(name, input as Api[typeof name]['input']);
      expect(ran.length).toBeGreaterThan(0);
      expect(ran.length).toBeLessThanOrEqual(statements);
      const database = new SqliteDatabase(file, { readonly: true });
      try {
        for (const statement of ran) {
          const found = scanned(statement, database).filter((table) => large.includes(table));
          expect(found, statement.sql).toEqual([]);
        }
      } finally {
        database.close();
      }
    },
  );

  it('a plan that reads a large table from end to end is found out', () => {
    const database = new SqliteDatabase(file, { readonly: true });
    const bad = { sql: "SELECT sum(m.value) FROM metrics m WHERE m.key = 'loss'", values: [], rows: 0 };
    expect(scanned(bad, database)).toEqual(['metrics']);
    database.close();
  });
});

describe('metrics of a long run', () => {
  it('come as some hundred values each, with the peaks, whatever the number of steps', async () => {
    const { answer, ran } = await watched('runs.overview', { id: 2 });
    expect(answer.curves).toHaveLength(15);
    for (const { steps: at } of answer.curves) expect(at.length).toBeLessThan(2 * Math.ceil(steps / 64) + 3);
    const norm = answer.curves.find(({ key }) => key === 'grad_norm');
    expect(Math.max(...(norm?.values ?? []))).toBeGreaterThan(20);
    expect(JSON.stringify(answer).length).toBeLessThan(120_000);
    expect(ran.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThan(15 * 2 * Math.ceil(steps / 64) + 100);
  });

  it('a poll after one step reads and sends that step only', async () => {
    const { workspace } = session.context;
    const { answer: before } = await watched('runs.overview', { id: 3 });
    const rows = workspace.metrics.atStep(3, steps - 1).map((row) => ({ ...row, step: steps }));
    workspace.metrics.append(3, rows);
    const { answer, ran } = await watched('runs.metrics', { id: 3, cursor: before.cursor });
    expect(answer.rows).toHaveLength(15);
    expect(answer.more).toBe(false);
    expect(JSON.stringify(answer).length).toBeLessThan(1500);
    expect(ran.reduce((sum, { rows: read }) => sum + read, 0)).toBeLessThan(20);
  });
});

describe('a verdict', () => {
  it('runs a fixed number of statements, none over all pairs', async () => {
    const counted: number[] = [];
    // The first of a kind notes how its pair was drawn.
    for (const pairId of [11, 12, 311]) {
      const { answer: pair } = await watched('audit.pair', { pairId, reviewer, blind });
      const { ran } = await watched('audit.record', {
        ...{ pairId, reviewer, blind, queue, verdict: 'both_good', seen: pair.sha256, milliseconds: 1, picked: false },
      });
      counted.push(ran.length);
      for (const { rows } of ran) expect(rows).toBeLessThan(20);
    }
    expect(counted[1]).toBe(counted[2]);
  });
});
