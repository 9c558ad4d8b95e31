import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Session } from '../../src/main/services/api/session.ts';
import { openContext } from '../../src/main/services/context.ts';
import { allRunMetrics, checkpointOf, listRuns, resumeRun, train } from '../../src/main/services/runs.ts';
import { metrics } from '../../src/shared/metrics.ts';
import { testSession } from '../main/services/api/test-session.ts';
import type { Call } from '../main/services/api/test-session.ts';
import { tinyModel } from '../main/services/fixtures.ts';
import { tinyRun } from '../main/services/tiny-run.ts';
import { addPairs } from '../main/workspace/sample-texts.ts';
import { refusedDisk, smallDisk } from './small-disk.ts';

// What the machine does to a workspace, through the calls behind the pages, in a folder with spaces and Unicode.
let parent = '';
let session: Session;
let call: Call;
let settled: ReturnType<typeof testSession>['settled'];

function sessionIn(folder: string): void {
  ({ session, call, settled } = testSession([folder], join(folder, 'settings')));
}

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'longhand Störung 漢字 '));
  sessionIn(parent);
});
afterEach(async () => {
  vi.useRealTimers();
  await session.closeWorkspace();
  rmSync(parent, { recursive: true, force: true });
});

const day = 24 * 60 * 60 * 1000;
const start = Date.UTC(2026, 5, 1);

async function judge(pairId: number, verdict: 'first_better' | 'second_better'): Promise<void> {
  const { sha256: seen } = await call('audit.pair', { pairId, reviewer: 'ann', blind: null });
  const queue = { reviewer: 'ann' };
  await call('audit.record', { pairId, seen, reviewer: 'ann', blind: null, milliseconds: 1500, queue, verdict });
}

test('a clock that jumps back and forth: order of acts and events, undo, pace, jobs and backups stay right', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: start });
  const folder = join(parent, 'ws');
  await call('workspaces.open', { folder, create: true });
  addPairs(session.context, 4);
  const jumps = [0, -400 * day, 700 * day, -3 * day, 0];
  for (const [index, jump] of jumps.entries()) {
    vi.setSystemTime(start + jump);
    await judge(index + 1, index % 2 === 0 ? 'first_better' : 'second_better');
    const { status } = await settled((await call('workspaces.check', {})).jobId);
    expect(status).toBe('finished');
  }
  const { workspace } = session.context;
  // Rows stand in the order of the acts, whatever their dates say.
  const reviews = workspace.reviews.list({ limit: 100 }).rows;
  expect(reviews.map(({ pairId }) => pairId)).toEqual([1, 2, 3, 4, 5]);
  expect(reviews.map(({ milliseconds }) => milliseconds)).toEqual([1500, 1500, 1500, 1500, 1500]);
  expect(await call('audit.undo', { reviewer: 'ann' })).toMatchObject({ pairId: 5 });
  const pace = await call('audit.pace', { reviewer: 'ann' });
  expect(pace).toEqual({ verdicts: expect.any(Number) as number, secondsEach: 1.5 });
  const jobs = await call('jobs.list', {});
  const ids = jobs.map(({ id }) => id);
  expect(ids).toEqual([...ids].sort((a, b) => Math.sign((ids[1] ?? 0) - (ids[0] ?? 0)) * (a - b)));
  const events = workspace.events.list({ limit: 1000 }).rows.map(({ id }) => id);
  expect(events).toEqual([...events].sort((a, b) => a - b));
  await session.closeWorkspace();

  // Copies from a future that was none: the copy of today is made, kept, restored first, and is due again tomorrow alone.
  const openAt = async (at: number): Promise<number[]> => {
    const context = openContext(folder, { now: () => at });
    await context.close();
    return context.workspace.backups().map((backup) => (backup.at - start) / day);
  };
  for (const later of [1, 3, 5, 7, 9, 11]) await openAt(start + later * day);
  expect(await openAt(start - 30 * day)).toEqual([11, 9, 7, 5, -30]);
  expect(await openAt(start - 29.5 * day)).toEqual([11, 9, 7, 5, -30]);
  expect(await openAt(start - 28 * day)).toEqual([11, 9, 7, -28, -30]);
  const restored = await call('workspaces.restore', { folder });
  expect(restored.restored).toContain('20260504'); // 28 days before
});

test(
  'a clock that jumps during training: times left stay sensible and the rows are the same',
  { timeout: 120_000 },
  async () => {
    const rowsOf = async (name: string, jump: boolean) => {
      let now = start;
      const context = openContext(join(parent, name), { create: true, now: () => now });
      const left: number[] = [];
      try {
        addPairs(context, 6);
        await train(
          context,
          { modelDir: tinyModel('llama'), config: tinyRun },
          {
            onProgress: ({ etaSeconds }) => {
              if (jump) now += (left.length % 2 === 0 ? -300 : 500) * day;
              if (etaSeconds !== null) left.push(etaSeconds);
            },
          },
        );
        expect(left.length).toBeGreaterThan(3);
        for (const seconds of left) expect(seconds).toBeLessThan(120);
        expect(Math.min(...left)).toBeGreaterThanOrEqual(0);
        return allRunMetrics(context, 1).filter(({ key }) => metrics[key].deterministic);
      } finally {
        await context.close();
      }
    };
    expect(await rowsOf('jumping', true)).toEqual(await rowsOf('calm', false));
  },
);

test('a second instance is told who holds the workspace, and has it once the first is gone', async () => {
  const folder = join(parent, 'ws');
  await call('workspaces.open', { folder, create: true });
  await session.closeWorkspace();
  const module = new URL('../../src/main/services/context.ts', import.meta.url).href;
  const script = `import { openContext } from ${JSON.stringify(module)};
    openContext(${JSON.stringify(folder)}, { program: 'the first one' }); console.log('open'); setInterval(() => {}, 1000);`;
  const first = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(first.stdout, 'data');
  await expect(call('workspaces.open', { folder })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringMatching(
      new RegExp(`in use by the first one \\(process ${first.pid} on .*, since 20`),
    ) as string,
  });
  first.kill('SIGKILL');
  await once(first, 'close');
  await call('workspaces.open', { folder });
  expect(await call('workspaces.current', {})).toMatchObject({ folder });
});

const refused = refusedDisk();
const readOnly = `a workspace on a disk that allows reading only is refused in words and stays as it is${refused === undefined ? '' : ` (skipped: ${refused})`}`;

test.skipIf(refused !== undefined)(readOnly, async () => {
  const disk = smallDisk(16);
  try {
    sessionIn(disk.folder);
    const folder = join(disk.folder, 'ws');
    await call('workspaces.open', { folder, create: true });
    addPairs(session.context, 2);
    await session.closeWorkspace();
    const before = readFileSync(join(folder, 'workspace.db'));
    disk.lockUp();
    await expect(call('workspaces.open', { folder })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(folder) as string,
      hint: expect.stringMatching(/permission|another place|may write/) as string,
    });
    expect(readFileSync(join(folder, 'workspace.db')).equals(before)).toBe(true);
  } finally {
    disk.close();
  }
});

test('a damaged page is found at opening and the copy is offered; put back, everything of it is there', async () => {
  const folder = join(parent, 'ws');
  await call('workspaces.open', { folder, create: true });
  addPairs(session.context, 300);
  await judge(1, 'first_better');
  await settled((await call('workspaces.backUp', {})).jobId);
  await session.closeWorkspace();
  const file = openSync(join(folder, 'workspace.db'), 'r+');
  writeSync(file, Buffer.alloc(12_288, 0xaa), 0, 12_288, 20 * 4096);
  closeSync(file);
  await expect(call('workspaces.open', { folder })).rejects.toMatchObject({
    code: 'invalid_input',
    message: expect.stringContaining('is damaged') as string,
    hint: expect.stringMatching(/The newest copy is .*workspace-manual-.*restore/) as string,
  });
  await call('workspaces.restore', { folder });
  await call('workspaces.open', { folder });
  expect(await call('workspaces.current', {})).toMatchObject({ documents: 300, pairs: 600 });
  expect(session.context.workspace.reviews.list({ limit: 5 }).rows).toHaveLength(1);
});

test(
  'a truncated checkpoint: the one before is used, said so, and the end is the same bits',
  { timeout: 120_000 },
  async () => {
    const endOf = async (name: string, damage: boolean): Promise<{ bytes: string; notices: string[] }> => {
      const context = openContext(join(parent, name), { create: true });
      const notices: string[] = [];
      try {
        addPairs(context, 10);
        const controller = new AbortController();
        const live = (): number =>
          context.workspace.checkpoints.ofRun(1).filter((row) => row.removedAt === null).length;
        await train(
          context,
          { modelDir: tinyModel('llama'), config: tinyRun },
          {
            signal: controller.signal,
            onProgress: () => {
              if (damage && listRuns(context).rows.length > 0 && live() >= 2) controller.abort();
            },
          },
        );
        if (damage) {
          expect(live()).toBe(2);
          truncateSync(join(checkpointOf(context, 1).folder, 'trainable.safetensors'), 200);
          await resumeRun(context, 1, { onNotice: (message) => notices.push(message) });
        }
        return { bytes: readFileSync(join(checkpointOf(context, 1).folder, 'trainable.safetensors'), 'hex'), notices };
      } finally {
        await context.close();
      }
    };
    const whole = await endOf('whole', false);
    const mended = await endOf('mended', true);
    expect(mended.notices.join('\n')).toMatch(/step-\d+.*(damaged|earlier|before)/s);
    expect(mended.bytes).toBe(whole.bytes);
  },
);
