import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { expect, test } from 'vitest';
import { applicationId } from '../../../src/main/workspace/database.ts';
import { migrations } from '../../../src/main/workspace/migrations/all.ts';
import { open, temporaryFolder } from './fixtures.ts';

test.each(migrations.slice(0, -1).map(({ version }) => version))(
  'a workspace of version %d is brought up to date, with what it holds and a copy of how it was',
  (version) => {
    const folder = temporaryFolder();
    const old = new SqliteDatabase(join(folder, 'workspace.db'));
    for (const { sql } of migrations.slice(0, version)) old.exec(sql);
    old.pragma(`application_id = ${applicationId}`);
    old.pragma(`user_version = ${version}`);
    const hash = createHash('sha256').update('kept').digest('hex');
    old.prepare('INSERT INTO texts (sha256, text) VALUES (?, ?)').run(hash, 'kept');
    old
      .prepare(
        `INSERT INTO documents (sha256, title, source_path, source_line, importer, bytes, characters, imported_at)
         VALUES (?, 't', 't.txt', NULL, 'txt', 4, 4, 1)`,
      )
      .run(hash);
    old.close();

    const workspace = open(folder, { create: false });
    expect(workspace.documents.text(1)).toBe('kept');
    const steps = workspace.check();
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done !== true) continue;
      expect(step.value).toMatchObject({ ok: true, problems: [] });
      break;
    }
    const copies = readdirSync(join(folder, 'backups'));
    expect(copies.some((name) => name.startsWith(`workspace-v${version}-`))).toBe(true);
    expect(workspace.backups().every(({ kind }) => kind === 'migration')).toBe(true);
  },
);
