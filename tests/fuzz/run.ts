import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { targets } from './parsers.ts';

export interface Finding {
  readonly target: string;
  readonly index: number;
  readonly problem: string;
}

export interface FuzzReport {
  readonly target: string;
  readonly cases: number;
  readonly seconds: number;
  readonly slowestMs: number;
  readonly slowestCase: number;
  readonly peakMiB: number;
  readonly findings: readonly Finding[];
}

const child = fileURLToPath(new URL('child.ts', import.meta.url));
/** After as many findings a parser is left alone. */
const enough = 20;

/** How many cases of `total` each parser gets. */
export function shares(total: number): [string, number][] {
  const sum = Object.values(targets).reduce((all, { weight }) => all + weight, 0);
  return Object.entries(targets).map(([name, { weight }]) => [name, Math.ceil((total * weight) / sum)]);
}

interface Line {
  readonly finding?: number;
  readonly problem?: string;
  readonly done?: number;
  readonly slowest?: { readonly index: number; readonly milliseconds: number };
  readonly peakMiB?: number;
}

/** Gives a parser the cases [first, first + count) of a seed, in processes of their own. */
export async function fuzz(target: string, seed: number, count: number, first = 0): Promise<FuzzReport> {
  const start = performance.now();
  const folder = mkdtempSync(join(tmpdir(), `longhand-fuzz-${target}-`));
  const findings: Finding[] = [];
  let [slowestMs, slowestCase, peakMiB] = [0, -1, 0];
  let at = first;
  try {
    while (at < first + count && findings.length < enough) {
      const own = join(folder, 'inner');
      mkdirSync(own, { recursive: true });
      const { lines, how } = await batch(target, seed, at, first + count, own);
      let done = false;
      for (const line of lines) {
        if (line.finding !== undefined) findings.push({ target, index: line.finding, problem: line.problem ?? '' });
        if (line.done === undefined) continue;
        done = true;
        peakMiB = Math.max(peakMiB, line.peakMiB ?? 0);
        if ((line.slowest?.milliseconds ?? 0) > slowestMs) {
          slowestMs = line.slowest?.milliseconds ?? 0;
          slowestCase = line.slowest?.index ?? -1;
        }
      }
      if (done) break;
      const last = lines.at(-1)?.finding;
      if (last === undefined) throw new Error(`${target} from case ${at}: the process ended without a word (${how})`);
      at = last + 1;
      rmSync(own, { recursive: true, force: true });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const cases = findings.length < enough ? count : at - first;
  return { target, cases, seconds: (performance.now() - start) / 1000, slowestMs, slowestCase, peakMiB, findings };
}

async function batch(
  target: string,
  seed: number,
  from: number,
  to: number,
  folder: string,
): Promise<{ lines: Line[]; how: string }> {
  const args = [
    '--expose-gc',
    '--max-old-space-size=400',
    child,
    target,
    String(seed),
    String(from),
    String(to),
    folder,
  ];
  const running = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<string>((resolve) => running.on('exit', (code, signal) => resolve(`${code ?? signal}`)));
  const [output, errors, how] = await Promise.all([text(running.stdout), text(running.stderr), ended]);
  const lines = output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
  return { lines, how: `${how}: ${errors.slice(-2000)}` };
}
