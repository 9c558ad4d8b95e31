import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Session } from '../../../../src/main/services/api/session.ts';
import { foundWhole } from '../../../../src/main/workspace/opening-check.ts';
import { addDocuments, addPairs } from '../../workspace/sample-texts.ts';
import { testSession } from './test-session.ts';
import type { Call } from './test-session.ts';

let folder = '';
let session: Session;
let call: Call;
let settled: ReturnType<typeof testSession>['settled'];
const workspaceFolder = (): string => session.context.workspace.folder;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'longhand care '));
  ({ session, call, settled } = testSession([folder], join(folder, 'settings')));
  await call('workspaces.open', { folder: join(folder, 'ws'), create: true });
});

afterEach(async () => {
  await session.closeWorkspace();
  rmSync(folder, { recursive: true, force: true });
});

test('a workspace goes back to a copy while it is open; what was there is kept, and it is open again', async () => {
  addPairs(session.context, 2);
  const made = await settled((await call('workspaces.backUp', {})).jobId);
  expect(made).toMatchObject({ status: 'finished', result: { kind: 'manual' } });
  addPairs(session.context, 3);
  expect(await call('workspaces.current', {})).toMatchObject({ documents: 3, pairs: 6 });
  const backups = await call('workspaces.backups', {});
  const manual = backups.find(({ kind }) => kind === 'manual');
  if (manual === undefined) throw new Error('there is no copy');

  const before = session.context.workspace.folder;
  const report = await call('workspaces.restore', { name: manual.name });
  expect(report.restored).toBe(manual.path);
  expect(await call('workspaces.current', {})).toMatchObject({ folder: before, documents: 2, pairs: 4 });
  // Written to as before, and the former database is whole.
  addPairs(session.context, 3);
  expect(await call('workspaces.current', {})).toMatchObject({ documents: 3 });
  if (report.kept === null) throw new Error('nothing was kept');
  expect(statSync(report.kept).size).toBeGreaterThan(0);
  expect(await settled((await call('workspaces.check', {})).jobId)).toMatchObject({ result: { ok: true } });

  await expect(call('workspaces.restore', { name: 'workspace-manual-20200101T000000Z.db' })).rejects.toMatchObject({
    code: 'not_found',
  });
  expect(await call('workspaces.current', {})).toMatchObject({ documents: 3 });
});

test('compacting gives back the room, tells how much, and the workspace is open again with the same rows', async () => {
  addPairs(session.context, 2);
  const gap = new SqliteDatabase(join(workspaceFolder(), 'workspace.db'));
  gap.exec('CREATE TABLE gap (x)');
  gap.prepare('INSERT INTO gap VALUES (?)').run('z'.repeat(3_000_000));
  gap.exec('DROP TABLE gap');
  gap.close();
  const before = await call('workspaces.current', {});
  const report = await call('workspaces.compact', {});
  expect(report.bytesAfter).toBe(statSync(join(workspaceFolder(), 'workspace.db')).size);
  expect(report.bytesBefore - report.bytesAfter).toBeGreaterThan(2_900_000);
  expect(await call('workspaces.current', {})).toEqual(before);
  expect(session.context.workspace.documents.text(1)).toContain('The ship 0');
  expect(readdirSync(workspaceFolder()).filter((name) => name.includes('compact'))).toEqual([]);
});

test('main itself runs none of the statements that take seconds, and calls wait while the workspace is closed', async () => {
  addPairs(session.context, 3);
  const prepare = vi.spyOn(SqliteDatabase.prototype, 'prepare');
  const pragma = vi.spyOn(SqliteDatabase.prototype, 'pragma');
  try {
    const current = await call('workspaces.current', {});
    const compacting = call('workspaces.compact', {});
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(session.open).toBe(false);
    expect(await call('workspaces.current', {})).toEqual(current);
    await compacting;
    await settled((await call('workspaces.backUp', {})).jobId);
    const restoring = call('workspaces.restore', {});
    expect(await call('workspaces.current', {})).toEqual(current);
    await restoring;
    expect(await settled((await call('workspaces.check', {})).jobId)).toMatchObject({ result: { ok: true } });
    const path = join(folder, 'set.jsonl');
    await settled((await call('bundles.export', { path })).jobId);
    const away = join(folder, 'away');
    const opened = await settled((await call('bundles.open', { path, folder: away })).jobId);
    expect(opened).toMatchObject({ status: 'finished', result: { folder: away, pairs: 6, created: true } });
    expect(opened.progress).toMatchObject({ phase: 'open', done: 6, total: 6, unit: 'pairs' });
    const ran = [prepare, pragma].flatMap(({ mock }) => mock.calls.map(([sql]) => sql));
    expect(ran.length).toBeGreaterThan(10);
    expect(ran.filter((sql) => /vacuum|integrity_check|foreign_key_check/i.test(sql))).toEqual([]);
    const files = prepare.mock.contexts.map((database) => (database as SqliteDatabase.Database).name);
    expect(files.filter((file) => file.startsWith(away))).toEqual([]);
  } finally {
    prepare.mockRestore();
    pragma.mockRestore();
  }
  expect(await call('workspaces.open', { folder: join(folder, 'away') })).toMatchObject({ pairs: 6 });
});

test('opening a bundle is stopped in its process, and what came of the folder can be filled by a second try', async () => {
  addPairs(session.context, 3);
  const path = join(folder, 'set.jsonl');
  await settled((await call('bundles.export', { path })).jobId);
  const { jobId } = await call('bundles.open', { path, folder: join(folder, 'away') });
  await call('jobs.cancel', { id: jobId });
  expect(await settled(jobId)).toMatchObject({ status: 'cancelled' });
  const again = await settled((await call('bundles.open', { path, folder: join(folder, 'away') })).jobId);
  expect(again).toMatchObject({ status: 'finished', result: { pairs: 6 } });
  const foreign = await settled((await call('bundles.open', { path: join(folder, 'no.jsonl'), folder })).jobId);
  expect(foreign).toMatchObject({ status: 'failed', error: { code: 'not_found' } });
});

test('neither is done while a job runs, and the workspace stays open', async () => {
  let end = (): void => undefined;
  session.jobs.start({
    ...{ kind: 'export', title: 'A long one', beside: true },
    run: () => new Promise<void>((resolve) => (end = resolve)),
  });
  const busy = { code: 'conflict', message: expect.stringContaining('"A long one" is still running') as string };
  await expect(call('workspaces.compact', {})).rejects.toMatchObject(busy);
  await expect(call('workspaces.restore', {})).rejects.toMatchObject(busy);
  expect(await call('workspaces.current', {})).not.toBeNull();
  end();
});

test('a damaged workspace cannot be opened; its copies are listed and one is put back without opening it', async () => {
  addPairs(session.context, 2);
  await settled((await call('workspaces.backUp', {})).jobId);
  const damaged = workspaceFolder();
  await call('workspaces.close', {});
  truncateSync(join(damaged, 'workspace.db'), 6000);
  await expect(call('workspaces.open', { folder: damaged })).rejects.toMatchObject({
    code: 'invalid_input',
    place: { file: join(damaged, 'workspace.db') },
  });
  const copies = await call('workspaces.backups', { folder: damaged });
  expect(copies.map(({ kind }) => kind)).toContain('manual');
  const { kept } = await call('workspaces.restore', { folder: damaged, name: copies[0]?.name });
  expect(existsSync(kept ?? '')).toBe(true);
  expect(await call('workspaces.current', {})).toBeNull();
  expect(await call('workspaces.open', { folder: damaged })).toMatchObject({ pairs: 4 });
});

test('a large workspace is checked in a thread of its own before it opens; a damaged one is still refused', async () => {
  const folder = workspaceFolder();
  const file = join(folder, 'workspace.db');
  const long = 'A long text of a large workspace. '.repeat(40_000);
  addDocuments(
    session.context.workspace,
    Array.from({ length: 16 }, (_, i) => `${i} ${long}`),
  );
  await call('workspaces.close', {});
  expect(statSync(file).size).toBeGreaterThan(17 * 1024 * 1024);
  expect(await foundWhole(folder, file, 'lock.json')).toBe(true);
  expect(await call('workspaces.open', { folder })).toMatchObject({ documents: 16 });
  await call('workspaces.close', {});

  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Buffer.alloc(4096, 0xaa), 0, 4096, 8 * 4096);
  closeSync(descriptor);
  expect(await foundWhole(folder, file, 'lock.json')).toBe(false);
  await expect(call('workspaces.open', { folder })).rejects.toMatchObject({
    message: expect.stringContaining('is damaged') as string,
  });
  expect(await foundWhole(join(folder, 'none'), join(folder, 'none', 'workspace.db'), 'lock.json')).toBe(false);
});

test('a copy that is damaged itself is refused; the database stays as it is and is open again', async () => {
  addPairs(session.context, 2);
  await settled((await call('workspaces.backUp', {})).jobId);
  const [copy] = await call('workspaces.backups', {});
  if (copy === undefined) throw new Error('there is no copy');
  writeFileSync(copy.path, 'no database at all, but a text of some length that is not one of SQLite');
  await expect(call('workspaces.restore', { name: copy.name })).rejects.toThrow();
  expect(await call('workspaces.current', {})).toMatchObject({ pairs: 4 });
});

test('care and export stay inside the granted folders', async () => {
  const outside = { code: 'invalid_input', message: expect.stringContaining('outside the folders') as string };
  const foreign = tmpdir();
  await expect(call('workspaces.backups', { folder: foreign })).rejects.toMatchObject(outside);
  await expect(call('workspaces.restore', { folder: foreign })).rejects.toMatchObject(outside);
  await expect(call('workspaces.exportAll', { folder: foreign })).rejects.toMatchObject(outside);
});
