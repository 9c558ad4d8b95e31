import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { collectFiles } from '../../../src/main/importers/collect-files.ts';
import { importPaths } from '../../../src/main/importers/import-paths.ts';
import type { NewDocument } from '../../../src/shared/documents.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longhand-tree-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

function tree(): void {
  put('.gitignore', '*.log.txt\n/secret/\n!keep.log.txt\ngenerated.*\n');
  put('package.json', '{}');
  put('src/main.ts', 'export const a = 1;\n');
  put('src/deep/.gitignore', 'local.py\n!generated.py\n');
  put('src/deep/local.py', 'x');
  put('src/deep/generated.py', 'taken in again\n');
  put('src/generated.py', 'x');
  put('src/binary.ts', new Uint8Array([0x47, 0, 1, 2]));
  put('Makefile', 'all:\n\techo\n');
  put('README.md', '# Tree\n');
  put('a.log.txt', 'x');
  put('keep.log.txt', 'kept\n');
  put('secret/key.py', 'x');
  put('node_modules/dep/index.js', 'x');
  put('dist/out.js', 'x');
  put('docs/dist/page.html', '<p>not beside a project file</p>');
  put('.venv/lib.py', 'x');
  put('empty.py', '');
  symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling.py'));
}

test('a source tree: .gitignore as in Git, dependencies and build outputs left out, each of them reported', async () => {
  tree();
  const found: string[] = [];
  const left: [string, string][] = [];
  for await (const file of collectFiles([folder], 'files')) {
    if (file.importer !== null) found.push(relative(folder, file.path));
    else left.push([relative(folder, file.path), file.problem.kind]);
  }
  expect(found).toEqual([
    ...['Makefile', 'README.md', 'docs/dist/page.html', 'empty.py', 'keep.log.txt', 'src/binary.ts'],
    ...['src/deep/generated.py', 'src/main.ts'],
  ]);
  expect(left).toEqual([
    ['dangling.py', 'unreadable'],
    ['dist', 'ignored'],
    ['node_modules', 'ignored'],
    ['package.json', 'unsupported'],
    ['src/deep', 'ignored'],
    ['src', 'ignored'],
    ['', 'ignored'],
  ]);
});

async function imported(paths: string[], options: Parameters<typeof importPaths>[1]) {
  const documents: NewDocument[] = [];
  const sink = {
    add: (document: NewDocument) => (documents.push(document), 'added' as const),
    commit: () => 0,
    abort: () => undefined,
  };
  return { report: await importPaths(paths, options, sink), documents };
}

test('joined: one document with the path above each file; other kinds stay documents of their own', async () => {
  tree();
  const { documents, report } = await imported([folder], { tree: 'joined' });
  expect(documents.map(({ importer }) => importer)).toEqual(['html', 'code']);
  expect(documents[1]).toMatchObject({ title: folder.split('/').at(-1), sourcePath: folder, sourceLine: null });
  expect(documents[1]?.text).toBe(
    '===== Makefile =====\n\nall:\n\techo\n\n===== README.md =====\n\n# Tree\n\n===== keep.log.txt =====\n\nkept\n\n' +
      '===== src/deep/generated.py =====\n\ntaken in again\n\n===== src/main.ts =====\n\nexport const a = 1;\n',
  );
  expect(report.files.at(-1)?.problems).toMatchObject([
    { path: join(folder, 'src/binary.ts'), kind: 'unsupported', reason: 'is a binary file' },
  ]);
});

test('joined: no document is longer than the bound unless one file is, and nothing is lost', async () => {
  for (let index = 0; index < 40; index++)
    put(`src/f${String(index).padStart(2, '0')}.py`, `line ${index}\n`.repeat(1 + ((index * 7) % 23)));
  put('src/long.py', 'y'.repeat(900));
  const { documents } = await imported([join(folder, 'src')], { tree: 'joined', joinedCharacters: 500 });
  const over = documents.filter((document) => document.text.length > 500);
  expect(over.map((document) => document.text.startsWith('===== long.py'))).toEqual([true]);
  expect(documents.map((document) => document.title)).toEqual(documents.map((_, index) => `src, part ${index + 1}`));
  const text = documents.map((document) => document.text).join('\n');
  for (let index = 0; index < 40; index++) expect(text.split(`line ${index}\n`)).toHaveLength(2 + ((index * 7) % 23));
});

test('broken rules and a hundred levels of folders', async () => {
  put('.gitignore', `a/**/**/x\n[\n\\\n!\n\uFEFF\n`);
  put(`${'d/'.repeat(100)}a.py`, 'deep');
  put(`${'a'.repeat(40)}.py`, 'flat');
  const { documents } = await imported([folder], {});
  expect(documents.map(({ text }) => text)).toEqual(['flat', 'deep']);
});

test('rules that take for ever to match are stopped, and the folder is named as the reason', async () => {
  put('.gitignore', `${'a*'.repeat(12)}b\n`);
  put(`${'a'.repeat(60)}.py`, 'x');
  const walking = imported([folder], { limits: { seconds: 1, memoryMiB: 512 } });
  await expect(walking).rejects.toMatchObject({
    code: 'invalid_input',
    message: expect.stringMatching(/could not be walked.*within 1 second/) as string,
  });
});
