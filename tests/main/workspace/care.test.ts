import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openContext } from '../../../src/main/services/context.ts';
import { checkAll, compactWorkspace, exportAll, restoreWorkspace } from '../../../src/main/services/workspace-care.ts';
import { openWorkspace } from '../../../src/main/workspace/workspace.ts';
import { addDocuments, temporaryFolder, userError } from './fixtures.ts';
import { addPairs } from './sample-texts.ts';

const hour = 60 * 60 * 1000;
const start = Date.UTC(2026, 0, 1);

function made(texts: readonly string[] = ['one']): string {
  const folder = temporaryFolder();
  const workspace = openWorkspace(folder, { create: true, now: () => start });
  addDocuments(workspace, texts);
  workspace.close();
  return folder;
}

const backups = (folder: string): string[] =>
  existsSync(join(folder, 'backups')) ? readdirSync(join(folder, 'backups')).sort() : [];

async function openedAt(folder: string, now: number): Promise<void> {
  await openContext(folder, { now: () => now }).close();
}

test('a backup a day at opening, five of them are kept', async () => {
  const folder = made();
  await openedAt(folder, start);
  expect(backups(folder)).toEqual(['workspace-auto-20260101T000000Z.db']);
  await openedAt(folder, start + 23 * hour);
  expect(backups(folder)).toHaveLength(1);
  for (let days = 1; days <= 7; days += 1) await openedAt(folder, start + days * 25 * hour);
  const kept = backups(folder);
  expect(kept).toHaveLength(5);
  expect(kept[0]).toBe('workspace-auto-20260104T030000Z.db');
  // A clock that was set back by months: the copies from the future do not stand in the way.
  await openedAt(folder, start - 90 * 24 * hour);
  expect(openWorkspace(folder, { readOnly: true }).backups().length).toBe(5);
});

test('a copy is made while the workspace is written to, and holds what was stored before it began', async () => {
  const folder = made(Array.from({ length: 300 }, (_, i) => `${i} ${'x'.repeat(20_000)}`));
  const workspace = openWorkspace(folder);
  addDocuments(workspace, ['before']);
  const copying = workspace.backUp('manual');
  addDocuments(workspace, ['meanwhile']);
  const backup = await copying;
  expect(backup.kind).toBe('manual');
  expect(backup.bytes).toBeGreaterThan(6_000_000);
  const copy = new SqliteDatabase(backup.path, { readonly: true });
  expect(copy.pragma('integrity_check', { simple: true })).toBe('ok');
  expect(copy.prepare("SELECT count(*) AS n FROM texts WHERE text = 'before'").get()).toEqual({ n: 1 });
  copy.close();
  const stop = new AbortController();
  stop.abort();
  await expect(workspace.backUp('automatic', stop.signal)).rejects.toMatchObject({ code: 'cancelled' });
  expect(backups(folder)).toEqual([backup.name]);
  workspace.close();
});

test('a damaged page is found at opening, the backup is named, and restoring it keeps the damaged file', async () => {
  const folder = made(Array.from({ length: 100 }, (_, i) => `${i} ${'text '.repeat(300)}`));
  await openedAt(folder, start);
  const file = join(folder, 'workspace.db');
  const broken = readFileSync(file);
  broken.fill(0xaa, 20 * 4096, 22 * 4096);
  writeFileSync(file, broken);
  const error = userError(() => openWorkspace(folder));
  expect(error.code).toBe('invalid_input');
  expect(error.message).toContain('damaged');
  expect(error.hint).toContain('workspace-auto-20260101T000000Z.db');
  expect(error.hint).toContain('longhand workspace restore');

  expect(userError(() => restoreWorkspace(folder, 'workspace-auto-1.db')).code).toBe('not_found');
  const { kept } = restoreWorkspace(folder, undefined, () => start);
  expect(readFileSync(kept ?? '').equals(broken)).toBe(true);
  const workspace = openWorkspace(folder);
  expect(workspace.documents.totals().documents).toBe(100);
  workspace.close();
});

test('the check finds a changed text, a missing row and missing files; a whole workspace passes', async () => {
  const folder = made();
  const workspace = openWorkspace(folder);
  addPairs({ workspace }, 3);
  expect(await checkAll({ workspace })).toMatchObject({ ok: true, checked: { texts: 4 }, problems: [] });
  workspace.close();

  const database = new SqliteDatabase(join(folder, 'workspace.db'));
  database.pragma('foreign_keys = OFF');
  const triggers = database
    .prepare<[], { name: string }>("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    .all();
  for (const { name } of triggers) database.exec(`DROP TRIGGER "${name}"`);
  database.exec("UPDATE texts SET text = 'two' WHERE id = 1; DELETE FROM chunks WHERE id = 1");
  database.close();
  const damaged = openWorkspace(folder);
  const { ok, problems } = await checkAll({ workspace: damaged });
  expect(ok).toBe(false);
  expect(problems.join('\n')).toMatch(/names a row of chunks that is not there/);
  expect(problems.join('\n')).toMatch(/the text 1 is not what its SHA-256 says/);
  damaged.close();
});

test('compacting gives room back and changes no row; an open workspace is refused', () => {
  const folder = made(['kept']);
  const workspace = openWorkspace(folder);
  const sink = workspace.documents.startImport();
  for (let i = 0; i < 50; i += 1) {
    const text = `${i} ${'y'.repeat(50_000)}`;
    sink.add({
      title: 't',
      text,
      sourcePath: 't',
      sourceLine: null,
      importer: 'txt',
      bytes: text.length,
      characters: text.length,
    });
  }
  sink.abort();
  expect(userError(() => compactWorkspace(folder)).code).toBe('conflict');
  workspace.close();
  const grown = new SqliteDatabase(join(folder, 'workspace.db'));
  grown.exec('CREATE TABLE gap (x)');
  grown.prepare('INSERT INTO gap VALUES (?)').run('z'.repeat(3_000_000));
  grown.exec('DROP TABLE gap');
  grown.close();

  const { bytesBefore, bytesAfter } = compactWorkspace(folder);
  expect(bytesBefore - bytesAfter).toBeGreaterThan(2_900_000);
  expect(statSync(join(folder, 'workspace.db')).size).toBe(bytesAfter);
  expect(readdirSync(folder).filter((name) => name.includes('compact') || name.endsWith('-wal'))).toEqual([]);
  const again = openWorkspace(folder);
  expect(again.documents.text(1)).toBe('kept');
  again.close();
});

test('everything is written in open formats; a folder that holds something is refused', async () => {
  const folder = made();
  const context = openContext(folder);
  addPairs(context, 2);
  const target = join(temporaryFolder(), 'out');
  const report = await exportAll(context, { folder: target });
  expect(report.files.map(({ name, rows }) => [name, rows])).toEqual([
    ['documents.jsonl', 3],
    ['pairs.jsonl', 2],
    ['events.jsonl', expect.any(Number)],
  ]);
  const [first] = readFileSync(join(target, 'documents.jsonl'), 'utf8').split('\n');
  expect(JSON.parse(first ?? '')).toMatchObject({ id: 1, text: 'one' });
  expect(JSON.parse(readFileSync(join(target, 'contents.json'), 'utf8'))).toMatchObject({ leftOut: [] });
  await expect(exportAll(context, { folder: target })).rejects.toMatchObject({ code: 'conflict' });
  await context.close();
});
