// `npm run test:soak`: a person's work compressed: documents, verdicts, the rows of a live run and evaluations come in, and
// the calls behind the pages are made, over and over; says how the memory goes, by a straight line through the later half.
// --cycles N (500), or --minutes N. Needs --expose-gc.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { metrics } from '../../src/shared/metrics.ts';
import type { MetricName } from '../../src/shared/metrics.ts';
import { runConfigSchema } from '../../src/shared/run-config.ts';
import { testSession } from '../main/services/api/test-session.ts';
import { tinyRun } from '../main/services/tiny-run.ts';
import { addDocuments, addPairs } from '../main/workspace/sample-texts.ts';

const { values } = parseArgs({ options: { cycles: { type: 'string', default: '500' }, minutes: { type: 'string' } } });
const end = values.minutes === undefined ? Infinity : performance.now() + Number(values.minutes) * 60_000;
const most = values.minutes === undefined ? Number(values.cycles) : Infinity;
const folder = mkdtempSync(join(tmpdir(), 'longhand-soak-'));
const { session, call } = testSession([folder], folder);
await call('workspaces.open', { folder: join(folder, 'ws'), create: true });
const { workspace } = session.context;
addPairs({ workspace }, 500);
const names = (Object.keys(metrics) as MetricName[]).slice(0, 15);
const run = workspace.runs.add({
  ...{ name: 'live', config: runConfigSchema.parse(tinyRun), modelFingerprint: 'm', codeVersion: '0' },
  pairs: workspace.pairs.list({ limit: 20 }).rows.map(({ id, revision }) => ({ pairId: id, revision })),
});
workspace.runs.setStatus(run, 'running');
/** What a page has read of the run's rows. */
let cursor: string | null = null;
const stepsACycle = 10;
const points: { x: number; y: number }[] = [];
let cycles = 0;
for (; cycles < most && performance.now() < end; cycles += 1) {
  const cycle = cycles;
  addDocuments(workspace, [`A document of cycle ${cycle}.`]);
  for (let i = 0; i < 10; i += 1) {
    const pairId = 1 + ((cycle * 10 + i) % 1000);
    const { sha256: seen } = await call('audit.pair', { pairId, reviewer: 'ann', blind: null });
    const review = { pairId, seen, reviewer: 'ann', blind: null, milliseconds: 1000, queue: { reviewer: 'ann' } };
    await call('audit.record', { ...review, verdict: 'first_better' });
  }
  for (let i = 0; i < stepsACycle; i += 1) {
    const step = cycle * stepsACycle + i;
    workspace.metrics.append(
      run,
      names.map((key) => ({ step, key, value: Math.sin(step) })),
    );
    ({ cursor } = await call('runs.metrics', { id: run, cursor }));
  }
  if (cycle % 10 === 0) {
    const id = workspace.evaluations.add({
      ...{ setName: 'long', setSha256: 'b'.repeat(64), kind: 'questions', modelFingerprint: 'm', runId: run },
      ...{ config: {}, codeVersion: '0', seed: 0 },
    });
    workspace.evaluations.setStatus(id, 'running');
    workspace.evaluations.addItems(
      id,
      Array.from({ length: 50 }, (_, index) => ({
        ...{ index, question: `q${index}`, expected: 'e', answer: 'a'.repeat(200), score: 0.5, detail: { depth: 0.3 } },
      })),
    );
    workspace.evaluations.finish(id, { exact: 0.5 });
    await call('evaluations.items', { id });
  }
  for (const name of ['runs.get', 'runs.overview'] as const) await call(name, { id: run });
  for (const name of [
    'workspaces.current',
    'evaluations.list',
    'documents.list',
    'audit.order',
    'runs.list',
    'system.info',
    'jobs.list',
  ] as const) {
    await call(name, {});
  }
  globalThis.gc?.();
  points.push({ x: cycle, y: process.memoryUsage().heapUsed });
}
await session.closeWorkspace();
rmSync(folder, { recursive: true, force: true });
const late = points.slice(points.length / 2);
const mean = (of: (point: { x: number; y: number }) => number): number =>
  late.reduce((sum, point) => sum + of(point), 0) / late.length;
const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
const slope = mean((point) => (point.x - x) * (point.y - y)) / mean((point) => (point.x - x) ** 2);
console.log(
  `${cycles} cycles, ${cycles * 10} verdicts, ${cycles * stepsACycle * names.length} metric rows, ${Math.ceil(cycles / 10)} evaluations: heap ${(y / 2 ** 20).toFixed(1)} MiB, ${(slope / 1024).toFixed(2)} KiB a cycle over the later half`,
);
// A leak of one pair's texts a verdict would be several times this.
process.exitCode = slope < 8 * 1024 ? 0 : 1;
