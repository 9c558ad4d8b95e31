import { readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { expect, test } from 'vitest';
import { importKindOf, importKinds, importKindsText } from '../../../src/shared/import-kinds.ts';
import type { ImportProblem, NewDocument } from '../../../src/shared/documents.ts';
import { readSource } from '../../../src/main/importers/read-source.ts';

/** Real files made by `make.py` beside them; each golden text was read through by hand. */
const folder = join(import.meta.dirname, '..', '..', 'fixtures', 'importers');
const path = (name: string) => join(folder, name);

async function read(
  name: string,
  textField = 'text',
): Promise<{ documents: NewDocument[]; problems: ImportProblem[] }> {
  const importer = importKindOf(name);
  if (importer === undefined) throw new Error(`nothing reads ${name}`);
  const documents: NewDocument[] = [];
  const problems: ImportProblem[] = [];
  const options = { encoding: 'auto', textField, tree: 'files', joinedCharacters: 100, maxBytes: 1e7 } as const;
  for await (const item of readSource({ path: path(name), importer, members: null }, options)) {
    if ('reason' in item) problems.push(item);
    else documents.push(item);
  }
  return { documents, problems };
}

const golden = readdirSync(folder).filter((name) => name.endsWith('.golden.txt'));

test('there are golden texts', () => expect(golden.length).toBeGreaterThanOrEqual(5));

test.each(golden)('%s', async (name) => {
  const file = basename(name, '.golden.txt');
  const { documents, problems } = await read(file);
  expect(problems).toEqual([]);
  const [document] = documents;
  expect(documents).toHaveLength(1);
  expect(`${document?.title}\n\n${document?.text}\n`).toBe(readFileSync(path(name), 'utf8'));
  expect(document).toMatchObject({ sourcePath: path(file), sourceLine: null, importer: extname(file).slice(1) });
  expect(document?.bytes).toBe(Buffer.byteLength(document?.text ?? ''));
});

test.each([
  ['locked.pdf', 'encrypted', /password/],
  ['scan.pdf', 'empty', /2 pages but no text.*OCR/],
  // Its Latin text alone would be a wrong document.
  ['tables.pdf', 'unsupported', /character tables \(UniJIS/],
  ['protected.epub', 'encrypted', /digital rights/],
] as const)('%s is refused', async (name, kind, reason) => {
  const { documents, problems } = await read(name);
  expect(documents).toEqual([]);
  expect(problems).toMatchObject([{ path: path(name), kind, reason: expect.stringMatching(reason) as string }]);
});

test.each(['snappy', 'gzip', 'zstd', 'brotli', 'none', 'v2'])('rows-%s.parquet', async (codec) => {
  const { documents, problems } = await read(`rows-${codec}.parquet`);
  const rows = Array.from({ length: 25 }, (_, index) => index).filter((index) => index !== 7);
  expect(documents.map(({ title, text, sourceLine }) => [title, text, sourceLine])).toEqual(
    rows.map((i) => [i % 2 === 1 ? `Title ${i}` : `${100 + i}`, `Row ${i}: grüße ${'x'.repeat(i % 5)}`, i + 1]),
  );
  expect(problems).toMatchObject([{ kind: 'empty', line: 8, reason: 'has no text in row 8' }]);
});

test('a column that is missing or holds no text is named with those there are', async () => {
  expect((await read('rows-zstd.parquet', 'body')).problems).toMatchObject([
    { kind: 'unreadable', reason: expect.stringMatching(/"body".*id, text, title, tags, score/) as string },
  ]);
  for (const column of ['score', 'tags']) {
    expect((await read('rows-zstd.parquet', column)).problems).toMatchObject([{ kind: 'unsupported' }]);
  }
  expect((await read('rows-zstd.parquet', 'title')).documents[0]).toMatchObject({ title: 'Title 1', text: 'Title 1' });
});

test('the table of kinds: no ending belongs to two of them', () => {
  const endings = Object.values(importKinds).flatMap((kind) => [...kind.extensions, ...(kind.names ?? [])]);
  expect(new Set(endings).size).toBe(endings.length);
  expect(importKindOf('A.PDF')).toBe('pdf');
  expect(importKindOf('CMakeLists.txt')).toBe('code');
  expect(importKindOf('Makefile')).toBe('code');
  expect(importKindOf('photo.png')).toBeUndefined();
  expect(importKindOf('pdf')).toBeUndefined();
  expect(importKindsText()).toBe(
    'txt/text, md/markdown, html/htm/xhtml, pdf, docx, epub, jsonl/ndjson, parquet, source code',
  );
});
