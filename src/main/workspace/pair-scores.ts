import type { PairScore, ScoredModel } from '../../shared/audit/queue.ts';
import type { RepositoryContext } from './events.ts';

/** Log-probabilities of pairs under frozen models, on the short input; the audit uses them where no run has read a pair. */
export function pairScoreRepository({ database }: RepositoryContext) {
  const put = database.prepare<[PairScore & { model: string }]>(`
    INSERT INTO pair_scores (model_fingerprint, pair_id, revision, chosen, rejected)
    VALUES (@model, @pairId, @revision, @chosen, @rejected)
    ON CONFLICT DO UPDATE SET revision = excluded.revision, chosen = excluded.chosen, rejected = excluded.rejected`);
  const ofModel = database.prepare<[string], PairScore>(`
    SELECT pair_id AS pairId, revision, chosen, rejected FROM pair_scores WHERE model_fingerprint = ? ORDER BY pair_id`);
  const models = database.prepare<[], ScoredModel>(`
    SELECT m.fingerprint, m.name FROM models m
    WHERE EXISTS (SELECT 1 FROM pair_scores q WHERE q.model_fingerprint = m.fingerprint) ORDER BY m.name, m.fingerprint`);
  const missing = database.prepare<[string], { pairId: number; revision: number; sampleId: number }>(`
    SELECT s.pair_id AS pairId, s.revision, p.sample_id AS sampleId
    FROM pair_states s JOIN pairs p ON p.id = s.pair_id
      LEFT JOIN pair_scores q ON q.model_fingerprint = ? AND q.pair_id = s.pair_id AND q.revision = s.revision
    WHERE s.archived_at IS NULL AND q.pair_id IS NULL ORDER BY s.pair_id`);

  return {
    /** Models under which pairs were scored, by name. */
    models(): readonly ScoredModel[] {
      return models.all();
    },

    /** Stores scores, all or nothing, in the place of a pair's earlier ones. Only finite numbers are taken. */
    put: database.transaction((model: string, rows: readonly PairScore[]): void => {
      for (const row of rows) {
        if (![row.chosen, row.rejected].every(Number.isFinite))
          throw new Error(`a log-probability of pair ${row.pairId} is not finite`);
        put.run({ ...row, model });
      }
    }),

    /** The pairs without a score of their present texts, those of one sample side by side; archived ones are left out. */
    missing(
      model: string,
    ): readonly { readonly pairId: number; readonly revision: number; readonly sampleId: number }[] {
      return missing.all(model);
    },

    ofModel(model: string): readonly PairScore[] {
      return ofModel.all(model);
    },
  };
}
