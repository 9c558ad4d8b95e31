import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { UserSettings } from '../../src/main/services/api/user-settings.ts';
import { openContext } from '../../src/main/services/context.ts';
import { exportAdapter } from '../../src/main/services/exports.ts';
import { exportPairs } from '../../src/main/services/pairs.ts';
import { exportBundle, openBundle } from '../../src/main/services/review-bundle.ts';
import { exportAll } from '../../src/main/services/workspace-care.ts';
import { openWorkspace } from '../../src/main/workspace/workspace.ts';
import { UserError } from '../../src/shared/errors.ts';
import { addPairs } from '../main/workspace/sample-texts.ts';
import { smallDisk } from './small-disk.ts';
import type { SmallDisk } from './small-disk.ts';
import { look, workOf, works } from './work.ts';
import type { WorkName } from './work.ts';

/** What happened with a disk that became full. */
export interface FullReport {
  /** Things that were said to be stored before, each found again. */
  readonly acknowledged: number;
  /** The error; undefined where there was room enough. */
  readonly error: UserError | undefined;
}

/** Enough for every workspace of `works`. */
const diskMiB = 48;
/** Rows of one transaction of most kinds fit into it; import, checkpoints and copies do not. */
export const smallRoom = 96 * 1024;

/** Runs `action` on a small file system. */
async function onSmallDisk<T>(action: (disk: SmallDisk) => Promise<T>): Promise<T> {
  const disk = smallDisk(diskMiB);
  try {
    return await action(disk);
  } finally {
    disk.close();
  }
}

const truths = new Map<WorkName, ReturnType<typeof look>>();

/** What the work gives when nothing happens to it. */
async function truthOf(work: WorkName): Promise<ReturnType<typeof look>> {
  const known = truths.get(work);
  if (known !== undefined) return known;
  const parent = mkdtempSync(join(tmpdir(), 'longhand-calm-'));
  try {
    const folder = join(parent, 'ws');
    await setUp(work, folder);
    await workOf(work).run(folder, { engine: () => undefined, stored: () => undefined });
    const truth = look(work, folder);
    truths.set(work, truth);
    return truth;
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

async function setUp(work: WorkName, folder: string): Promise<void> {
  const workspace = openWorkspace(folder, { create: true });
  await workOf(work).setUp(workspace);
  workspace.close();
}

/**
 * Does a kind of work on a disk that becomes full after a number of stored things: it must end with `no_space`, keep what
 * it said was stored and nothing that is not of the undisturbed work, and go on to the very same end once there is room.
 */
export async function fullWhile(work: WorkName, after: number, room: number): Promise<FullReport> {
  const truth = await truthOf(work);
  return onSmallDisk(async (disk) => {
    const folder = join(disk.folder, 'ws');
    await setUp(work, folder);
    const stored: string[] = [];
    if (after === 0) disk.fill(room);
    const error = await failureOf(() =>
      workOf(work).run(folder, {
        engine: () => undefined,
        stored: (line) => {
          stored.push(line);
          if (stored.length === after) disk.fill(room);
        },
      }),
    );
    const place = `${work}, full after ${after}, ${room} bytes left`;
    requireNothingHalf(disk.folder);
    disk.free();
    requireWhole(folder);
    const there = look(work, folder);
    const lines = new Set(there.lines);
    for (const line of stored) if (!lines.has(line)) throw new Error(`${place}: lost ${line}`);
    const known = new Set(truth.lines);
    for (const line of lines) if (!known.has(line)) throw new Error(`${place}: ${line} is not of the undisturbed work`);
    await workOf(work).run(folder, { engine: () => undefined, stored: () => undefined });
    const end = look(work, folder);
    if (end.lines.join('\n') !== truth.lines.join('\n') || end.result !== truth.result)
      throw new Error(`${place}: the end differs from the undisturbed one`);
    return { acknowledged: stored.length, error };
  });
}

export const fullWorks = Object.keys(works) as WorkName[];

/** A file or folder that is written whole or not at all. */
interface Writing {
  /** What must be there first. */
  readonly prepare?: (folder: string) => Promise<void> | void;
  /** Bytes that are left, where `smallRoom` would be enough. */
  readonly room?: number;
  /** Writes; called with a full disk and again with room. */
  readonly write: (folder: string) => Promise<unknown>;
}

const pairsIn = (folder: string): void => {
  const workspace = openWorkspace(join(folder, 'ws'), { create: true });
  addPairs({ workspace }, 200);
  workspace.close();
};
const trainedIn = async (folder: string): Promise<void> => {
  await setUp('train', join(folder, 'ws'));
  await workOf('train').run(join(folder, 'ws'), { engine: () => undefined, stored: () => undefined });
};

async function within<T>(folder: string, action: (context: ReturnType<typeof openContext>) => Promise<T>): Promise<T> {
  const context = openContext(join(folder, 'ws'));
  try {
    return await action(context);
  } finally {
    await context.close();
  }
}

export const writings = {
  backup: {
    prepare: pairsIn,
    write: (folder) => within(folder, ({ workspace }) => workspace.backUp('manual')),
  },
  'export of pairs': {
    prepare: (folder) => {
      pairsIn(folder);
      writeFileSync(join(folder, 'pairs.jsonl'), 'what was there\n');
    },
    write: (folder) =>
      within(folder, (context) =>
        exportPairs(context, {
          path: join(folder, 'pairs.jsonl'),
          selection: { review: 'all' },
          shortPrompts: true,
          provenance: true,
        }),
      ),
  },
  'export of everything': {
    prepare: pairsIn,
    write: async (folder) => {
      rmSync(join(folder, 'all'), { recursive: true, force: true });
      await within(folder, (context) => exportAll(context, { folder: join(folder, 'all') }));
    },
  },
  'export of an adapter': {
    prepare: trainedIn,
    room: 4096,
    write: (folder) => within(folder, (context) => exportAdapter(context, { runId: 1, dir: join(folder, 'adapter') })),
  },
  'review bundle': {
    prepare: pairsIn,
    write: (folder) =>
      within(folder, (context) =>
        exportBundle(context, { path: join(folder, 'set.jsonl'), blind: false, limit: 400, seed: 3 }),
      ),
  },
  'opening of a bundle': {
    prepare: async (folder) => {
      pairsIn(folder);
      await writings['review bundle'].write(folder);
    },
    write: (folder) => openBundle({ path: join(folder, 'set.jsonl'), folder: join(folder, 'away') }),
  },
  settings: {
    write: async (folder) => {
      const settings = new UserSettings(join(folder, 'settings.json'));
      await settings.set('texts', 'x'.repeat(400_000));
      if (settings.all()['texts'] !== 'x'.repeat(400_000)) throw new Error('the setting is not there');
    },
  },
} satisfies Record<string, Writing>;
export type WritingName = keyof typeof writings;

/** Writes with a full disk: `no_space`, all other files as they were, nothing half-written; then with room. */
export async function fullAt(name: WritingName, left?: number): Promise<FullReport> {
  const { prepare, write, room = smallRoom } = writings[name] as Writing;
  return onSmallDisk(async (disk) => {
    await prepare?.(disk.folder);
    const before = filesOf(disk.folder);
    disk.fill(left ?? room);
    const error = await failureOf(() => write(disk.folder));
    if (error !== undefined) {
      requireNothingHalf(disk.folder);
      for (const [file, bytes] of before)
        if (!readFileSync(join(disk.folder, file)).equals(bytes)) throw new Error(`${name}: ${file} was changed`);
      disk.free();
      await write(disk.folder);
    }
    return { acknowledged: before.size, error };
  });
}

async function failureOf(action: () => Promise<unknown>): Promise<UserError | undefined> {
  try {
    await action();
    return undefined;
  } catch (error) {
    if (error instanceof UserError && error.code === 'no_space') return error;
    throw new Error('a full disk was not told as one', { cause: error });
  }
}

/** Files that must not change, by path: the database's own are compared by their rows. */
function filesOf(folder: string): Map<string, Buffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files
      .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
      .filter((file) => !/(?:workspace|lock)\.(?:db|json)/.test(file))
      .map((file) => [file, readFileSync(join(folder, file))]),
  );
}

/** Temporary files are gone. */
function requireNothingHalf(folder: string): void {
  const left = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tmp|\.part/.test(file));
  if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
}

function requireWhole(folder: string): void {
  const database = new SqliteDatabase(join(folder, 'workspace.db'));
  try {
    const answer = database.pragma('integrity_check', { simple: true });
    if (answer !== 'ok') throw new Error(`the database is damaged: ${String(answer)}`);
  } finally {
    database.close();
  }
}
