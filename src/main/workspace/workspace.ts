import { existsSync, readdirSync, realpathSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UserError } from '../../shared/errors.ts';
import { makeFolder } from '../files/make-folder.ts';
import { auditQueueRepository } from './audit-queue.ts';
import { backUp, backupIsDue, byMaking, listBackups } from './backups.ts';
import { bundleRepository } from './bundles.ts';
import { checkWorkspace } from './check.ts';
import { checkpointRepository } from './checkpoints.ts';
import { chunkRepository } from './chunks.ts';
import { inspectDatabaseFile, openDatabase } from './database.ts';
import type { Database } from './database.ts';
import { documentRepository } from './documents.ts';
import { evaluationRepository } from './evaluations.ts';
import { eventRepository } from './events.ts';
import { extensionRepository } from './extensions.ts';
import { generationJobRepository } from './generation-jobs.ts';
import { lockFileNames, lockWorkspace } from './lock.ts';
import type { WorkspaceLock } from './lock.ts';
import { metricRepository } from './metrics.ts';
import { migrations as allMigrations } from './migrations/all.ts';
import type { Migration } from './migrations/migration.ts';
import { modelRepository } from './models.ts';
import { opinionRepository } from './opinions.ts';
import { pairLogpRepository } from './pair-logps.ts';
import { pairScoreRepository } from './pair-scores.ts';
import { pairRepository } from './pairs.ts';
import { referenceLogpRepository } from './reference-logps.ts';
import { reviewRepository } from './reviews.ts';
import { runRepository } from './runs.ts';
import { sampleRepository } from './samples.ts';
import { DamagedDatabase, guarded, withDatabaseErrors } from './sqlite-errors.ts';

export interface OpenOptions {
  /** Make the workspace where there is none; the folder must not hold anything else. */
  readonly create?: boolean;
  /** Only read, beside a process that writes. */
  readonly readOnly?: boolean;
  /** `foundWhole` has looked through the database: it is not done again. */
  readonly checked?: boolean;
  /** Name that another process is shown while this one holds the workspace. */
  readonly program?: string;
  /** Clock, in milliseconds since 1970. */
  readonly now?: () => number;
  /** For tests of migrations. */
  readonly migrations?: readonly Migration[];
}

export type Workspace = ReturnType<typeof openWorkspace>;

/**
 * The workspaces that this process has open for writing, by real path. It holds them: a database that nothing refers to
 * is collected and closed, and the lock would be gone with it, without a word.
 */
const openHere = new Map<string, { readonly database: Database; readonly lock: WorkspaceLock }>();

export const databaseName = 'workspace.db';

/**
 * Opens a workspace folder; one process at a time may write. After a crash the jobs that still say `running` are
 * paused. The whole database is checked at opening (large ones only after an end out of order).
 * Errors: `not_found` (no folder, no workspace), `conflict` (open elsewhere, made by a newer Longhand),
 * `invalid_input` (damaged, not writable, folder of something else), `no_space`.
 */
export function openWorkspace(dir: string, options: OpenOptions = {}) {
  const { create = false, readOnly = false, checked = false, program = 'Longhand', now = Date.now } = options;
  const { migrations = allMigrations } = options;
  const folder = resolve(dir);
  const file = join(folder, databaseName);
  const created = existsSync(file) ? 'nothing' : existsSync(folder) ? 'database' : 'folder';
  prepareFolder(folder, file, create && !readOnly);

  const key = realpathSync(folder);
  if (!readOnly) {
    if (openHere.has(key)) {
      throw new UserError('conflict', `The workspace ${folder} is open in this program already.`, {
        place: { file: folder },
      });
    }
    try {
      if (existsSync(file)) withDatabaseErrors(file, () => inspectDatabaseFile(file, { migrations }));
    } catch (error) {
      throw withBackup(folder, error, now());
    }
  }
  const lock = readOnly ? undefined : lockWorkspace(folder, program, now());
  let database: Database;
  try {
    const suspicious = lock !== undefined && lock.abandonedBy !== null;
    database = openDatabase(file, { readOnly, suspicious, checked, migrations, now: now() });
  } catch (error) {
    lock?.release();
    throw withBackup(folder, error, now());
  }
  if (lock !== undefined) openHere.set(key, { database, lock });

  const context = { database, now, events: eventRepository(database, now) };
  const workspace = {
    folder,
    readOnly,
    /** What this opening made. */
    created,
    /** The clock by which rows are dated, in milliseconds since 1970. */
    now,
    documents: guarded(file, documentRepository(context)),
    chunks: guarded(file, chunkRepository(context)),
    generationJobs: guarded(file, generationJobRepository(context)),
    samples: guarded(file, sampleRepository(context)),
    pairs: guarded(file, pairRepository(context)),
    reviews: guarded(file, reviewRepository(context)),
    opinions: guarded(file, opinionRepository(context)),
    auditQueue: guarded(file, auditQueueRepository(context)),
    bundles: guarded(file, bundleRepository(context)),
    pairLogps: guarded(file, pairLogpRepository(context)),
    pairScores: guarded(file, pairScoreRepository(context)),
    referenceLogps: guarded(file, referenceLogpRepository(context)),
    runs: guarded(file, runRepository(context)),
    metrics: guarded(file, metricRepository(context)),
    checkpoints: guarded(file, checkpointRepository(context)),
    evaluations: guarded(file, evaluationRepository(context)),
    extensions: guarded(file, extensionRepository(context)),
    models: guarded(file, modelRepository(context)),
    events: guarded(file, context.events),

    /** Runs several calls as one: all of them are stored, or none. `action` must not wait for anything. */
    transaction<T>(action: () => T): T {
      return withDatabaseErrors(file, () => database.transaction(action)());
    },

    /**
     * As `transaction`, for an action that waits in between. Only for a workspace that nobody else uses meanwhile:
     * whatever is done through it belongs to the transaction.
     */
    async longTransaction<T>(action: () => Promise<T>): Promise<T> {
      withDatabaseErrors(file, () => database.exec('BEGIN IMMEDIATE'));
      try {
        const result = await action();
        withDatabaseErrors(file, () => database.exec('COMMIT'));
        return result;
      } catch (error) {
        if (database.inTransaction) database.exec('ROLLBACK');
        throw error;
      }
    },

    /** Copies of the database, newest first. */
    backups: () => listBackups(folder),

    /** Whether an automatic backup is to be made now: once a day, and never of a workspace that was just made. */
    backupIsDue: () => !readOnly && created === 'nothing' && backupIsDue(folder, now()),

    /** Copies the database while it is in use. Errors: as `backUp`. */
    backUp: (kind: 'automatic' | 'manual', signal?: AbortSignal) => backUp(folder, file, kind, now(), signal),

    /** Looks through everything, a step a `next`. */
    check: () => checkWorkspace(folder, database),

    /** Ends the use of the workspace and gives the lock back; further calls throw. */
    close(): void {
      if (!database.open) return;
      database.close();
      if (lock === undefined) return;
      lock.release();
      openHere.delete(key);
    },
  };
  if (lock !== undefined) {
    try {
      recover(workspace, lock.abandonedBy);
    } catch (error) {
      workspace.close();
      throw error;
    }
  }
  return workspace;
}

type Recoverable = Pick<
  Workspace,
  'documents' | 'runs' | 'generationJobs' | 'evaluations' | 'extensions' | 'events' | 'transaction'
>;

/** A damaged database is not the end: says which copy there is and how to put it back. */
function withBackup(folder: string, error: unknown, now: number): unknown {
  if (!(error instanceof DamagedDatabase)) return error;
  const newest = byMaking(listBackups(folder), now)[0];
  if (newest === undefined) return error;
  return new UserError(error.code, error.message, {
    hint: `The newest copy is ${newest.path}, of ${new Date(newest.at).toISOString()}: longhand workspace restore puts it back and keeps the damaged file.`,
    place: error.place,
    cause: error,
  });
}

/** Puts right what a process that was killed left half done. */
function recover(workspace: Recoverable, abandonedBy: unknown): void {
  workspace.transaction(() => {
    if (abandonedBy !== null) workspace.events.add('reopened_after_crash', '', { owner: abandonedBy });
    workspace.documents.dropOrphanTexts();
    workspace.runs.pauseInterrupted();
    workspace.generationJobs.pauseInterrupted();
    workspace.evaluations.pauseInterrupted();
    workspace.extensions.pauseInterrupted();
  });
}

/**
 * Takes away a workspace that was just made, is closed again and holds nothing: its database, its lock and, where
 * that was made with it, its folder.
 */
export function discardNewWorkspace(folder: string, created: Workspace['created']): void {
  if (created === 'nothing') return;
  for (const name of readdirSync(folder)) {
    if (name.startsWith(databaseName) || lockFileNames.some((lockFile) => lockFile === name))
      rmSync(join(folder, name));
  }
  if (created === 'folder' && readdirSync(folder).length === 0) rmdirSync(folder);
}

function prepareFolder(folder: string, file: string, create: boolean): void {
  const place = { file: folder };
  if (!existsSync(folder)) {
    if (!create) {
      throw new UserError('not_found', `The folder ${folder} does not exist.`, {
        hint: 'Check the path of the workspace; the page Home and "longhand import" make a new one.',
        place,
      });
    }
    makeFolder(folder);
  }
  if (!statSync(folder).isDirectory()) {
    throw new UserError('invalid_input', `${folder} is a file; a workspace is a folder.`, { place });
  }
  if (existsSync(file)) return;
  if (!create) {
    throw new UserError('not_found', `${folder} is no Longhand workspace: it has no ${databaseName}.`, {
      hint: 'Choose the folder of a workspace, or create a new one.',
      place,
    });
  }
  const ours: readonly string[] = lockFileNames;
  const others = readdirSync(folder).filter((name) => !ours.includes(name) && !name.startsWith('.'));
  if (others.length > 0) {
    throw new UserError('conflict', `${folder} holds other files (${others[0]}), so no workspace was made there.`, {
      hint: 'Choose an empty or a new folder.',
      place,
    });
  }
}
