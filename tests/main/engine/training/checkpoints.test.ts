import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../../../src/shared/run-config.ts';
import type { ParameterLayout } from '../../../../src/main/engine/model/parameters.ts';
import { checkpointIdentity } from '../../../../src/main/engine/training/checkpoint-identity.ts';
import { CheckpointFolder, type Snapshot } from '../../../../src/main/engine/training/checkpoints.ts';
import { bigramExamples } from './bigram-examples.ts';
import { largeSetup, largeSnapshot } from './large-checkpoint.ts';

const LAYOUT: ParameterLayout = {
  kind: 'lora',
  tensors: [
    { name: 'b', shape: [2, 2], offset: 0, size: 4 },
    { name: 'a', shape: [3], offset: 4, size: 3 },
  ],
  total: 7,
};
const VERSIONS = { longhand: '0.1.0', node: '24' };
const EXAMPLES = bigramExamples(3);
const IDENTITY = checkpointIdentity('model-hash', parseRunConfig({}), EXAMPLES);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'longhand-checkpoints-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function snapshot(step: number): Snapshot {
  return {
    progress: {
      step,
      evaluatedStep: step - 1,
      dataOrder: { seed: 7, count: 3, position: 2 * step },
      numTokens: 100 * step,
      elapsedSeconds: 1.5,
    },
    schedule: { name: 'cosine', warmupSteps: 1, totalSteps: 9 },
    parameters: Float32Array.from({ length: 7 }, (_, i) => step + i / 3),
    optimizer: new Map([
      ['m', Float32Array.from({ length: 7 }, (_, i) => -step / (i + 1))],
      ['v', Float32Array.from({ length: 7 }, (_, i) => 1e-12 * (step + i))],
    ]),
  };
}

const open = (identity = IDENTITY, layout = LAYOUT): CheckpointFolder =>
  new CheckpointFolder(folder, { layout, identity, versions: VERSIONS });

describe('CheckpointFolder', () => {
  it('returns what was saved, bit for bit', async () => {
    const checkpoints = open();
    expect(await checkpoints.loadLatest()).toBeUndefined();
    const saved = await checkpoints.save(snapshot(123));
    expect(path.basename(saved)).toBe('step-000123');
    expect((await readdir(saved)).sort()).toEqual(['optimizer.safetensors', 'state.json', 'trainable.safetensors']);
    expect(await open().loadLatest()).toEqual({ path: saved, snapshot: snapshot(123), skipped: [] });
  });

  it('sorts by step and keeps the newest and the marked ones', async () => {
    const checkpoints = open();
    for (const step of [2, 4, 6, 8, 10]) await checkpoints.save(snapshot(step));
    await checkpoints.keep(4);
    expect(await checkpoints.prune(2)).toEqual([2, 6]);
    expect((await checkpoints.list()).map(({ step, kept }) => [step, kept])).toEqual([
      [4, true],
      [8, false],
      [10, false],
    ]);
    await checkpoints.keep(4, false);
    expect(await checkpoints.prune(2)).toEqual([4]);
    expect((await readdir(folder)).sort()).toEqual(['step-000008', 'step-000010']);
    await expect(checkpoints.keep(4)).rejects.toMatchObject({ code: 'not_found' });
  });

  it.each([
    ['a truncated parameter file', (at: string) => truncate(path.join(at, 'trainable.safetensors'), 60)],
    [
      'a flipped bit in the optimizer',
      async (at: string) => {
        const file = path.join(at, 'optimizer.safetensors');
        const bytes = await readFile(file);
        const last = bytes.length - 1;
        bytes[last] = (bytes[last] ?? 0) ^ 1;
        await writeFile(file, bytes);
      },
    ],
    ['a missing file', (at: string) => rm(path.join(at, 'optimizer.safetensors'))],
    ['a truncated state', (at: string) => truncate(path.join(at, 'state.json'), 40)],
    ['a state without a field', (at: string) => writeFile(path.join(at, 'state.json'), '{"format": 1}')],
  ] satisfies [string, (at: string) => Promise<void>][])('falls back over %s and says so', async (_name, damage) => {
    const checkpoints = open();
    const earlier = await checkpoints.save(snapshot(1));
    const later = await checkpoints.save(snapshot(2));
    await damage(later);
    const loaded = await checkpoints.loadLatest();
    expect(loaded?.path).toBe(earlier);
    expect(loaded?.snapshot).toEqual(snapshot(1));
    expect(loaded?.skipped).toMatchObject([{ path: later }]);
    expect(loaded?.skipped[0]?.problem).toContain(later);

    await damage(earlier);
    await expect(checkpoints.loadLatest()).rejects.toMatchObject({ code: 'invalid_input' });

    await checkpoints.save(snapshot(2)); // replaces the damaged one
    expect((await checkpoints.loadLatest())?.snapshot).toEqual(snapshot(2));
  });

  it.each([
    ['another model', checkpointIdentity('other', parseRunConfig({}), EXAMPLES), 'model'],
    [
      'another rate',
      checkpointIdentity('model-hash', parseRunConfig({ learningRate: 1e-4 }), EXAMPLES),
      'learningRate',
    ],
    ['other data', checkpointIdentity('model-hash', parseRunConfig({}), EXAMPLES.slice(1)), 'data'],
  ])('refuses %s', async (_name, identity, field) => {
    await open().save(snapshot(1));
    await expect(open(identity).loadLatest()).rejects.toMatchObject({ code: 'conflict', place: { field } });
  });

  it('does not mind where and how often a run is computed and saved', async () => {
    await open().save(snapshot(1));
    const elsewhere = parseRunConfig({ device: 'cuda', threads: 4, checkpointEvery: 1, keepCheckpoints: 9 });
    const loaded = await open(checkpointIdentity('model-hash', elsewhere, EXAMPLES)).loadLatest();
    expect(loaded?.snapshot.progress.step).toBe(1);
  });

  it('refuses a newer format instead of using an older checkpoint', async () => {
    const checkpoints = open();
    await checkpoints.save(snapshot(1));
    await writeFile(path.join(await checkpoints.save(snapshot(2)), 'state.json'), '{"format": 2}');
    await expect(checkpoints.loadLatest()).rejects.toMatchObject({ code: 'conflict' });
  });

  it('leaves the earlier checkpoints when writing fails', async () => {
    const checkpoints = open();
    await checkpoints.save(snapshot(1));
    const broken = {
      ...snapshot(2),
      optimizer: new Map([['m', new Float32Array(7)]]),
      parameters: new Float32Array(3),
    };
    await expect(checkpoints.save(broken)).rejects.toThrow();
    expect(await readdir(folder)).toEqual(['step-000001']);
  });

  it('leaves the earlier checkpoints when the process is killed while it writes one', { timeout: 20_000 }, async () => {
    const script = path.join(import.meta.dirname, 'checkpoint-child.ts');
    let interrupted = false;
    for (let attempt = 0; attempt < 5 && !interrupted; attempt += 1) {
      await rm(folder, { recursive: true, force: true });
      const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
      const exited = once(child, 'exit');
      await Promise.race([once(child.stdout, 'data'), exited]);
      expect(child.exitCode).toBeNull();
      await untilUnfinished(folder);
      child.kill('SIGKILL');
      await exited;
      interrupted = (await readdir(folder)).some((name) => name.endsWith('.tmp'));
    }
    expect(interrupted).toBe(true);
    const checkpoints = new CheckpointFolder(folder, largeSetup());
    const last = (await checkpoints.list()).at(-1)?.step ?? 0;
    expect(last).toBeGreaterThan(0);
    const loaded = await checkpoints.loadLatest();
    expect(loaded?.skipped).toEqual([]);
    expect(loaded?.snapshot).toEqual(largeSnapshot(last));
    await checkpoints.save(largeSnapshot(last + 1));
    expect((await readdir(folder)).some((name) => name.endsWith('.tmp'))).toBe(false);
  });
});

/** Waits until a checkpoint is being written that has its parameters and not yet its state. */
async function untilUnfinished(where: string): Promise<void> {
  for (;;) {
    const temporary = (await readdir(where)).find((name) => name.endsWith('.tmp'));
    if (temporary === undefined) continue;
    const written = await stat(path.join(where, temporary, 'trainable.safetensors')).catch(() => undefined);
    if (written !== undefined) return;
  }
}
