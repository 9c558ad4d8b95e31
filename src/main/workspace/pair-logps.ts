import type { PairLogps } from '../../shared/runs.ts';
import type { RepositoryContext } from './events.ts';

/** The latest log-probabilities that a run has of each of its pairs; the audit finds suspicious labels by them. */
export function pairLogpRepository({ database }: RepositoryContext) {
  const put = database.prepare<[PairLogps & { runId: number }]>(`
    INSERT INTO pair_logps (run_id, pair_id, step, policy_chosen, policy_rejected, reference_chosen, reference_rejected)
    VALUES (@runId, @pairId, @step, @policyChosen, @policyRejected, @referenceChosen, @referenceRejected)
    ON CONFLICT DO UPDATE SET step = excluded.step, policy_chosen = excluded.policy_chosen,
      policy_rejected = excluded.policy_rejected, reference_chosen = excluded.reference_chosen,
      reference_rejected = excluded.reference_rejected`);
  const ofRun = database.prepare<[number], PairLogps>(`
    SELECT pair_id AS pairId, step, policy_chosen AS policyChosen, policy_rejected AS policyRejected,
      reference_chosen AS referenceChosen, reference_rejected AS referenceRejected
    FROM pair_logps WHERE run_id = ? ORDER BY pair_id`);
  const runs = database.prepare<[], { id: number; name: string }>(`
    SELECT id, name FROM runs r WHERE EXISTS (SELECT 1 FROM pair_logps l WHERE l.run_id = r.id) ORDER BY id DESC`);

  return {
    /** Runs that have values, newest first. */
    runs(): readonly { readonly id: number; readonly name: string }[] {
      return runs.all();
    },

    /**
     * Stores values, all or nothing, in the place of a pair's earlier ones in the run. For a pair whose answers the run
     * exchanged (`swapped`), chosen and rejected are those of the pair, not of the run. Only finite numbers are taken.
     */
    put: database.transaction((runId: number, rows: readonly PairLogps[]): void => {
      for (const row of rows) {
        const { policyChosen, policyRejected, referenceChosen, referenceRejected } = row;
        const values = [policyChosen, policyRejected, referenceChosen, referenceRejected];
        if (!values.every(Number.isFinite)) throw new Error(`a log-probability of pair ${row.pairId} is not finite`);
        put.run({ ...row, runId });
      }
    }),

    ofRun(runId: number): readonly PairLogps[] {
      return ofRun.all(runId);
    },
  };
}
