import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundledFolders, packageFolderOf } from '../../scripts/bundled-packages.ts';
import { licenceList, lockedPackages, nameOf, noticesFile, noticesOf, packedFolders } from '../../scripts/notices.ts';
import { buildIfStale } from '../../scripts/start.ts';
import { notices } from '../../src/main/services/notices.ts';
import { isPermissive } from '../permissive.ts';

// Here and not among the unit tests since they share the build in out/.
const root = join(import.meta.dirname, '..', '..');
const packages = lockedPackages();

describe('notices of what is packed', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    expect(await buildIfStale()).toBe(0);
  }, 120_000);

  test('every package that the bundles have modules of, and every one under "dependencies", has its text', () => {
    const bundled = bundledFolders(root).map(nameOf);
    // What the page plainly shows: its components, both typefaces, the comparison of words.
    for (const name of ['react-dom', '@mantine/core', '@fontsource/inter', '@fontsource/jetbrains-mono', 'diff']) {
      expect(bundled).toContain(name);
    }
    const named = new Set(notices().map(({ name }) => name));
    expect(
      packedFolders(packages)
        .map(nameOf)
        .filter((name) => !named.has(name)),
    ).toEqual([]);
    expect(named.size).toBeGreaterThan(90);
    expect(notices().every(({ licence }) => isPermissive(licence) || licence === 'public domain')).toBe(true);
    const text = readFileSync(noticesFile.replace(/json$/, 'txt'), 'utf8');
    for (const words of [
      'Facebook, Inc.|Meta Platforms',
      'The Inter Project Authors',
      'Microsoft Corporation',
      'Google Inc',
      'SIL OPEN FONT LICENSE',
    ]) {
      expect(text).toMatch(new RegExp(words));
    }
  });

  test('the programs that ONNX Runtime holds are named, in the version that is packed', () => {
    const ours = notices().find(({ name }) => name === 'onnxruntime-node');
    expect(ours?.version).toBe('1.30.0'); // else: ThirdPartyNotices.txt of the new version's wheel into scripts/licences
    for (const held of ['protocolbuffers/protobuf', 'abseil', 'eigen', 'Flash'])
      expect(ours?.text).toMatch(new RegExp(held, 'i'));
  });

  test('a package in the bundle without a notice fails the build, by name', () => {
    const folder = mkdtempSync(join(tmpdir(), 'longhand-notices-'));
    const bare = 'node_modules/@someone/bare';
    mkdirSync(join(folder, bare), { recursive: true });
    writeFileSync(join(folder, bare, 'index.js'), '');
    cpSync(join(root, 'node_modules', 'clsx'), join(folder, 'node_modules', 'clsx'), { recursive: true });
    const clsx = { 'node_modules/clsx': packages['node_modules/clsx'] ?? {} };
    const make = (locked: typeof packages) => () => noticesOf(['node_modules/clsx', bare], locked, folder);
    expect(make(clsx)).toThrow(`${bare}: package-lock.json has no version and licence of it`);
    const known = { ...clsx, [bare]: { version: '1.0.0', license: 'MIT' } };
    expect(make(known)).toThrow(`${bare}: no text of its licence (MIT)`);
    writeFileSync(join(folder, bare, 'LICENCE.md'), 'Do what you like.');
    expect(make(known)()).toMatchObject([
      { name: '@someone/bare', version: '1.0.0', licence: 'MIT', text: 'Do what you like.' },
      { name: 'clsx' },
    ]);
    rmSync(folder, { recursive: true, force: true });
  });

  test('docs/licences.md lists every package of the lock file (npm run licences)', () => {
    expect(readFileSync(join(root, 'docs', 'licences.md'), 'utf8')).toBe(licenceList(packages));
  });
});

test.each([
  ['node_modules/react/index.js', 'node_modules/react'],
  ['node_modules/@mantine/core/esm/core/Box.mjs', 'node_modules/@mantine/core'],
  ['node_modules/@mantine/core/node_modules/type-fest/x.js?v=1', 'node_modules/@mantine/core/node_modules/type-fest'],
  ['src/renderer/main.tsx', undefined],
])('%s lies in %s', (module, folder) => expect(packageFolderOf(root, join(root, module))).toBe(folder));
