import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWorkspace } from '../../../src/main/workspace/workspace.ts';
import { isMetricName, metrics } from '../../../src/shared/metrics.ts';
import { longhand, root, start } from './longhand.ts';
import type { Running } from './longhand.ts';

const demo = join(root, 'resources', 'demo');
const model = ['--model', join(demo, 'base-model')];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'longhand-kill-'));
  mkdirSync(join(folder, 'documents'));
  for (let number = 1; number <= 12; number += 1) {
    const name = `harbour-${String(number).padStart(3, '0')}.txt`;
    copyFileSync(join(demo, 'documents', 'train', name), join(folder, 'documents', name));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function succeed(workspace: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await longhand([...args, '--workspace', workspace], { cwd: folder });
  expect(code, stderr).toBe(0);
  return stdout;
}

/** Who is killed with SIGKILL, and what the command must end with (null: it was killed itself). */
const victims = {
  'the engine process': 70,
  'every process of the command': null,
  'the main process, the engine left alone': null,
} as const;

function kill(running: Running, victim: keyof typeof victims): void {
  const top = running.child.pid ?? 0;
  const processes = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const childOf = (parent: number): number => processes.find(([, ppid]) => ppid === parent)?.[0] ?? 0;
  const main = childOf(top); // bin/longhand.mjs runs src/main/cli.ts in a process of its own, and that one the engine
  const engine = childOf(main);
  if (top === 0 || main === 0 || engine === 0) throw new Error('the processes of the command were not found');
  if (victim === 'the engine process') process.kill(engine, 'SIGKILL');
  else if (victim === 'every process of the command') process.kill(-top, 'SIGKILL');
  else process.kill(main, 'SIGKILL');
}

/** Waits until `reached` answers true for the workspace as it stands, seen from outside. */
async function until(
  workspace: string,
  running: Running,
  reached: (open: ReturnType<typeof openWorkspace>) => boolean,
): Promise<void> {
  let over = false;
  void running.ended.then(() => (over = true));
  const open = openWorkspace(workspace, { readOnly: true });
  try {
    while (!reached(open)) {
      if (over) throw new Error(`it ended too early: ${(await running.ended).stderr}`);
      await sleep(5);
    }
  } finally {
    open.close();
  }
}

/** `runs metrics --csv` without the columns that depend on the clock or the machine. */
async function deterministicRows(workspace: string, run: string): Promise<string[]> {
  const [head = [], ...rows] = (await succeed(workspace, 'runs', 'metrics', run, '--csv'))
    .trim()
    .split('\n')
    .map((line) => line.split(','));
  const kept = head.map((name) => !isMetricName(name) || metrics[name].deterministic);
  expect(kept.filter((keep) => !keep).length).toBeGreaterThan(2);
  return [head, ...rows].map((row) => row.filter((_, column) => kept[column]).join(','));
}

// Many starts of the program, each of which takes long on a busy machine.
const timeout = 120_000;

test(
  'a training that is killed three times and resumed has the rows of one that was not',
  async () => {
    const workspace = join(folder, 'train');
    await succeed(workspace, 'import', 'documents');
    await succeed(workspace, 'generate', ...model, '--preset', 'demo', '--threads', '1');
    const settings = [
      '--preset',
      'demo',
      '--batch-size',
      '2',
      '--max-steps',
      '36',
      '--threads',
      '1',
      '--lora-rank',
      '4',
    ];
    settings.push(
      '--checkpoint-every',
      '5',
      '--keep-checkpoints',
      '2',
      '--held-out-fraction',
      '0.2',
      '--eval-every',
      '10',
    );
    await succeed(workspace, 'train', ...model, ...settings);

    const moments: string[] = [];
    let from = 2;
    for (const [victim, code] of Object.entries(victims) as [keyof typeof victims, number | null][]) {
      const step = from + Math.floor(8 * Math.random());
      moments.push(`${victim} after step ${step}`);
      const args = moments.length === 1 ? [...model, ...settings] : ['--resume', '2'];
      const running = start(['train', ...args, '--workspace', workspace], { cwd: folder });
      await until(workspace, running, ({ runs }) => {
        const run = runs.list().rows[1];
        return run?.status === 'running' && (run.lastStep ?? 0) >= step;
      });
      await sleep(20 * Math.random());
      kill(running, victim);
      const ended = await running.ended;
      if (code !== null) {
        expect(ended.code, moments.join()).toBe(code);
        expect(ended.stderr).toContain('longhand train --resume 2');
      }
      from = step + 3;
    }
    await succeed(workspace, 'train', '--resume', '2');

    const whole = await deterministicRows(workspace, '1');
    expect(whole.length).toBe(1 + 37); // the header, the evaluation before the first step, 36 steps
    expect(await deterministicRows(workspace, '2'), moments.join()).toEqual(whole);
  },
  timeout,
);

test(
  'a generation that is killed and resumed gives the pairs of one that was not',
  async () => {
    const pairs: string[] = [];
    for (const name of ['whole', 'killed']) {
      const workspace = join(folder, name);
      await succeed(workspace, 'import', 'documents');
      const args = ['generate', ...model, '--preset', 'demo', '--threads', '1', '--documents-per-group', '2'];
      if (name === 'killed') {
        const running = start([...args, '--workspace', workspace], { cwd: folder });
        const documents = 1 + Math.floor(6 * Math.random());
        await until(
          workspace,
          running,
          ({ events }) => events.list({ subject: 'generation/1' }).rows.length >= documents,
        );
        kill(running, Math.random() < 0.5 ? 'the engine process' : 'every process of the command');
        expect((await running.ended).code).not.toBe(0);
        args.splice(1, Infinity, '--resume', '1');
      }
      const report = JSON.parse(await succeed(workspace, ...args, '--json')) as { counts: { documents: number } };
      expect(report.counts.documents).toBe(12);
      const file = join(folder, `${name}.jsonl`);
      await succeed(workspace, 'export', 'pairs', file);
      pairs.push(readFileSync(file, 'utf8'));
    }
    expect(pairs[1]).toBe(pairs[0]);
  },
  timeout,
);

test(
  'an evaluation that is killed and resumed has every answer once, those of one that was not',
  async () => {
    const answers: unknown[] = [];
    const sets = ['--published', 'longbench/trec', '--judged', 'mt_bench', '--judge', join(demo, 'base-model')];
    const limits = ['--max-new-tokens', '6', '--limit', '4', '--threads', '1'];
    for (const name of ['evaluated', 'evaluation killed']) {
      const workspace = join(folder, name);
      const args = ['evaluate', ...model, ...sets, ...limits];
      if (name === 'evaluated') await succeed(workspace, ...args);
      else {
        mkdirSync(workspace);
        await succeed(
          workspace,
          'evaluate',
          ...model,
          '--published',
          'longbench/trec',
          '--limit',
          '1',
          ...limits.slice(4),
        );
        const running = start([...args, '--workspace', workspace], { cwd: folder });
        const stored = 1 + Math.floor(9 * Math.random());
        await until(workspace, running, ({ evaluations }) => {
          const [, first, second] = evaluations.list().rows;
          return (first?.items ?? 0) + (second?.items ?? 0) >= stored;
        });
        kill(running, Math.random() < 0.5 ? 'the engine process' : 'every process of the command');
        expect((await running.ended).code).not.toBe(0);
        await succeed(workspace, 'evaluate', '--resume', '2,3');
      }
      const open = openWorkspace(workspace, { readOnly: true });
      const rows = open.evaluations.list().rows.slice(-2);
      answers.push(rows.map(({ id, summary }) => [summary, open.evaluations.items(id).rows]));
      open.close();
    }
    expect(answers[1]).toEqual(answers[0]);
  },
  timeout,
);
