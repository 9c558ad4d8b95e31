import { readFileSync } from 'node:fs';
import { cpus, freemem, loadavg, totalmem } from 'node:os';
import { createRequire } from 'node:module';

export interface Environment {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly onnxruntime: string;
  readonly threads: number;
  /** Load average over the last minute, before the first measurement. */
  readonly load: number;
  readonly date: string;
}

const QUIET = 0.5;

/** The machine as the benchmark finds it; warns where others are using it. */
export function environment(threads: number): Environment {
  const [load = NaN] = loadavg();
  if (load > QUIET) {
    console.warn(
      `WARNING: load average ${load.toFixed(2)} at the start (more than ${QUIET}): the times will not be those of a quiet machine.`,
    );
  }
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: totalmem() / 2 ** 30,
    node: process.version,
    onnxruntime: (createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string }).version,
    threads,
    load,
    date: new Date().toISOString(),
  };
}

export function describeEnvironment(e: Environment): string {
  return [
    `${e.cpu}, ${e.cores} cores, ${e.memoryGiB.toFixed(0)} GiB; ${e.threads} threads on each side; load average at the start ${e.load.toFixed(2)}${e.load > QUIET ? ' (NOT QUIET)' : ''}.`,
    `Node ${e.node}, ONNX Runtime ${e.onnxruntime}; ${e.date}.`,
  ].join(' ');
}

/** Highest resident memory of this process so far (VmHWM). */
export function peakMiB(): number {
  const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line?.[1]) / 1024;
}

export function freeGiB(): number {
  const line = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
  return line === null ? freemem() / 2 ** 30 : Number(line[1]) / 2 ** 20;
}
