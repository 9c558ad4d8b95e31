import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { openWorkspace } from '../../../src/main/workspace/workspace.ts';
import type { Workspace } from '../../../src/main/workspace/workspace.ts';
import { open, temporaryFolder, userError, withPairs } from './fixtures.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function startChild(folder: string, mode: 'append' | 'hold'): ChildProcess {
  const script = join(import.meta.dirname, 'appending-child.ts');
  // With --expose-gc the child collects its garbage: a lock must not hang on an object that nobody holds.
  const command = ['--expose-gc', script, folder, mode];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

function withRun(workspace: Workspace): void {
  const { pairIds } = withPairs(workspace);
  const pairs = pairIds.map((pairId) => ({ pairId, revision: 0 }));
  workspace.runs.add({ name: 'r', config: {}, modelFingerprint: 'm', codeVersion: '0', pairs });
}

test('a second writer is told who holds the workspace; a killed one leaves no lock behind', async () => {
  const folder = temporaryFolder();
  const setup = open(folder);
  withRun(setup);
  setup.runs.setStatus(1, 'running');
  setup.close();

  const child = startChild(folder, 'hold');
  if (child.stdout === null) throw new Error('no output');
  await once(child.stdout, 'data');
  const error = userError(() => openWorkspace(folder));
  expect(error.code).toBe('conflict');
  expect(error.message).toMatch(new RegExp(`in use by child \\(process ${child.pid} on .*, since 20`));
  expect(open(folder, { readOnly: true, create: false }).documents.totals().documents).toBe(1);

  child.kill('SIGKILL');
  await once(child, 'close');
  const after = open(folder);
  expect(after.runs.get(1).status).toBe('paused');
  const events = after.events.list({ limit: 1000 }).rows;
  expect(events.find((event) => event.kind === 'reopened_after_crash')?.detail).toMatchObject({
    owner: { pid: child.pid },
  });
  after.close();
  expect(open(folder).events.list({ limit: 1000 }).rows).toHaveLength(events.length);
});

test('whatever was acknowledged before kill -9 is there afterwards, and nothing is half there', async () => {
  const folder = temporaryFolder();
  const setup = open(folder);
  withRun(setup);
  setup.close();
  let metrics = 0;
  let reviews = 0;
  for (let round = 0; round < 5; round++) {
    const child = startChild(folder, 'append');
    if (child.stdout === null) throw new Error('no output');
    const output = text(child.stdout);
    await once(child.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, 30 + Math.random() * 200));
    child.kill('SIGKILL');
    const lines = (await output).trim().split('\n');
    const acknowledged = (kind: string) =>
      Math.max(0, ...lines.filter((line) => line.startsWith(kind)).map((line) => Number(line.split(' ')[1])));
    metrics = Math.max(metrics, acknowledged('metric'));
    reviews = Math.max(reviews, acknowledged('review'));

    const workspace = open(folder); // checks the whole file, as the last owner did not end in order
    const rows = workspace.metrics.since(1, null).rows;
    const lastStep = rows.at(-1)?.step ?? 0;
    expect([metrics, metrics + 1]).toContain(lastStep);
    expect(rows.map(({ step, key }) => `${step} ${key}`)).toEqual(
      Array.from({ length: lastStep }, (_, index) => [`${index + 1} grad_norm`, `${index + 1} loss`]).flat(),
    );
    const stored = workspace.reviews.list({ limit: 5000 }).rows;
    expect(stored.map((review) => review.id)).toEqual(stored.map((_, index) => index + 1));
    expect([reviews, reviews + 1]).toContain(stored.length);
    // Acknowledged numbers go on from what is really there.
    metrics = lastStep;
    reviews = stored.length;
    expect(workspace.runs.get(1).status).toBe('paused');
    workspace.close();
  }
  expect(metrics).toBeGreaterThan(5);
});
