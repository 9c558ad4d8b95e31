import { UserError } from '../../shared/errors.ts';
import type { CheckpointRow } from '../../shared/runs.ts';
import type { RepositoryContext } from './events.ts';

/** Checkpoints of runs. The files are the trainer's; the rows stay when the files are thinned out. */
export function checkpointRepository({ database, now, events }: RepositoryContext) {
  type Stored = Omit<CheckpointRow, 'pinned'> & { readonly pinned: number };
  const columns = `id, run_id AS runId, step, path, bytes, pinned, created_at AS createdAt, removed_at AS removedAt`;
  const insert = database.prepare<[number, number, string, number, number]>(
    'INSERT INTO checkpoints (run_id, step, path, bytes, created_at) VALUES (?, ?, ?, ?, ?)',
  );
  const byId = database.prepare<[number], Stored>(`SELECT ${columns} FROM checkpoints WHERE id = ?`);
  const ofRun = database.prepare<[number], Stored>(`SELECT ${columns} FROM checkpoints WHERE run_id = ? ORDER BY id`);
  const pin = database.prepare<[number, number]>('UPDATE checkpoints SET pinned = ? WHERE id = ?');
  const remove = database.prepare<[number, number]>(
    'UPDATE checkpoints SET removed_at = ? WHERE id = ? AND removed_at IS NULL',
  );
  const removeAtStep = database.prepare<[number, number, number]>(
    'UPDATE checkpoints SET removed_at = ? WHERE run_id = ? AND step = ? AND removed_at IS NULL',
  );
  const toRow = (stored: Stored): CheckpointRow => ({ ...stored, pinned: stored.pinned === 1 });
  const missing = (id: number) => new UserError('not_found', `There is no checkpoint ${id} in this workspace.`);

  return {
    /** Notes a finished checkpoint; one at the same step of the run (before a resume) counts as removed by it. */
    add: database.transaction((checkpoint: Pick<CheckpointRow, 'runId' | 'step' | 'path' | 'bytes'>): number => {
      const { runId, step, path, bytes } = checkpoint;
      removeAtStep.run(now(), runId, step);
      const id = Number(insert.run(runId, step, path, bytes, now()).lastInsertRowid);
      events.add('checkpoint_added', `run/${runId}`, { checkpoint: id, step });
      return id;
    }),

    /** Errors: `not_found`. */
    get(id: number): CheckpointRow {
      const stored = byId.get(id);
      if (stored === undefined) throw missing(id);
      return toRow(stored);
    },

    /** All checkpoints of a run, removed ones too, oldest first. */
    ofRun(runId: number): readonly CheckpointRow[] {
      return ofRun.all(runId).map(toRow);
    },

    /** Keeps a checkpoint from being thinned out, or no longer. Errors: `not_found`. */
    setPinned(id: number, pinned: boolean): void {
      if (pin.run(Number(pinned), id).changes === 0) throw missing(id);
    },

    /** The checkpoints to thin out so that the `keep` latest ones and the pinned ones stay. */
    surplus(runId: number, keep: number): readonly CheckpointRow[] {
      const present = ofRun.all(runId).filter((row) => row.removedAt === null);
      const loose = present.filter((row) => row.pinned === 0).sort((a, b) => b.step - a.step);
      return loose.slice(keep).map(toRow);
    },

    /** Notes that a checkpoint's files are gone. */
    setRemoved: database.transaction((id: number): void => {
      const stored = byId.get(id);
      if (stored === undefined) throw missing(id);
      if (remove.run(now(), id).changes === 0) return;
      events.add('checkpoint_removed', `run/${stored.runId}`, { checkpoint: id, step: stored.step });
    }),
  };
}
