import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { table } from './report.ts';
import { readTrace, type KernelRun } from './trace.ts';

export interface ProfileLine {
  readonly what: string;
  readonly milliseconds: number;
  readonly share: number;
  readonly calls: number;
}

export interface Profile {
  readonly title: string;
  /** Of one step: sum over operators, and what the clock showed with the profiler on. */
  readonly operatorMilliseconds: number;
  readonly wallMilliseconds: number;
  readonly byOperator: readonly ProfileLine[];
  /** The operators that take longest with the shapes that they ran on. */
  readonly byShape: readonly ProfileLine[];
}

/**
 * Own time of each operator in `steps` steps. `start` loads the model with the trace's path prefix; the steps before
 * `measure` returns are the warm-up.
 */
export async function profile(
  title: string,
  steps: number,
  start: (prefix: string) => Promise<{ step: () => Promise<unknown>; end: () => Promise<void> }>,
): Promise<Profile> {
  const folder = await mkdtemp(path.join(tmpdir(), 'longhand-profile-'));
  try {
    const { step, end } = await start(path.join(folder, 'trace'));
    await step();
    const began = performance.now();
    for (let i = 0; i < steps; i++) await step();
    const wall = (performance.now() - began) / steps;
    await end();
    const runs = lastRuns(await readTrace(path.join(folder, 'trace')), steps);
    const total = runs.reduce((sum, { self }) => sum + self, 0) / 1000 / steps;
    const lines = (key: (run: KernelRun) => string): ProfileLine[] => {
      const found = new Map<string, { time: number; calls: number }>();
      for (const run of runs) {
        const { time, calls } = found.get(key(run)) ?? { time: 0, calls: 0 };
        found.set(key(run), { time: time + run.self / 1000 / steps, calls: calls + 1 / steps });
      }
      return [...found]
        .map(([what, { time, calls }]) => ({ what, milliseconds: time, share: time / total, calls }))
        .sort((a, b) => b.milliseconds - a.milliseconds);
    };
    return {
      title,
      operatorMilliseconds: total,
      wallMilliseconds: wall,
      byOperator: lines(({ opType }) => opType).slice(0, 15),
      byShape: lines(
        ({ opType, inputs }) => `${opType} ${inputs.map((shape) => `[${shape.join(', ')}]`).join(' ')}`,
      ).slice(0, 15),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The operators of the last `steps` runs of the root graph: its outermost If starts each. */
function lastRuns(trace: readonly KernelRun[], steps: number): readonly KernelRun[] {
  const roots: KernelRun[] = [];
  for (const run of trace) {
    const last = roots.at(-1);
    if (run.opType === 'If' && (last === undefined || run.start >= last.start + last.duration)) roots.push(run);
  }
  const first = roots.at(-steps - 1);
  const from = first === undefined ? 0 : first.start + first.duration;
  return trace.filter(({ start }) => start >= from);
}

export function profileMarkdown(p: Profile): string {
  const rows = (lines: readonly ProfileLine[]): string[][] =>
    lines.map(({ what, milliseconds, share, calls }) => [
      what,
      milliseconds.toFixed(2),
      `${(100 * share).toFixed(1)}%`,
      calls.toFixed(0),
    ]);
  return [
    `### ${p.title}`,
    `Operators ${p.operatorMilliseconds.toFixed(1)} ms of ${p.wallMilliseconds.toFixed(1)} ms a step (profiler on).`,
    table(['operator', 'own ms', 'share', 'calls'], rows(p.byOperator)),
    table(['operator and input shapes', 'own ms', 'share', 'calls'], rows(p.byShape)),
  ].join('\n\n');
}
