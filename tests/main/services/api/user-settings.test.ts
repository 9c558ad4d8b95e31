import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { UserSettings } from '../../../../src/main/services/api/user-settings.ts';

let folder = '';
let file = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longhand-settings-'));
  file = join(folder, 'new', 'settings.json');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('keeps values across starts, in a folder that it makes', async () => {
  const settings = new UserSettings(file);
  expect(settings.all()).toEqual({});
  await Promise.all([settings.set('reviewer', 'Ada'), settings.set('keymap', { 'pairs.skip': 'x' })]);
  expect(new UserSettings(file).all()).toEqual({ reviewer: 'Ada', keymap: { 'pairs.skip': 'x' } });
});

it('a damaged file counts as empty and is replaced by the next change', async () => {
  await new UserSettings(file).set('reviewer', 'Ada');
  writeFileSync(file, '{"reviewer": ');
  const settings = new UserSettings(file);
  expect(settings.all()).toEqual({});
  await settings.set('reviewer', 'Bo');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ reviewer: 'Bo' });
});

it('refuses to grow without end and keeps what it had', async () => {
  const settings = new UserSettings(file);
  await settings.set('reviewer', 'Ada');
  await expect(settings.set('much', 'x'.repeat(1024 * 1024))).rejects.toMatchObject({ code: 'invalid_input' });
  expect(new UserSettings(file).all()).toEqual({ reviewer: 'Ada' });
});
