import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readJsonLines } from '../../../src/main/files/json-lines.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'longhand-jsonl-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function readAll(path: string): Promise<{ line: number; value: unknown }[]> {
  const rows = [];
  for await (const row of readJsonLines(path)) rows.push(row);
  return rows;
}

async function read(content: string | Uint8Array): Promise<{ line: number; value: unknown }[]> {
  const path = join(folder, 'x.jsonl');
  writeFileSync(path, content);
  return readAll(path);
}

test('any list of JSON values comes back, with LF or CRLF, with or without a last line break', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue({ stringUnit: 'binary' })),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      fc.boolean(),
      async (values, end, mark, last) => {
        const lines = values.map((value) => JSON.stringify(value));
        const text = (mark ? '\uFEFF' : '') + lines.join(end) + (last ? end : '');
        const rows = await read(text);
        expect(rows.map((row) => row.value)).toEqual(lines.map((line) => JSON.parse(line) as unknown));
        expect(rows.map((row) => row.line)).toEqual(values.map((_, index) => index + 1));
      },
    ),
    { numRuns: 150 },
  );
});

test('lines longer than a read block and raw U+2028 inside a string stay whole', async () => {
  const long = `a\u2028${'é'.repeat(700_000)}`;
  const rows = await read(`"first"\n\n${JSON.stringify(long)}\n  \n1`);
  expect(rows).toEqual([
    { line: 1, value: 'first' },
    { line: 3, value: long },
    { line: 5, value: 1 },
  ]);
});

test('a broken line is named with file and number; lines before it are still given', async () => {
  const path = join(folder, 'broken.jsonl');
  writeFileSync(path, '{"a":1}\r\n\r\n{"a":\r\n');
  const seen: number[] = [];
  const reading = (async () => {
    for await (const { line } of readJsonLines(path)) seen.push(line);
  })();
  await expect(reading).rejects.toMatchObject({ code: 'invalid_input', place: { file: path, line: 3 } });
  await expect(reading).rejects.toThrow(/broken\.jsonl, line 3 is not JSON/);
  expect(seen).toEqual([1]);
});

test('bytes that are not UTF-8 are refused, not replaced', async () => {
  await expect(read(new Uint8Array([0x22, 0xe9, 0x22, 0x0a]))).rejects.toMatchObject({ place: { line: 1 } });
});

test('a missing file is not_found', async () => {
  await expect(readAll(join(folder, 'none.jsonl'))).rejects.toMatchObject({ code: 'not_found' });
});
