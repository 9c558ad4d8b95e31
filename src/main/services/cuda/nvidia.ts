import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CudaCard, CudaReport } from '../../../shared/cuda-report.ts';

/** What the NVIDIA driver says of itself. */
export interface NvidiaState {
  readonly driver: CudaReport['driver'];
  readonly cards: readonly CudaCard[];
  /** What nvidia-smi printed where it failed. */
  readonly failure: string | null;
}

const MEBIBYTE = 2 ** 20;
const limitMilliseconds = 20_000;
const procFolder = '/proc/driver/nvidia';

interface Output {
  /** `missing`: there is no such program. */
  readonly status: 'ok' | 'failed' | 'missing';
  readonly text: string;
}

function nvidiaSmi(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Output> {
  return new Promise((resolve) => {
    execFile('nvidia-smi', args, { env, timeout: limitMilliseconds, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error === null) resolve({ status: 'ok', text: stdout });
      else if (error.code === 'ENOENT') resolve({ status: 'missing', text: '' });
      else resolve({ status: 'failed', text: `${stdout}\n${stderr}`.trim() || error.message });
    });
  });
}

/** A CSV of nvidia-smi without header and units: rows of trimmed cells. */
function rows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map((cell) => cell.trim()));
}

/** A number, or null for `[N/A]`, `[Not Supported]` and the like. */
function number(cell: string | undefined): number | null {
  return cell !== undefined && /^\d+(\.\d+)?$/.test(cell) ? Number(cell) : null;
}

function bytes(cell: string | undefined): number | null {
  const mebibytes = number(cell);
  return mebibytes === null ? null : mebibytes * MEBIBYTE;
}

/**
 * Cards from `--query-gpu=index,uuid,name,driver_version,memory.total,memory.used[,compute_cap]` and
 * `--query-compute-apps=gpu_uuid,pid,used_memory,process_name`, both as CSV without header and units.
 */
export function parseCards(gpus: string, apps: string): { driver: string | null; cards: CudaCard[] } {
  const processes = rows(apps).map(([uuid, pid, used, ...name]) => ({
    uuid,
    pid: Number(pid),
    name: name.join(','),
    memory: bytes(used),
  }));
  const found = rows(gpus).filter(([index, uuid]) => number(index) !== null && uuid !== undefined && uuid !== '');
  return {
    driver: found[0]?.[3] ?? null,
    cards: found.map(([index = '', uuid = '', name = '', , total, used, capability]) => ({
      index: Number(index),
      uuid,
      name,
      computeCapability: capability !== undefined && number(capability) !== null ? capability : null,
      memoryTotal: bytes(total),
      memoryUsed: bytes(used),
      processes: processes
        .filter((process) => process.uuid === uuid && Number.isInteger(process.pid))
        .map(({ pid, name, memory }) => ({ pid, name, memory }))
        .sort((a, b) => (b.memory ?? 0) - (a.memory ?? 0)),
    })),
  };
}

/** Asks nvidia-smi; without it, reads what the kernel's module says (version and names only). */
export async function readNvidia(env: NodeJS.ProcessEnv = process.env, proc = procFolder): Promise<NvidiaState> {
  const form = '--format=csv,noheader,nounits';
  const fields = 'index,uuid,name,driver_version,memory.total,memory.used';
  let gpus = await nvidiaSmi(env, `--query-gpu=${fields},compute_cap`, form);
  // Drivers before 470 do not know the field and refuse the whole question.
  if (gpus.text.includes('compute_cap')) gpus = await nvidiaSmi(env, `--query-gpu=${fields}`, form);
  if (gpus.status !== 'ok') {
    const kernel = readKernelModule(proc);
    return { ...kernel, failure: gpus.status === 'failed' ? firstSentence(gpus.text) : null };
  }
  const apps = await nvidiaSmi(env, '--query-compute-apps=gpu_uuid,pid,used_memory,process_name', form);
  const { driver, cards } = parseCards(gpus.text, apps.status === 'ok' ? apps.text : '');
  return {
    driver: driver === null ? null : { version: driver, from: 'nvidia-smi' },
    cards,
    failure: cards.length === 0 ? firstSentence(gpus.text) : null,
  };
}

function firstSentence(text: string): string {
  const [line = ''] = text.split('\n').filter((part) => part.trim() !== '');
  return line.trim().replace(/\.*$/, '').slice(0, 300);
}

function readKernelModule(proc: string): Pick<NvidiaState, 'driver' | 'cards'> {
  const read = (...path: string[]): string => {
    try {
      return readFileSync(join(proc, ...path), 'utf8');
    } catch {
      return '';
    }
  };
  const version = /Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s/.exec(read('version'))?.[1];
  if (version === undefined) return { driver: null, cards: [] };
  let folders: string[] = [];
  try {
    folders = readdirSync(join(proc, 'gpus')).sort();
  } catch {
    // A module without cards.
  }
  const cards = folders.map((folder, index) => {
    const text = read('gpus', folder, 'information');
    const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
    const unknown = { computeCapability: null, memoryTotal: null, memoryUsed: null, processes: [] };
    return { index, uuid: field('GPU UUID'), name: field('Model'), ...unknown };
  });
  return { driver: { version, from: '/proc/driver/nvidia' }, cards };
}

/** Compares versions of drivers: negative where `a` is older. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < Math.max(left?.length ?? 0, right?.length ?? 0); i++) {
    const difference = (left?.[i] ?? 0) - (right?.[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
