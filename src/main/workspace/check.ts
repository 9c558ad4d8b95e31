import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckReport } from '../../shared/workspace-care.ts';
import { sha256 } from './content-hash.ts';
import type { Database } from './database.ts';

/** Problems that are named; more of them are counted. */
const named = 20;

/**
 * Looks through the whole workspace: pages and indexes of the database, references between rows, each text against its
 * SHA-256, and whether the files of checkpoints are there. Ends a turn of main's thread after each step, by `yield`.
 */
export function* checkWorkspace(folder: string, database: Database): Generator<undefined, CheckReport> {
  const problems: string[] = [];
  for (const row of database.pragma(`integrity_check(${named})`) as { readonly integrity_check: string }[]) {
    if (row.integrity_check !== 'ok') problems.push(`database: ${row.integrity_check}`);
  }
  yield;
  const references = database.pragma('foreign_key_check') as {
    readonly table: string;
    readonly rowid: number;
    readonly parent: string;
  }[];
  for (const { table, rowid, parent } of references)
    problems.push(`${table} ${rowid} names a row of ${parent} that is not there`);
  yield;
  let texts = 0;
  const next = database.prepare<[number], { id: number; sha256: string; text: string }>(
    'SELECT id, sha256, text FROM texts WHERE id > ? ORDER BY id LIMIT 1',
  );
  for (let row = next.get(0); row !== undefined; row = next.get(row.id)) {
    texts += 1;
    if (sha256(row.text) !== row.sha256) problems.push(`the text ${row.id} is not what its SHA-256 says`);
    yield;
  }
  const checkpoints = database
    .prepare<[], { id: number; path: string }>('SELECT id, path FROM checkpoints WHERE removed_at IS NULL')
    .all();
  for (const { id, path } of checkpoints) {
    if (!existsSync(join(folder, path))) problems.push(`the files of checkpoint ${id} are missing: ${path}`);
  }
  const pages = database.pragma('page_count', { simple: true }) as number;
  const shown = problems.slice(0, named);
  if (problems.length > named) shown.push(`and ${problems.length - named} more`);
  return { ok: problems.length === 0, checked: { pages, texts, checkpoints: checkpoints.length }, problems: shown };
}
