import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { libraryFolder } from '../../../../src/main/services/cuda/folder.ts';
import { installCuda } from '../../../../src/main/services/cuda/install.ts';
import { installedVersions } from '../../../../src/main/services/cuda/libraries.ts';
import type { Wheel } from '../../../../src/main/services/cuda/wheels.ts';

const hasPip = spawnSync('python3', ['-m', 'pip', '--version']).status === 0;
const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

let root: string;
let shelf: string;
let lines: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'longhand-install-'));
  shelf = join(root, 'shelf');
  mkdirSync(shelf);
  lines = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A real, small wheel on the shelf that pip looks at instead of an index. */
function wheel(name: string, contents: string): Wheel {
  const library = Buffer.from(contents);
  const about = `${name}-1.0.dist-info`;
  const member = `nvidia/lib/lib${name}.so.1`;
  const data = zipSync({
    [member]: library,
    'nvidia/lib/unwanted.so': Buffer.from('no'),
    [`${about}/METADATA`]: Buffer.from(`Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n`),
    [`${about}/WHEEL`]: Buffer.from('Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n'),
    [`${about}/RECORD`]: Buffer.from(''),
  });
  writeFileSync(join(shelf, `${name}-1.0-py3-none-any.whl`), data);
  const file = { name: `lib${name}.so.1`, member, bytes: library.length, sha256: sha256(library) };
  return { name, version: '1.0', bytes: data.length, sha256: sha256(data), files: [file] };
}

const install = (
  wheels: readonly Wheel[],
  more: { readonly python?: string; readonly system?: Map<string, string> } = {},
) =>
  installCuda({
    folder: join(root, 'cuda'),
    wheels,
    say: (text) => lines.push(text),
    pipArguments: ['--no-index', '--find-links', shelf],
    system: new Map(),
    ...more,
  });
const library = (name: string): string => join(libraryFolder(join(root, 'cuda')), name);

// Starting pip takes seconds on a busy machine.
describe.skipIf(!hasPip)('with pip', { timeout: 120_000 }, () => {
  test('libraries are brought, kept, and a damaged one is found by its hash', async () => {
    const wheels = [wheel('one', 'first')];
    expect(await install(wheels)).toBe(1);
    expect(readFileSync(library('libone.so.1'), 'utf8')).toBe('first');
    expect(readdirSync(libraryFolder(join(root, 'cuda')))).toEqual(['libone.so.1']);
    expect(installedVersions(join(root, 'cuda'))).toEqual({ one: '1.0' });
    expect(existsSync(join(root, 'cuda', 'downloads'))).toBe(false);

    expect(await install(wheels)).toBe(0);
    writeFileSync(library('libone.so.1'), 'fIrst');
    expect(await install(wheels)).toBe(1);
    expect(readFileSync(library('libone.so.1'), 'utf8')).toBe('first');
  });

  test('an interrupted installation goes on: a whole wheel is not downloaded again, a damaged one is', async () => {
    const [one, two] = [wheel('one', 'first'), wheel('two', 'second')];
    const downloads = join(root, 'cuda', 'downloads');
    mkdirSync(downloads, { recursive: true });
    const name = 'one-1.0-py3-none-any.whl';
    writeFileSync(join(downloads, name), readFileSync(join(shelf, name)));
    rmSync(join(shelf, name)); // nowhere else to get it from
    writeFileSync(join(downloads, 'two-1.0-py3-none-any.whl'), 'half of it');
    expect(await install([one, two])).toBe(2);
    expect(lines.filter((line) => line.includes('damaged'))).toHaveLength(1);
    expect(readFileSync(library('libone.so.1'), 'utf8')).toBe('first');
  });

  test('a wheel with another hash is refused, and what was whole stays', async () => {
    const [one, two] = [wheel('one', 'first'), wheel('two', 'second')];
    await expect(install([one, { ...two, sha256: '0'.repeat(64) }])).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('two 1.0 could not be downloaded') as string,
    });
    expect(readFileSync(library('libone.so.1'), 'utf8')).toBe('first');
    expect(existsSync(library('libtwo.so.1'))).toBe(false);
  });

  test('a library that is not what it should be is not put in place', async () => {
    const one = wheel('one', 'first');
    const files = one.files.map((file) => ({ ...file, sha256: '0'.repeat(64) }));
    await expect(install([{ ...one, files }])).rejects.toMatchObject({
      message: 'libone.so.1 in one 1.0 is not what it should be.',
    });
    expect(readdirSync(libraryFolder(join(root, 'cuda')))).toEqual([]);
  });

  test('libraries of the machine are used', async () => {
    const one = wheel('one', 'first');
    expect(await install([one], { system: new Map([['libone.so.1', '/usr/lib/libone.so.1']]) })).toBe(0);
    expect(lines).toEqual(["one: the machine's own (/usr/lib/libone.so.1)"]);
  });
});

test('without Python, and without room, one sentence says so', async () => {
  const one = wheel('one', 'first');
  await expect(install([one], { python: 'no-such-python' })).rejects.toMatchObject({
    code: 'unavailable',
    message: 'There is no no-such-python on this machine.',
  });
  await expect(install([{ ...one, bytes: 2 ** 60 }])).rejects.toMatchObject({ code: 'no_space' });
});
