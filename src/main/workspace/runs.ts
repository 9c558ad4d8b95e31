import { UserError } from '../../shared/errors.ts';
import { pageRequestSchema } from '../../shared/paging.ts';
import type { Page, PageRequest } from '../../shared/paging.ts';
import { parseInput } from '../../shared/parse.ts';
import type { RunConfig } from '../../shared/run-config.ts';
import { newRunSchema } from '../../shared/runs.ts';
import type { NewRun, RunRow, SnapshotPair } from '../../shared/runs.ts';
import { sha256 } from './content-hash.ts';
import { missingRun } from './missing-run.ts';
import type { RepositoryContext } from './events.ts';
import { jobStatus } from './job-status.ts';
import { idOfCursor, pageOf } from './page-cursor.ts';

/** The data of a run: which pairs, in which revision, in which order. */
export interface RunData {
  readonly pairs: readonly SnapshotPair[];
  readonly heldOut: readonly SnapshotPair[];
}

interface ContentHash {
  readonly pairId: number;
  readonly revision: number;
  /** null: there is no such pair. */
  readonly sha256: string | null;
  /** 1: the pair has this revision. */
  readonly found: number;
  /** 1: its answers are exchanged. */
  readonly swapped: number | null;
}

/** Training runs. Configuration, data, seed and code version are fixed when the run is made. */
export function runRepository(context: RepositoryContext) {
  const { database, now, events } = context;
  const status = jobStatus('run', context);
  const columns = `r.id, r.name, r.status, r.objective, r.model_fingerprint AS modelFingerprint,
    r.code_version AS codeVersion, r.seed, r.data_sha256 AS dataSha256, r.pair_count AS pairCount,
    r.held_out_count AS heldOutCount, r.parent_run_id AS parentRunId, r.parent_checkpoint_id AS parentCheckpointId,
    r.created_at AS createdAt, r.started_at AS startedAt, r.ended_at AS endedAt, r.error, r.archived_at AS archivedAt,
    (SELECT max(m.step) FROM metrics m WHERE m.run_id = r.id) AS lastStep`;
  const insert = database.prepare(`
    INSERT INTO runs (name, status, objective, model_fingerprint, code_version, seed, data_sha256, pair_count,
      held_out_count, parent_run_id, parent_checkpoint_id, created_at, config)
    VALUES (@name, 'queued', @objective, @modelFingerprint, @codeVersion, @seed, @dataSha256, @pairCount,
      @heldOutCount, @parentRunId, @parentCheckpointId, @now, @config)`);
  const insertData = database.prepare<[number, string, string]>(
    'INSERT INTO run_data (run_id, pairs, held_out) VALUES (?, ?, ?)',
  );
  const contentHashes = database.prepare<[string], ContentHash>(`
    SELECT e.value ->> 0 AS pairId, e.value ->> 1 AS revision, coalesce(r.sha256, p.sha256) AS sha256,
      coalesce(r.id, 0) = e.value ->> 1 AS found, e.value ->> 2 AS swapped
    FROM json_each(?) e LEFT JOIN pairs p ON p.id = e.value ->> 0
      LEFT JOIN reviews r ON r.id = e.value ->> 1 AND r.pair_id = p.id AND r.edit IS NOT NULL
    ORDER BY e.key`);
  const byId = database.prepare<[number], RunRow>(`SELECT ${columns} FROM runs r WHERE r.id = ?`);
  const list = database.prepare<[number, number, number], RunRow>(`
    SELECT ${columns} FROM runs r WHERE r.id > ? AND (r.archived_at IS NOT NULL) = ? ORDER BY r.id LIMIT ?`);
  const count = database.prepare<[], { count: number }>('SELECT count(*) AS count FROM runs WHERE archived_at IS NULL');
  const config = database.prepare<[number], { config: string }>('SELECT config FROM runs WHERE id = ?');
  const data = database.prepare<[number], { pairs: string; heldOut: string }>(
    'SELECT pairs, held_out AS heldOut FROM run_data WHERE run_id = ?',
  );
  const rename = database.prepare<[string, number]>('UPDATE runs SET name = ? WHERE id = ?');
  const setArchived = database.prepare<[number | null, number]>('UPDATE runs SET archived_at = ? WHERE id = ?');

  const hashesOf = (packed: string): string =>
    contentHashes
      .all(packed)
      .map(({ pairId, revision, sha256, found, swapped }) => {
        if (sha256 !== null && found === 1) return `${sha256}${swapped === 1 ? ' swapped' : ''}\n`;
        throw new UserError('not_found', `There is no pair ${pairId} in revision ${revision} in this workspace.`);
      })
      .join('');
  /** Depends on the content and the order of the pairs, not on their numbers: equal in another workspace. */
  const dataHash = (pairs: string, heldOut: string): string =>
    sha256(`${hashesOf(pairs)}held out\n${hashesOf(heldOut)}`);
  const pack = (pairs: readonly SnapshotPair[]): string =>
    JSON.stringify(pairs.map(({ pairId, revision, swapped }) => [pairId, revision, ...(swapped ? [1] : [])]));
  const unpack = (text: string): SnapshotPair[] =>
    (JSON.parse(text) as [number, number, 1?][]).map(([pairId, revision, swapped]) => ({
      ...{ pairId, revision },
      ...(swapped === 1 ? { swapped: true } : {}),
    }));

  return {
    /**
     * Adds a queued run with its immutable snapshot and returns its id.
     * Errors: `invalid_input` naming the field, `not_found` for a pair that is not there.
     */
    add: database.transaction((input: NewRun): number => {
      const run = parseInput(newRunSchema, input, 'Run');
      const [pairs, heldOut] = [pack(run.pairs), pack(run.heldOut)];
      const added = insert.run({
        name: run.name,
        objective: run.config.objective,
        modelFingerprint: run.modelFingerprint,
        codeVersion: run.codeVersion,
        seed: run.config.seed,
        dataSha256: dataHash(pairs, heldOut),
        pairCount: run.pairs.length,
        heldOutCount: run.heldOut.length,
        parentRunId: run.parentRunId,
        parentCheckpointId: run.parentCheckpointId,
        now: now(),
        config: JSON.stringify(run.config),
      });
      const id = Number(added.lastInsertRowid);
      insertData.run(id, pairs, heldOut);
      events.add('run_added', `run/${id}`, { name: run.name });
      return id;
    }),

    /** Errors: `not_found`. */
    get(id: number): RunRow {
      const run = byId.get(id);
      if (run === undefined) throw missingRun(id);
      return run;
    },

    /** Runs in the order they were made. */
    list(request: PageRequest & { archived?: boolean } = {}): Page<RunRow> {
      const { archived = false, ...page } = request;
      const { limit, cursor } = pageRequestSchema.parse(page);
      return pageOf(list.all(idOfCursor(cursor), Number(archived), limit + 1), limit, (row) => row.id);
    },

    /** Number of runs, archived ones left out. */
    count(): number {
      return count.get()?.count ?? 0;
    },

    /** The configuration exactly as the run was made with. Errors: `not_found`. */
    config(id: number): RunConfig {
      const stored = config.get(id);
      if (stored === undefined) throw missingRun(id);
      return JSON.parse(stored.config) as RunConfig;
    },

    /** The pairs of a run in order. Errors: `not_found`. */
    data(id: number): RunData {
      const stored = data.get(id);
      if (stored === undefined) throw missingRun(id);
      return { pairs: unpack(stored.pairs), heldOut: unpack(stored.heldOut) };
    },

    setStatus: status.set,
    pauseInterrupted: status.pauseInterrupted,
    stopped: status.stopped,

    /** Gives a run another name. Errors: `not_found`. */
    rename: database.transaction((id: number, name: string): void => {
      if (rename.run(name, id).changes === 0) throw missingRun(id);
      events.add('run_renamed', `run/${id}`, { name });
    }),

    /** Puts runs away or back; nothing is deleted. */
    setArchived: database.transaction((ids: readonly number[], archived: boolean): void => {
      const at = archived ? now() : null;
      for (const id of ids) setArchived.run(at, id);
      events.add(archived ? 'runs_archived' : 'runs_restored', '', { ids });
    }),
  };
}
