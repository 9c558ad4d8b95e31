import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findChromium } from '../../scripts/chromium.ts';

describe.skipIf(process.platform === 'win32')('findChromium', () => {
  const folder = mkdtempSync(join(tmpdir(), 'longhand-chromium-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const chrome = join(folder, 'google-chrome');
  writeFileSync(chrome, '#!/bin/sh\n', { mode: 0o755 });
  const text = join(folder, 'chromium');
  writeFileSync(text, 'not a program', { mode: 0o644 });

  it('takes the first program of the PATH, not a file that cannot be run', () => {
    expect(findChromium({ PATH: `/nowhere:${folder}` })).toBe(chrome);
  });

  it('prefers CHROMIUM_PATH, and refuses one that is no program', () => {
    expect(findChromium({ PATH: '', CHROMIUM_PATH: chrome })).toBe(chrome);
    expect(() => findChromium({ PATH: folder, CHROMIUM_PATH: text })).toThrow(/not a program/);
  });
});
