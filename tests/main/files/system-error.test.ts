import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeFolder } from '../../../src/main/files/make-folder.ts';
import { asSystemError } from '../../../src/main/files/system-error.ts';
import { toWireError } from '../../../src/main/engine/protocol/wire-error.ts';
import { UserError } from '../../../src/shared/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'longhand-system-'));
afterAll(() => rmSync(folder, { recursive: true }));

const errorOf = (action: () => unknown): unknown => {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

test('what the system refuses about a path is told as that, in one sentence of bearable length', () => {
  const name = 'n'.repeat(300);
  const told = asSystemError(errorOf(() => readFileSync(join(folder, name))));
  expect(told).toMatchObject({ code: 'invalid_input', place: { file: join(folder, name) } });
  expect((told as UserError).message).toMatch(/n…n+ has a longer name than the disk allows\.$/);
  expect((told as UserError).message.length).toBeLessThan(200);
  writeFileSync(join(folder, 'file'), '');
  const below = asSystemError(errorOf(() => readFileSync(join(folder, 'file', 'x'))));
  expect(below).toMatchObject({ code: 'not_found' });
  expect(toWireError(below)).toMatchObject({ code: 'not_found', stack: null });
});

test('a defect stays one', () => {
  for (const defect of [
    new Error('x'),
    new UserError('conflict', 'x'),
    'x',
    Object.assign(new Error('x'), { code: 'EACCES' }),
  ])
    expect(asSystemError(defect)).toBe(defect);
});

test('folders are made with those above them; a file in the way and a place that takes none are refused', () => {
  makeFolder(join(folder, 'a', 'b', 'c'));
  makeFolder(join(folder, 'a', 'b', 'c'));
  writeFileSync(join(folder, 'a', 'b', 'c', 'd'), '');
  expect(errorOf(() => makeFolder(join(folder, 'a', 'b', 'c', 'd')))).toMatchObject({ code: 'conflict' });
  expect(errorOf(() => makeFolder(join(folder, 'a', 'b', 'c', 'd', 'e')))).toMatchObject({ code: 'not_found' });
});

test.skipIf(process.platform !== 'linux')('a folder under /proc is refused and not tried for ever', () => {
  expect(errorOf(() => makeFolder('/proc/longhand/workspace'))).toBeInstanceOf(UserError);
});
