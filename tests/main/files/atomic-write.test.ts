import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UserError } from '../../../src/shared/errors.ts';
import { writeFileAtomic, writeFileAtomicStream } from '../../../src/main/files/atomic-write.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longhand-atomic-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function failure(action: Promise<unknown>): Promise<UserError> {
  const error: unknown = await action.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof UserError)) throw new Error(`expected a UserError, got ${String(error)}`);
  return error;
}

test('writes text and bytes and replaces what was there', async () => {
  const path = join(folder, 'a.json');
  await writeFileAtomic(path, 'grün\n');
  expect(readFileSync(path, 'utf8')).toBe('grün\n');
  await writeFileAtomic(path, new Uint8Array([0, 255, 10]));
  expect([...readFileSync(path)]).toEqual([0, 255, 10]);
  expect(readdirSync(folder)).toEqual(['a.json']);
});

test('a stream is put together in order', async () => {
  const path = join(folder, 'b.bin');
  await writeFileAtomicStream(path, async (write) => {
    for (let piece = 0; piece < 50; piece++) await write(`${piece}\n`);
    await write(new Uint8Array(100_000));
  });
  const lines = Array.from({ length: 50 }, (_, piece) => `${piece}\n`).join('');
  expect(readFileSync(path).subarray(0, lines.length).toString()).toBe(lines);
  expect(readFileSync(path)).toHaveLength(lines.length + 100_000);
});

test('a producer that throws leaves the old file and nothing else', async () => {
  const path = join(folder, 'c.txt');
  writeFileSync(path, 'old');
  const stopped = writeFileAtomicStream(path, async (write) => {
    await write('half');
    throw new Error('stopped');
  });
  await expect(stopped).rejects.toThrow('stopped');
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['c.txt']);
});

test('a missing folder and a folder in the place of the file are named', async () => {
  const missing = await failure(writeFileAtomic(join(folder, 'no', 'd.txt'), 'x'));
  expect(missing.code).toBe('not_found');
  expect(missing.message).toContain(join(folder, 'no', 'd.txt'));
  mkdirSync(join(folder, 'e.txt'));
  const taken = await failure(writeFileAtomic(join(folder, 'e.txt'), 'x'));
  expect(taken.code).toBe('invalid_input');
  expect(readdirSync(folder)).toEqual(['e.txt']);
});

/** A file system of 64 KiB of its own; undefined where this process may not mount one. */
function mountTinyDisk(at: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', at], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('a full disk is a no_space error that names the file, and the old file survives', async (context) => {
  if (!mountTinyDisk(folder)) return context.skip('mounting a small file system needs root on Linux');
  try {
    const path = join(folder, 'f.bin');
    await writeFileAtomic(path, 'old');
    for (const size of [70_000, 1_000_000]) {
      const full = await failure(writeFileAtomic(path, new Uint8Array(size)));
      expect(full.code).toBe('no_space');
      expect(full.message).toContain(path);
    }
    const streamed = await failure(
      writeFileAtomicStream(path, async (write) => {
        for (let piece = 0; piece < 20; piece++) await write(new Uint8Array(8192));
      }),
    );
    expect(streamed.code).toBe('no_space');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['f.bin']);
  } finally {
    execFileSync('umount', [folder]);
  }
});
