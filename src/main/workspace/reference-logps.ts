import type { RepositoryContext } from './events.ts';

/** What fixes a reference score: the frozen model, its RoPE settings and the exact token texts. */
export interface ReferenceKey {
  readonly modelFingerprint: string;
  /** The reference's RoPE settings in a fixed spelling. */
  readonly rope: string;
  /** SHA-256 over everything that is scored (template, prompts, answers). */
  readonly textSha256: string;
}

/** Summed log-probabilities of the answers, one number a turn, in nats. */
export interface ReferenceLogps {
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
}

/** Reference log-probabilities, scored once and never again for the same key. */
export function referenceLogpRepository({ database }: RepositoryContext) {
  const insert = database.prepare<[string, string, string, string, string]>(`
    INSERT INTO reference_logps (model_fingerprint, rope, text_sha256, chosen, rejected) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING`);
  const find = database.prepare<[string, string, string], { chosen: string; rejected: string }>(
    'SELECT chosen, rejected FROM reference_logps WHERE model_fingerprint = ? AND rope = ? AND text_sha256 = ?',
  );

  return {
    /** Stores scores, all or nothing; a key that is there keeps its first value. Only finite numbers are taken. */
    put: database.transaction((rows: readonly (ReferenceKey & ReferenceLogps)[]): void => {
      for (const { modelFingerprint, rope, textSha256, chosen, rejected } of rows) {
        if (![...chosen, ...rejected].every(Number.isFinite))
          throw new Error('a reference log-probability is not finite');
        insert.run(modelFingerprint, rope, textSha256, JSON.stringify(chosen), JSON.stringify(rejected));
      }
    }),

    get({ modelFingerprint, rope, textSha256 }: ReferenceKey): ReferenceLogps | undefined {
      const found = find.get(modelFingerprint, rope, textSha256);
      if (found === undefined) return undefined;
      return { chosen: JSON.parse(found.chosen) as number[], rejected: JSON.parse(found.rejected) as number[] };
    },
  };
}
