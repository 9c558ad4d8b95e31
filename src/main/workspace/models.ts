import type { RepositoryContext } from './events.ts';

/** A model that the workspace has used: where it lies and what it is. Its weights stay where they are. */
export interface ModelRow {
  readonly fingerprint: string;
  readonly name: string;
  readonly path: string;
  /** Architecture, sizes and the like, as the model reader describes them. */
  readonly info: unknown;
  readonly addedAt: number;
}

/** Models by fingerprint. */
export function modelRepository({ database, now, events }: RepositoryContext) {
  type Stored = Omit<ModelRow, 'info'> & { readonly info: string };
  const columns = 'fingerprint, name, path, info, added_at AS addedAt';
  const upsert = database.prepare<[string, string, string, string, number]>(`
    INSERT INTO models (fingerprint, name, path, info, added_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (fingerprint) DO UPDATE SET name = excluded.name, path = excluded.path, info = excluded.info`);
  const byFingerprint = database.prepare<[string], Stored>(`SELECT ${columns} FROM models WHERE fingerprint = ?`);
  const all = database.prepare<[], Stored>(`SELECT ${columns} FROM models ORDER BY added_at, fingerprint`);
  const toRow = (stored: Stored): ModelRow => ({ ...stored, info: JSON.parse(stored.info) as unknown });

  return {
    /** Adds a model, or notes its new name, place and description. */
    put: database.transaction((model: Omit<ModelRow, 'addedAt'>): void => {
      upsert.run(model.fingerprint, model.name, model.path, JSON.stringify(model.info), now());
      events.add('model_added', `model/${model.fingerprint}`, { name: model.name, path: model.path });
    }),

    get(fingerprint: string): ModelRow | undefined {
      const stored = byFingerprint.get(fingerprint);
      return stored === undefined ? undefined : toRow(stored);
    },

    /** All models, oldest first (a handful). */
    list(): readonly ModelRow[] {
      return all.all().map(toRow);
    },
  };
}
