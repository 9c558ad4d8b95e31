import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { applicationFolder } from '../../../src/main/files/application-folder.ts';

it('is found from any depth, past folders that only look like it, and missed in words', () => {
  const folder = mkdtempSync(join(tmpdir(), 'longhand-place-'));
  try {
    mkdirSync(join(folder, 'resources', 'demo'), { recursive: true });
    mkdirSync(join(folder, 'out', 'main', 'chunks'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{}');
    writeFileSync(join(folder, 'out', 'package.json'), '{}');
    expect(applicationFolder(join(folder, 'out', 'main', 'chunks'))).toBe(folder);
    expect(applicationFolder(folder)).toBe(folder);
    expect(() => applicationFolder(tmpdir())).toThrow('is not inside');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
