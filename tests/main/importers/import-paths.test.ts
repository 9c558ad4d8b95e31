import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ImportProblem } from '../../../src/shared/documents.ts';
import { importPaths } from '../../../src/main/importers/import-paths.ts';
import type { ImportOptions } from '../../../src/main/importers/import-paths.ts';
import { readSource } from '../../../src/main/importers/read-source.ts';
import { markdownTitle } from '../../../src/main/importers/text-file.ts';
import { openWorkspace } from '../../../src/main/workspace/workspace.ts';
import type { Workspace } from '../../../src/main/workspace/workspace.ts';

let folder: string;
let workspace: Workspace;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longhand-import-'));
  workspace = openWorkspace(join(folder, '.workspace'), { create: true });
});
afterEach(() => {
  workspace.close();
  rmSync(folder, { recursive: true, force: true });
});

function put(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const run = (paths: readonly string[], options: ImportOptions = {}) =>
  importPaths(paths, options, workspace.documents.startImport());
const stored = () => workspace.documents.list().rows;

test('a folder tree: files in order, titles, sizes, duplicates by content, and what was left out', async () => {
  put('b.txt', '\uFEFFSame\r\ntext\r\n');
  put('a/c.md', 'intro\n# The *title* ##\n# Other');
  put('a/d.txt', 'Same\ntext\n');
  put('a/empty.txt', ' \n');
  put('a/photo.png', 'x');
  put('.hidden/e.txt', 'not seen');
  put('utf16.txt', Buffer.from('\uFEFFgrün 😀', 'utf16le'));
  put('wrong.txt', new Uint8Array([0x61, 0x0a, 0xe9]));
  put('rows.jsonl', '{"text":"one","title":"First"}\n"two"\n{"text":"three","id":7}\n{"text":""}\n{"text":"one"}\n');
  symlinkSync(folder, join(folder, 'loop'));
  const seen: string[] = [];
  const report = await run([folder], { onFile: (file) => seen.push(file.path.slice(folder.length + 1)) });

  expect(seen).toEqual([
    ...['a/c.md', 'a/d.txt', 'a/empty.txt', 'a/photo.png', 'b.txt', 'loop', 'rows.jsonl', 'utf16.txt', 'wrong.txt'],
  ]);
  expect(report).toMatchObject({ imported: 6, duplicates: 2, problems: 5 });
  expect(report.files.flatMap((file) => file.problems).map(({ kind, line }) => [kind, line])).toEqual([
    ['empty', null],
    ['unsupported', null],
    ['unsupported', null],
    ['empty', 4],
    ['wrong_encoding', 2],
  ]);
  expect(stored().map(({ title, importer, sourceLine }) => [title, importer, sourceLine])).toEqual([
    ['The *title*', 'md', null],
    ['d', 'txt', null],
    ['First', 'jsonl', 1],
    ['rows:2', 'jsonl', 2],
    ['7', 'jsonl', 3],
    ['utf16', 'txt', null],
  ]);
  expect(workspace.documents.text(2)).toBe('Same\ntext\n');
  expect(stored().at(-1)).toMatchObject({ bytes: 10, characters: 6 });

  const again = await run([folder]);
  expect(again).toMatchObject({ imported: 0, duplicates: 8 });
  expect(stored()).toHaveLength(6);
});

test('one-byte encodings on request', async () => {
  await run([put('old.txt', new Uint8Array([0x93, 0xe9, 0x94]))], { encoding: 'windows-1252' });
  expect(workspace.documents.text(1)).toBe('“é”');
});

test('a damaged file is a problem, and the import goes on', async () => {
  const good = put('many.jsonl', Array.from({ length: 500 }, (_, index) => `{"text":"row ${index}"}`).join('\n'));
  const report = await run([put('no.docx', 'x'), good]);
  expect(report).toMatchObject({ imported: 500, problems: 1 });
  expect(report.files.flatMap((file) => file.problems)).toMatchObject([
    { kind: 'unreadable', line: null, reason: 'is damaged: it is not a zip archive' },
  ]);
});

test('a broken line of JSON Lines is named and leaves the workspace as it was', async () => {
  const broken = put('broken.jsonl', '{"text":"fine"}\n{"text":');
  await expect(run([put('good.txt', 'good'), broken])).rejects.toMatchObject({
    code: 'invalid_input',
    message: expect.stringMatching(/broken\.jsonl, line 2 is not JSON/) as string,
    place: { file: broken, line: 2 },
  });
  expect(stored()).toEqual([]);
  expect(workspace.documents.dropOrphanTexts()).toBe(0);
});

test('an import without any document names file and line and leaves the workspace as it was', async () => {
  await run([put('first.txt', 'first')]);
  const events = workspace.events.list().rows.length;
  const broken = put('broken.jsonl', '\n{"text":');
  await expect(run([broken])).rejects.toMatchObject({ code: 'invalid_input', place: { file: broken, line: 2 } });
  expect(stored().map((row) => row.title)).toEqual(['first']);
  expect(workspace.events.list().rows).toHaveLength(events);
  expect(workspace.documents.dropOrphanTexts()).toBe(0);
});

test('the text field can be chosen, and a wrong one is named with the fields there are', async () => {
  const path = put('x.jsonl', '{"body":"b","title":" "}\n');
  const error = await run([path]).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ place: { file: path, line: 1 } });
  expect((error as Error).message).toMatch(/no text in its field "text"\. Its fields are body, title/);
  await run([path], { textField: 'body' });
  expect(stored()[0]?.title).toBe('x:1');
  for (const line of ['[1]', '3', 'null', '{"text":4}', '{}']) {
    await expect(run([put('y.jsonl', line)])).rejects.toMatchObject({ place: { line: 1 } });
  }
  await expect(run([put('z.jsonl', '{}')], { textField: '__proto__' })).rejects.toMatchObject({
    code: 'invalid_input',
  });
});

test('nothing to import is an error that says why', async () => {
  const empty = join(folder, 'nothing');
  mkdirSync(empty);
  await expect(run([empty])).rejects.toMatchObject({ code: 'invalid_input' });
  await expect(run([])).rejects.toMatchObject({ code: 'invalid_input' });
  await expect(run([put('blank.txt', '')])).rejects.toThrow('has no text');
  await expect(run([put('blank.jsonl', '\n')])).rejects.toThrow('has no line');
  await expect(run([put('bin.txt', 'a\0b')])).rejects.toThrow(/bin\.txt, line 1 holds a NUL/);
  await expect(run([join(folder, 'none.txt')])).rejects.toMatchObject({ code: 'not_found' });
  await expect(run([put('a.xyz', 'x')])).rejects.toMatchObject({ code: 'unsupported' });
});

test('a document above the limit is left out; a cancelled import leaves nothing', async () => {
  put('in/big.txt', 'x'.repeat(101));
  put('in/fits.txt', 'é'.repeat(50));
  put('in/rows.jsonl', JSON.stringify('y'.repeat(101)));
  const report = await run([join(folder, 'in')], { maxBytes: 100 });
  expect(report).toMatchObject({ imported: 1, problems: 2 });
  const controller = new AbortController();
  const cancelled = run([put('p.txt', 'p'), put('q.txt', 'q')], {
    signal: controller.signal,
    onFile: () => controller.abort(),
  });
  await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
  expect(stored()).toHaveLength(1);
});

test('two imports at once are refused; the first goes on', async () => {
  const first = run([put('a.txt', 'a')]);
  expect(() => workspace.documents.startImport()).toThrow(/Another import/);
  await first;
  expect(stored()).toHaveLength(1);
});

test('any JSON Lines file is imported exactly or refused with its line', async () => {
  const line = fc.oneof(
    fc.string({ unit: 'binary' }).map((text) => JSON.stringify({ text })),
    fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
    fc.jsonValue().map((value) => JSON.stringify(value)),
    fc.string(),
    fc.constantFrom('', '{"text":"\\ud800"}', '{"text":"a\\u0000"}', '{"text":"a","text":"b"}', '"\uFEFFx"'),
  );
  const readOptions = {
    encoding: 'auto',
    textField: 'text',
    tree: 'files',
    joinedCharacters: 100,
    maxBytes: 1e6,
  } as const;
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 6 }), async (lines) => {
      const path = put('fuzz.jsonl', lines.join('\n'));
      const texts: string[] = [];
      const problems: ImportProblem[] = [];
      // What the reader process does, in this one.
      for await (const item of readSource({ path, importer: 'jsonl', members: null }, readOptions)) {
        if ('reason' in item) problems.push(item);
        else texts.push(item.text);
      }
      const broken = problems.find((problem) => problem.kind === 'unreadable');
      const read = broken === undefined ? lines : lines.slice(0, (broken.line ?? 0) - 1);
      expect(texts).toEqual(read.map(cleanTextOf).filter((text) => text !== undefined));
      if (broken !== undefined) expect(() => cleanTextOf(lines[(broken.line ?? 0) - 1] ?? '')).toThrow();
    }),
    { numRuns: 300 },
  );
});

/** What must be stored for a line, worked out another way; throws where it holds no text. */
function cleanTextOf(line: string): string | undefined {
  if (line.trim() === '') return undefined;
  const value = JSON.parse(line.replace(/^\uFEFF/, '')) as string | { text: string };
  const raw: unknown = typeof value === 'string' ? value : value.text;
  if (typeof raw !== 'string') throw new Error('no text');
  const text = raw.split('\r\n').join('\n').split('\r').join('\n');
  const clean = text.startsWith('\uFEFF') ? text.slice(1) : text;
  return clean.trim() === '' || clean.includes('\0') || encodeURIFails(clean) ? undefined : clean;
}

function encodeURIFails(text: string): boolean {
  try {
    encodeURIComponent(text);
    return false;
  } catch {
    return true;
  }
}

test('Markdown titles', () => {
  expect(markdownTitle('```\n# code\n```\n# Real')).toBe('Real');
  expect(markdownTitle('## Second level\ntext')).toBeUndefined();
  expect(markdownTitle('#NoSpace\n# C#')).toBe('C#');
  expect(markdownTitle('# \n#  x  ##  ')).toBe('x');
});
