import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { expect, test } from 'vitest';
import { migrations } from '../../../src/main/workspace/migrations/all.ts';
import { openWorkspace } from '../../../src/main/workspace/workspace.ts';
import { addDocuments, open, temporaryFolder, userError, withPairs } from './fixtures.ts';

test('a new workspace is made only when asked, and opens again with what it holds', () => {
  const folder = join(temporaryFolder(), 'deep', 'work');
  expect(userError(() => openWorkspace(folder)).code).toBe('not_found');
  const first = open(folder);
  withPairs(first);
  first.close();
  const again = open(folder, { create: false });
  expect(again.documents.totals()).toEqual({ documents: 1, bytes: 9 });
  expect(again.pairs.queueCounts().all).toBe(2);
});

test('a folder of something else, an empty folder and a file are refused by name', () => {
  const folder = temporaryFolder();
  expect(userError(() => openWorkspace(folder))).toMatchObject({ code: 'not_found', place: { file: folder } });
  writeFileSync(join(folder, 'letter.txt'), 'x');
  expect(userError(() => openWorkspace(folder, { create: true })).message).toContain('letter.txt');
  expect(readdirSync(folder)).toEqual(['letter.txt']);
  expect(userError(() => openWorkspace(join(folder, 'letter.txt'))).code).toBe('invalid_input');
});

test('a database of another program is left as it is', () => {
  const folder = temporaryFolder();
  const file = join(folder, 'workspace.db');
  new SqliteDatabase(file).exec('PRAGMA application_id = 5; CREATE TABLE t (x)').close();
  const before = readFileSync(file);
  expect(userError(() => openWorkspace(folder)).message).toContain('another program');
  expect(readFileSync(file).equals(before)).toBe(true);
});

test('so is a database without any mark that holds tables already', () => {
  const folder = temporaryFolder();
  const file = join(folder, 'workspace.db');
  new SqliteDatabase(file).exec('CREATE TABLE t (x)').close();
  const before = readFileSync(file);
  for (const options of [{ create: true }, { readOnly: true }]) {
    expect(userError(() => openWorkspace(folder, options)).message).toContain('another program');
  }
  expect(readFileSync(file).equals(before)).toBe(true);
});

test('a workspace of a newer version is refused and untouched, for reading too', () => {
  const folder = temporaryFolder();
  open(folder).close();
  const file = join(folder, 'workspace.db');
  const newer = new SqliteDatabase(file);
  newer.pragma('user_version = 99');
  newer.close();
  const before = readFileSync(file);
  const error = userError(() => openWorkspace(folder, { create: true }));
  expect(error.code).toBe('conflict');
  expect(error.message).toContain('version 99');
  expect(userError(() => openWorkspace(folder, { readOnly: true })).code).toBe('conflict');
  expect(readFileSync(file).equals(before)).toBe(true);
  expect(readdirSync(folder).filter((name) => name === 'lock.json')).toEqual([]);
});

test('a damaged database is reported: header, pages and truncation', () => {
  const folder = temporaryFolder();
  const workspace = open(folder);
  addDocuments(
    workspace,
    Array.from({ length: 200 }, (_, index) => `${index} ${'text '.repeat(300)}`),
  );
  workspace.close();
  const file = join(folder, 'workspace.db');
  const good = readFileSync(file);

  writeFileSync(file, Buffer.concat([Buffer.from('not a database at all'), good.subarray(21)]));
  expect(userError(() => openWorkspace(folder)).message).toContain('damaged');

  const pages = Buffer.from(good);
  pages.fill(0xaa, 40 * 4096, 60 * 4096);
  writeFileSync(file, pages);
  expect(userError(() => openWorkspace(folder))).toMatchObject({ code: 'invalid_input', place: { file } });

  writeFileSync(file, good.subarray(0, 40 * 4096));
  expect(userError(() => openWorkspace(folder)).message).toContain('damaged');

  writeFileSync(file, good);
  expect(open(folder).documents.totals().documents).toBe(200);
});

test('a workspace that may not be written says so', (context) => {
  const folder = temporaryFolder();
  open(folder).close();
  if (process.getuid?.() !== 0) {
    chmodSync(folder, 0o555);
    for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o444);
    expect(userError(() => openWorkspace(folder)).message).toContain('writ');
    chmodSync(folder, 0o755);
    return;
  }
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return context.skip('root ignores permissions, and mounting a read-only file system is not allowed here');
  }
  try {
    open(folder).close();
    execFileSync('mount', ['-o', 'remount,ro', folder], { stdio: 'ignore' });
    const error = userError(() => openWorkspace(folder));
    expect(error.code).toBe('invalid_input');
    expect(error.message).toContain(folder);
  } finally {
    execFileSync('umount', [folder]);
  }
});

test('a full disk is a no_space error and loses nothing that was stored', (context) => {
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return context.skip('mounting a small file system needs root on Linux');
  }
  try {
    const workspace = open(folder);
    addDocuments(workspace, ['kept']);
    const sink = workspace.documents.startImport();
    const error = userError(() => {
      for (let index = 0; index < 100; index++) {
        sink.add({ ...documentOf(`${index} ${'x'.repeat(60_000)}`) });
      }
    });
    expect(error.code).toBe('no_space');
    sink.abort();
    expect(workspace.documents.totals().documents).toBe(1);
    workspace.close();
    expect(open(folder).documents.text(1)).toBe('kept');
  } finally {
    execFileSync('umount', ['-l', folder]);
  }
});

function documentOf(text: string) {
  const size = text.length;
  return {
    title: 't',
    text,
    sourcePath: 't',
    sourceLine: null,
    importer: 'txt',
    bytes: size,
    characters: size,
  } as const;
}

test('each migration of an existing workspace keeps a copy, and a failing one changes nothing', () => {
  const folder = temporaryFolder();
  const old = open(folder);
  addDocuments(old, ['before']);
  old.close();
  const version = migrations.length;
  const second = { version: version + 1, name: 'second', sql: 'CREATE TABLE extra (x INTEGER) STRICT' };
  const broken = { version: version + 2, name: 'broken', sql: 'CREATE TABLE extra2 (x); CREATE TABLE extra (x)' };
  const later = { migrations: [...migrations, second, broken], now: () => Date.UTC(2026, 0, 2, 3, 4, 5) };
  expect(() => openWorkspace(folder, later)).toThrow(/extra/);

  const file = join(folder, 'workspace.db');
  const database = new SqliteDatabase(file);
  expect(database.pragma('user_version', { simple: true })).toBe(version + 1);
  expect(database.prepare("SELECT name FROM sqlite_master WHERE name LIKE 'extra%'").all()).toEqual([
    { name: 'extra' },
  ]);
  database.close();
  expect(userError(() => openWorkspace(folder)).code).toBe('conflict');

  const copies = readdirSync(join(folder, 'backups')).sort();
  expect(copies).toEqual([version, version + 1].map((number) => `workspace-v${number}-20260102T030405Z.db`));
  const restored = temporaryFolder();
  copyFileSync(join(folder, 'backups', copies[0] ?? ''), join(restored, 'workspace.db'));
  expect(open(restored, { create: false }).documents.text(1)).toBe('before');
});

test('rows that others rely on can be neither changed nor deleted', () => {
  const folder = temporaryFolder();
  const workspace = open(folder);
  const { pairIds } = withPairs(workspace);
  workspace.reviews.append({
    pairId: pairIds[0] ?? 0,
    reviewer: 'r',
    verdict: 'both_good',
    blind: true,
    milliseconds: 1,
  });
  workspace.close();
  const database = new SqliteDatabase(join(folder, 'workspace.db'));
  database.pragma('foreign_keys = ON');
  for (const sql of [
    "UPDATE reviews SET verdict = 'both_bad'",
    'DELETE FROM reviews',
    "UPDATE pairs SET chosen = 'x'",
    'DELETE FROM pairs',
    'DELETE FROM documents',
    "UPDATE texts SET text = 'x'",
    'DELETE FROM texts',
    'DELETE FROM events',
  ]) {
    expect(() => database.exec(sql), sql).toThrow();
  }
  database.close();
});

test('reading is possible beside a writer, writing is not', () => {
  const folder = temporaryFolder();
  const writer = open(folder);
  addDocuments(writer, ['one']);
  const reader = open(folder, { readOnly: true, create: false });
  expect(reader.documents.text(1)).toBe('one');
  expect(userError(() => addDocuments(reader, ['two'])).code).toBe('invalid_input');
  addDocuments(writer, ['three']);
  expect(reader.documents.totals().documents).toBe(2);
});

test('a read-only opening never makes a workspace', () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'x'));
  expect(userError(() => openWorkspace(join(folder, 'x'), { create: true, readOnly: true })).code).toBe('not_found');
  expect(readdirSync(join(folder, 'x'))).toEqual([]);
  rmSync(join(folder, 'x'), { recursive: true });
});
