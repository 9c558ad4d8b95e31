import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import SqliteDatabase from 'better-sqlite3';
import { openWorkspace } from '../../src/main/workspace/workspace.ts';
import { pick, randomOf } from '../fuzz/mutate.ts';
import { look, workOf } from './work.ts';
import type { WorkName } from './work.ts';

const child = fileURLToPath(new URL('work-child.ts', import.meta.url));

export interface KillReport {
  readonly work: WorkName;
  readonly kills: number;
  readonly enginesKilled: number;
  /** Times that the work came to its end and was compared with the work that nothing happened to. */
  readonly finished: number;
  /** Things that were said to be stored before a kill, each looked for afterwards. */
  readonly acknowledged: number;
  /** Kills that came while something had been stored and more was to come. */
  readonly amidst: number;
}

interface Ended {
  readonly killed: boolean;
  readonly stored: readonly string[];
  readonly engineKilled: boolean;
  readonly milliseconds: number;
}

/** When the work is killed: after a number of stored things, and then some milliseconds. */
interface Moment {
  readonly stored: number;
  readonly milliseconds: number;
}

/** Runs the work in a process of its own; kills it, or its engine, at the moment, if there is one. */
async function runFor(
  work: WorkName,
  folder: string,
  moment: Moment | undefined,
  victim: 'main' | 'engine',
): Promise<Ended> {
  const start = performance.now();
  const running = spawn(process.execPath, [child, work, folder], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors, count] = ['', '', 0];
  let [killed, engineKilled] = [false, false];
  const kill = (): void => {
    if (killed || running.exitCode !== null) return;
    killed = true;
    const engine = Number([...output.matchAll(/^engine (\d+)$/gm)].at(-1)?.[1] ?? 0);
    try {
      if (victim === 'engine' && engine !== 0) {
        process.kill(engine, 'SIGKILL');
        engineKilled = true;
        return;
      }
    } catch {
      // the engine has ended already
    }
    running.kill('SIGKILL');
  };
  let timer: NodeJS.Timeout | undefined;
  const arm = (): void => {
    if (moment !== undefined && count >= moment.stored) timer ??= setTimeout(kill, moment.milliseconds);
  };
  arm();
  running.stdout.on('data', (text: Buffer) => {
    output += text.toString();
    count += text.toString().split('\nstored ').length - 1 + (text.toString().startsWith('stored ') ? 1 : 0);
    arm();
  });
  running.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  const ended = new Promise<number | null>((resolve) => running.on('close', resolve));
  const code = await ended;
  clearTimeout(timer);
  if (!killed && code !== 0) throw new Error(`${work} failed by itself (${code}): ${errors}`);
  if (engineKilled && code !== 0 && code !== null && !/SIGKILL|engine process ended/.test(errors))
    throw new Error(`${work}: ${errors}`);
  const complete = output.slice(0, output.lastIndexOf('\n') + 1);
  const stored = [...complete.matchAll(/^stored (.*)$/gm)].map(([, line]) => line ?? '');
  return { killed, stored, engineKilled, milliseconds: performance.now() - start };
}

function makeWorkspace(work: WorkName): Promise<string> {
  const folder = join(mkdtempSync(join(tmpdir(), `longhand-faults-${work}-`)), 'Überlänge 漢字 with spaces');
  const workspace = openWorkspace(folder, { create: true });
  return Promise.resolve(workOf(work).setUp(workspace)).then(() => {
    workspace.close();
    return folder;
  });
}

/**
 * Kills a kind of work `rounds` times at random moments, going on with it after each until it is done, and begins anew
 * then. After each kill the workspace opens, is whole, and holds everything that was said to be stored; at each end it is
 * equal to that of the work that nothing happened to, bit for bit.
 */
export async function killRounds(work: WorkName, rounds: number, seed: number): Promise<KillReport> {
  const folders: string[] = [];
  const fresh = async (): Promise<string> => {
    const folder = await makeWorkspace(work);
    folders.push(folder);
    return folder;
  };
  const random = randomOf(seed, work.length * 7919);
  let [kills, enginesKilled, finished, acknowledged, amidst] = [0, 0, 0, 0, 0];
  try {
    const calm = await fresh();
    const undisturbed = await runFor(work, calm, undefined, 'main');
    const whole = look(work, calm);
    const truth = new Set(whole.lines);
    if (truth.size < 5) throw new Error(`${work} stores only ${truth.size} things`);

    for (let folder = await fresh(); kills < rounds;) {
      // Mostly while it stores; now and then from its very start.
      const early = work === 'import' || random(5) === 0;
      const moment = early
        ? { stored: 0, milliseconds: 50 + random(Math.ceil(undisturbed.milliseconds)) }
        : { stored: 1 + random(Math.ceil(undisturbed.stored.length / 4)), milliseconds: random(25) };
      const victim = workOf(work).engine ? pick(random, ['main', 'engine'] as const) : 'main';
      const { killed, stored, engineKilled } = await runFor(work, folder, moment, victim);
      const { lines, result } = look(work, folder);
      requireWhole(folder);
      const there = new Set(lines);
      const place = `${work}, seed ${seed}, kill ${kills + 1} (${victim} after ${moment.stored} rows and ${moment.milliseconds} ms)`;
      for (const line of stored) if (!there.has(line)) throw new Error(`${place}: lost ${line}`);
      for (const line of lines)
        if (!truth.has(line)) throw new Error(`${place}: ${line} is not of the undisturbed work`);
      if (there.size !== lines.length) throw new Error(`${place}: something is there twice`);
      acknowledged += stored.length;
      // It may have been faster than the kill.
      if (killed && (lines.length < whole.lines.length || result !== whole.result)) {
        kills += 1;
        if (engineKilled) enginesKilled += 1;
        if (lines.length > 0 && lines.length < whole.lines.length) amidst += 1;
        continue;
      }
      if (lines.join('\n') !== whole.lines.join('\n') || result !== whole.result)
        throw new Error(`${place}: the end differs`);
      finished += 1;
      folder = await fresh();
    }
    const last = folders.at(-1) ?? '';
    await runFor(work, last, undefined, 'main');
    const end = look(work, last);
    if (end.lines.join('\n') !== whole.lines.join('\n') || end.result !== whole.result)
      throw new Error(`${work}, seed ${seed}: the last end differs`);
    finished += 1;
  } finally {
    for (const folder of folders) rmSync(join(folder, '..'), { recursive: true, force: true });
  }
  return { work, kills, enginesKilled, finished, acknowledged, amidst };
}

/** Pages, rows and references of the database. */
function requireWhole(folder: string): void {
  const database = new SqliteDatabase(join(folder, 'workspace.db'), { readonly: true });
  try {
    const answer = database.pragma('integrity_check', { simple: true });
    if (answer !== 'ok') throw new Error(`the database is damaged: ${String(answer)}`);
    const broken = database.pragma('foreign_key_check') as unknown[];
    if (broken.length > 0) throw new Error(`broken references: ${JSON.stringify(broken[0])}`);
  } finally {
    database.close();
  }
}
