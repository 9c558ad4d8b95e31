import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { installedFile, libraryFolder } from '../../../../src/main/services/cuda/folder.ts';
import { WHEELS } from '../../../../src/main/services/cuda/wheels.ts';

// FAKES for what no machine of the tests has: an nvidia-smi that prints what it is told, and libraries of the right names
// and sizes without contents.

export interface FakeCard {
  readonly index?: number;
  readonly uuid?: string;
  readonly name?: string;
  readonly driver?: string;
  readonly total?: number;
  readonly used?: number;
  readonly capability?: string;
}

const made: string[] = [];
afterAll(() => {
  for (const root of made.splice(0)) rmSync(root, { recursive: true, force: true });
});

const line = (card: FakeCard, index: number): string =>
  [
    card.index ?? index,
    card.uuid ?? `GPU-0000000${index}`,
    card.name ?? 'NVIDIA Fake 80GB',
    card.driver ?? '580.159.04',
    card.total ?? 81559,
    card.used ?? 500,
    card.capability ?? '9.0',
  ].join(', ');

/** Surroundings with a fake nvidia-smi (`cards`, or its failure) and fake libraries; removed after the tests. */
export function fakeMachine(
  options: {
    readonly cards?: readonly FakeCard[];
    readonly apps?: string;
    /** nvidia-smi prints this and fails. */
    readonly failure?: string;
    readonly withoutNvidiaSmi?: boolean;
    readonly libraries?: boolean;
    readonly env?: Record<string, string>;
  } = {},
): { readonly env: NodeJS.ProcessEnv; readonly platform: string; readonly proc: string; readonly folder: string } {
  const root = mkdtempSync(join(tmpdir(), 'longhand-fake-machine-'));
  made.push(root);
  const [bin, folder, system, proc] = ['bin', 'cuda', 'system', 'proc'].map((name) => join(root, name)) as [
    string,
    string,
    string,
    string,
  ];
  for (const path of [bin, system, proc, libraryFolder(folder)]) mkdirSync(path, { recursive: true });
  if (options.withoutNvidiaSmi !== true) {
    const gpus = (options.cards ?? [{}]).map(line).join('\n');
    const script =
      options.failure === undefined
        ? `case "$1" in --query-gpu*) cat <<'END'\n${gpus}\nEND\n;; *) cat <<'END'\n${options.apps ?? ''}\nEND\n;; esac\n`
        : `cat <<'END'\n${options.failure}\nEND\nexit 9\n`;
    writeFileSync(join(bin, 'nvidia-smi'), `#!/bin/sh\n${script}`);
    chmodSync(join(bin, 'nvidia-smi'), 0o755);
  }
  if (options.libraries !== false) {
    for (const { name, bytes } of WHEELS.flatMap(({ files }) => files)) {
      writeFileSync(join(libraryFolder(folder), name), '');
      truncateSync(join(libraryFolder(folder), name), bytes); // sparse: takes no space
    }
    const versions = Object.fromEntries(WHEELS.map(({ name, version }) => [name, version]));
    writeFileSync(installedFile(folder), JSON.stringify({ versions }));
    writeFileSync(join(system, 'libcuda.so.1'), '');
  }
  return {
    env: {
      // Nothing of this machine's own: only the shell's tools stand behind the fake.
      PATH: `${bin}:/bin`,
      LD_LIBRARY_PATH: system,
      LONGHAND_CUDA: folder,
      ...options.env,
    },
    platform: 'linux x64',
    proc,
    folder,
  };
}
