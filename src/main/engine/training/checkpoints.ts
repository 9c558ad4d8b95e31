import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';
import { keptMark } from '../../../shared/runs.ts';
import { asWriteError, writeFileAtomic } from '../../files/atomic-write.ts';
import { readJsonFile } from '../model/json-file.ts';
import type { ParameterLayout } from '../model/parameters.ts';
import { openSafetensors, readTensor, writeSafetensors } from '../model/safetensors.ts';
import { checkpointIdentitySchema, requireSameIdentity, type CheckpointIdentity } from './checkpoint-identity.ts';
import type { Optimizer } from './optimizer.ts';

const FORMAT = 1;
const TRAINABLE = 'trainable.safetensors';
const OPTIMIZER = 'optimizer.safetensors';
const STATE = 'state.json';
const NAME = /^step-(\d{6,})$/;

/** Where a run stands after a whole number of optimizer steps; plain JSON. */
const progressSchema = z.strictObject({
  /** Optimizer steps done. Metrics up to this step were emitted; a run that continues emits the later ones again. */
  step: z.int().min(0),
  /** The last step whose held-out evaluation is done; -1 = none. */
  evaluatedStep: z.int().min(-1),
  /** Seed and position are all that is random in the loop. */
  dataOrder: z.strictObject({ seed: z.int(), count: z.int().min(1), position: z.int().min(0) }),
  numTokens: z.int().min(0),
  /** Depends on the clock. */
  elapsedSeconds: z.number().min(0),
});
export type TrainingProgress = z.infer<typeof progressSchema>;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const stateSchema = z.strictObject({
  format: z.literal(FORMAT),
  progress: progressSchema,
  schedule: z.strictObject({ name: z.string(), warmupSteps: z.int(), totalSteps: z.int() }),
  identity: checkpointIdentitySchema,
  versions: z.record(z.string(), z.string()),
  sha256: z.strictObject({ [TRAINABLE]: sha256, [OPTIMIZER]: sha256 }),
});

/** A run's whole state between two steps. The arrays are read when saved, and are fresh when loaded. */
export interface Snapshot {
  readonly progress: TrainingProgress;
  readonly schedule: z.infer<typeof stateSchema>['schedule'];
  /** [P] */
  readonly parameters: Float32Array;
  /** The optimizer's arrays by name, [P] each. */
  readonly optimizer: Optimizer['state'];
}

export interface LoadedCheckpoint {
  readonly path: string;
  readonly snapshot: Snapshot;
  /** Later checkpoints that are damaged, newest first, and what is wrong with each. */
  readonly skipped: readonly { readonly path: string; readonly problem: string }[];
}

export interface CheckpointEntry {
  readonly step: number;
  readonly path: string;
  /** Exempt from the limit on the number of checkpoints. */
  readonly kept: boolean;
}

/**
 * The checkpoints of one run: folders `step-000123` with trainable.safetensors (named tensors), optimizer.safetensors
 * (its flat arrays) and state.json (progress, identity, versions, SHA-256 of the other two). A folder is written under
 * a temporary name and renamed when it is whole, so a folder of that name is a finished checkpoint.
 */
export class CheckpointFolder {
  readonly folder: string;
  readonly #layout: ParameterLayout;
  readonly #identity: CheckpointIdentity;
  readonly #versions: Readonly<Record<string, string>>;

  /** @param options.versions of Longhand and what it runs on, for the record */
  constructor(
    folder: string,
    options: {
      readonly layout: ParameterLayout;
      readonly identity: CheckpointIdentity;
      readonly versions: Readonly<Record<string, string>>;
    },
  ) {
    this.folder = folder;
    this.#layout = options.layout;
    this.#identity = options.identity;
    this.#versions = options.versions;
  }

  /** All finished checkpoints, oldest first. */
  async list(): Promise<CheckpointEntry[]> {
    const names = await readdir(this.folder).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    const entries: CheckpointEntry[] = [];
    for (const name of names) {
      const step = NAME.exec(name)?.[1];
      if (step === undefined) continue;
      const path = join(this.folder, name);
      entries.push({ step: Number(step), path, kept: await exists(join(path, keptMark)) });
    }
    return entries.sort((a, b) => a.step - b.step);
  }

  /**
   * Writes a checkpoint and returns its folder. One of the same step is replaced (same run and step mean the same
   * state, so it is only worth writing where the old one is damaged).
   * @throws UserError no_space and others of writing; earlier checkpoints are untouched then
   */
  async save({ progress, schedule, parameters, optimizer }: Snapshot): Promise<string> {
    const path = join(this.folder, `step-${String(progress.step).padStart(6, '0')}`);
    await mkdir(this.folder, { recursive: true });
    await this.#removeLeftovers();
    const temporary = this.#temporaryName();
    try {
      await mkdir(temporary);
      const named = this.#layout.tensors.map(({ name, shape, offset, size }) => ({
        name,
        dtype: 'F32' as const,
        shape,
        data: parameters.subarray(offset, offset + size),
      }));
      await writeSafetensors(join(temporary, TRAINABLE), named);
      const arrays = [...optimizer].map(([name, data]) => ({
        name,
        dtype: 'F32' as const,
        shape: [data.length],
        data,
      }));
      await writeSafetensors(join(temporary, OPTIMIZER), arrays);
      const state: z.infer<typeof stateSchema> = {
        format: FORMAT,
        progress,
        schedule,
        identity: this.#identity,
        versions: { ...this.#versions },
        sha256: {
          [TRAINABLE]: await hashFile(join(temporary, TRAINABLE)),
          [OPTIMIZER]: await hashFile(join(temporary, OPTIMIZER)),
        },
      };
      await writeFileAtomic(join(temporary, STATE), `${JSON.stringify(state, null, 2)}\n`);
      if (await exists(path)) await rename(path, this.#temporaryName());
      await rename(temporary, path);
      await syncFolder(this.folder);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw asWriteError(path, error);
    }
    await this.#removeLeftovers();
    return path;
  }

  /**
   * The newest checkpoint that is whole, verified by its checksums; undefined when there is none at all.
   * @throws UserError conflict for a checkpoint of another model, configuration, data or a newer format; invalid_input
   *   when every checkpoint is damaged
   */
  async loadLatest(): Promise<LoadedCheckpoint | undefined> {
    const skipped: { path: string; problem: string }[] = [];
    for (const { path } of (await this.list()).reverse()) {
      try {
        return { path, snapshot: await this.load(path), skipped };
      } catch (error) {
        if (!(error instanceof UserError) || error.code === 'conflict') throw error;
        skipped.push({ path, problem: error.message });
      }
    }
    const first = skipped[0];
    if (first === undefined) return undefined;
    throw new UserError('invalid_input', `No checkpoint in ${this.folder} is usable: ${first.problem}`, {
      place: { file: this.folder },
      hint: 'Start the run again from the beginning.',
    });
  }

  /** Loads and verifies one checkpoint; errors as in `loadLatest`, and invalid_input for a damaged one. */
  async load(path: string): Promise<Snapshot> {
    const stateFile = join(path, STATE);
    const { format } = await readJsonFile(stateFile, z.looseObject({ format: z.int() }));
    if (format > FORMAT) {
      throw new UserError('conflict', `The checkpoint ${path} was written by a newer version of Longhand.`, {
        place: { file: stateFile, field: 'format' },
        hint: 'Update Longhand, or start a new run.',
      });
    }
    const state = await readJsonFile(stateFile, stateSchema);
    requireSameIdentity(state.identity, this.#identity, path);
    for (const name of [TRAINABLE, OPTIMIZER] as const) {
      const file = join(path, name);
      if ((await hashFile(file)) !== state.sha256[name]) throw damaged(file, 'its content does not match its checksum');
    }

    const parameters = new Float32Array(this.#layout.total);
    const trainable = await openSafetensors(join(path, TRAINABLE));
    if (trainable.tensors.size !== this.#layout.tensors.length) {
      throw damaged(trainable.path, `it has ${trainable.tensors.size} tensors, not ${this.#layout.tensors.length}`);
    }
    for (const { name, shape, offset } of this.#layout.tensors) {
      const found = trainable.tensors.get(name)?.shape.join();
      if (found !== shape.join())
        throw damaged(trainable.path, `"${name}" has shape [${found}], not [${shape.join()}]`);
      parameters.set(await readTensor(trainable, name), offset);
    }
    const arrays = await openSafetensors(join(path, OPTIMIZER));
    const optimizer = new Map<string, Float32Array>();
    for (const [name, { shape }] of arrays.tensors) {
      if (shape.join() !== String(this.#layout.total))
        throw damaged(arrays.path, `"${name}" has shape [${shape.join()}]`);
      optimizer.set(name, await readTensor(arrays, name));
    }
    return { progress: state.progress, schedule: state.schedule, parameters, optimizer };
  }

  /** Marks a checkpoint as one to keep, or takes the mark away. */
  async keep(step: number, kept = true): Promise<void> {
    const entry = (await this.list()).find((candidate) => candidate.step === step);
    if (entry === undefined) {
      throw new UserError('not_found', `There is no checkpoint of step ${step} in ${this.folder}.`, {
        place: { file: this.folder },
      });
    }
    if (kept) await writeFileAtomic(join(entry.path, keptMark), '');
    else await rm(join(entry.path, keptMark), { force: true });
  }

  /** Removes all but the newest `count` checkpoints and those marked to keep; returns the removed steps. */
  async prune(count: number): Promise<number[]> {
    const entries = (await this.list()).filter(({ kept }) => !kept);
    const old = entries.slice(0, Math.max(0, entries.length - count));
    // Renamed first: a half-removed folder must not look like a checkpoint.
    for (const { path } of old) await rename(path, this.#temporaryName());
    await this.#removeLeftovers();
    return old.map(({ step }) => step);
  }

  #temporaryName(): string {
    return join(this.folder, `.checkpoint-${randomBytes(8).toString('hex')}.tmp`);
  }

  /** What an interrupted save or prune left behind. A run has one writer, so nothing of it is in use. */
  async #removeLeftovers(): Promise<void> {
    for (const name of await readdir(this.folder)) {
      if (/^\.checkpoint-[0-9a-f]{16}\.tmp$/.test(name)) {
        await rm(join(this.folder, name), { recursive: true, force: true });
      }
    }
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash).catch((error: unknown) => {
    throw isMissing(error) ? damaged(path, 'the file is missing') : error;
  });
  return hash.digest('hex');
}

/** Makes a rename in `folder` durable; Windows has no such call and orders renames itself. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function damaged(file: string, problem: string): UserError {
  return new UserError('invalid_input', `The checkpoint file ${file} is damaged: ${problem}.`, { place: { file } });
}
