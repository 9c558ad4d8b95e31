import { cpus, hostname } from 'node:os';
import type { Execution } from '../engine/protocol/jobs.ts';
import { cudaReport } from './cuda/report.ts';

/** What measured times belong to: this machine with its processor and threads, or with its card. */
export async function machineOf({ device, threads }: Pick<Execution, 'device' | 'threads'>): Promise<string> {
  if (device === 'cpu')
    return `${hostname()}, ${cpus()[0]?.model ?? 'CPU'}, ${threads === 0 ? cpus().length : threads} threads`;
  const { cards, chosen } = await cudaReport();
  return `${hostname()}, ${cards.find(({ uuid }) => uuid === chosen)?.name ?? 'no card'}`;
}
