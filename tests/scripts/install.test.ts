import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installationFault } from '../../scripts/install.mjs';

const root = join(import.meta.dirname, '../..');

describe('installationFault', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'longhand-install-'));
    cpSync(join(root, 'package-lock.json'), join(folder, 'package-lock.json'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const stamp = (text: string) => {
    mkdirSync(join(folder, 'node_modules'));
    writeFileSync(join(folder, 'node_modules/.package-lock.json'), text);
  };
  const installed = () => readFileSync(join(root, 'node_modules/.package-lock.json'), 'utf8');

  it('finds nothing wrong with what npm installed', () => {
    stamp(installed());
    expect(installationFault(folder)).toBeUndefined();
  });

  it('notices an empty checkout', () => {
    expect(installationFault(folder)).toContain('nothing is installed');
  });

  it('notices another version, and a missing package', () => {
    const text = installed();
    stamp(text.replace(/("node_modules\/zod": \{\s+"version": ")[^"]+/, '$10.0.1'));
    expect(installationFault(folder)).toMatch(/^node_modules\/zod is 0\.0\.1, package-lock\.json says /);
    rmSync(join(folder, 'node_modules'), { recursive: true });
    stamp(text.replace('"node_modules/zod"', '"node_modules/other"'));
    expect(installationFault(folder)).toMatch(/^node_modules\/zod is missing/);
  });
});

describe('package-lock.json', () => {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');

  it('names no registry: packages come from whichever the machine is set to', () => {
    expect(lock).not.toContain('"resolved"');
    expect(lock).not.toMatch(/registry\.|\.tgz/);
  });

  it('pins every package by its content', () => {
    const { packages } = JSON.parse(lock) as { packages: Record<string, { integrity?: string; inBundle?: boolean }> };
    const loose = Object.entries(packages).filter(
      ([path, entry]) => path !== '' && entry.integrity === undefined && entry.inBundle !== true,
    );
    expect(loose.map(([path]) => path)).toEqual([]);
  });

  it('has the versions that Node 24 needs, which npm under Node 20 would not choose by itself', () => {
    const { packages } = JSON.parse(lock) as { packages: Record<string, { version: string }> };
    const major = (name: string) => Number(packages[`node_modules/${name}`]?.version.split('.')[0]);
    expect(major('node')).toBe(24);
    expect(major('@types/node')).toBe(24);
    expect(major('better-sqlite3')).toBeGreaterThanOrEqual(13);
    expect(major('commander')).toBeGreaterThanOrEqual(15);
    expect(major('vitest')).toBeGreaterThanOrEqual(5);
  });
});
