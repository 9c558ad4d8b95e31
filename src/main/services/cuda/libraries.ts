import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { z } from 'zod';
import type { CudaLibrary } from '../../../shared/cuda-report.ts';
import { installedFile, libraryFolder } from './folder.ts';
import { PROVIDER_WHEEL, WHEELS } from './wheels.ts';
import type { Wheel } from './wheels.ts';

/** Brought by the driver, never by a wheel. */
export const DRIVER_LIBRARY = 'libcuda.so.1';

const installedSchema = z.object({ versions: z.record(z.string(), z.string()) });

/** Versions of the wheels whose libraries are in the CUDA folder, by name; empty where nothing was installed. */
export function installedVersions(folder: string): Readonly<Record<string, string>> {
  try {
    return installedSchema.parse(JSON.parse(readFileSync(installedFile(folder), 'utf8'))).versions;
  } catch {
    return {};
  }
}

/** Libraries of the machine by file name: what the loader's cache and a CUDA toolkit offer. */
export type SystemLibraries = ReadonlyMap<string, string>;

/** Reads the loader's cache, `LD_LIBRARY_PATH` and the usual places of a CUDA toolkit. */
export async function systemLibraries(env: NodeJS.ProcessEnv = process.env): Promise<SystemLibraries> {
  const found = new Map<string, string>();
  const folders = [
    ...(env['LD_LIBRARY_PATH'] ?? '').split(delimiter),
    ...[env['CUDA_HOME'], env['CUDA_PATH'], '/usr/local/cuda'].flatMap((root) =>
      root === undefined || root === '' ? [] : [join(root, 'lib64'), join(root, 'targets', 'x86_64-linux', 'lib')],
    ),
  ];
  for (const folder of folders.filter((path) => path !== '' && existsSync(path))) {
    for (const name of readdirSync(folder)) if (!found.has(name)) found.set(name, join(folder, name));
  }
  for (const line of (await loaderCache(env)).split('\n')) {
    const [, name, path] = /^\s*(\S+) \(.*x86-64.*\) => (\S+)$/.exec(line) ?? [];
    if (name !== undefined && path !== undefined && !found.has(name)) found.set(name, path);
  }
  return found;
}

function loaderCache(env: NodeJS.ProcessEnv): Promise<string> {
  const program = existsSync('/sbin/ldconfig') ? '/sbin/ldconfig' : 'ldconfig';
  return new Promise((resolve) => {
    execFile(program, ['-p'], { env, encoding: 'utf8', maxBuffer: 2 ** 26 }, (_, stdout) => {
      resolve(stdout);
    });
  });
}

/**
 * The libraries of a wheel as the machine has them, or undefined where one is missing. The provider is always our own: it has
 * to be of onnxruntime-node's version.
 */
export function fromSystem(wheel: Wheel, system: SystemLibraries): readonly string[] | undefined {
  if (wheel.name === PROVIDER_WHEEL) return undefined;
  const paths = wheel.files
    // A private part of nvrtc, of the toolkit's own minor version.
    .filter(({ name }) => !name.startsWith('libnvrtc-builtins'))
    .map(({ name }) => system.get(name));
  return paths.every((path) => path !== undefined) ? paths : undefined;
}

/** `libcublas.so.13` to `libcublas.so`. */
function stem(file: string): string {
  return file.replace(/\.so\..*$/, '.so');
}

/** State of every library, in the order in which it is needed; the folder's own come before the machine's. */
export function libraryStates(folder: string, system: SystemLibraries): CudaLibrary[] {
  const own = libraryFolder(folder);
  const states = WHEELS.flatMap((wheel): CudaLibrary[] => {
    const shared = fromSystem(wheel, system);
    return wheel.files.map(({ name, bytes }): CudaLibrary => {
      const path = join(own, name);
      const size = statSync(path, { throwIfNoEntry: false })?.size;
      const from = `${wheel.name} ${wheel.version}`;
      if (size === bytes) return { file: name, from, status: 'found', path };
      if (size !== undefined) return { file: name, from, status: 'damaged', path };
      if (shared !== undefined) return { file: name, from, status: 'found', path: system.get(name) ?? null };
      const other = [...system].find(([file]) => file !== name && file.startsWith(`${stem(name)}.`));
      return { file: name, from, status: other === undefined ? 'missing' : 'other_version', path: other?.[1] ?? null };
    });
  });
  const driver = system.get(DRIVER_LIBRARY);
  return [
    {
      file: DRIVER_LIBRARY,
      from: 'NVIDIA driver',
      status: driver === undefined ? 'missing' : 'found',
      path: driver ?? null,
    },
    ...states,
  ];
}

/** Folders that the engine's loader has to look in: the own one first. */
export function libraryPath(folder: string, libraries: readonly CudaLibrary[]): string[] {
  const folders = libraries.flatMap(({ path, file }) =>
    path === null || file === DRIVER_LIBRARY ? [] : [dirname(path)],
  );
  return [...new Set([libraryFolder(folder), ...folders])];
}
