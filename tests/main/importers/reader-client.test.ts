import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importPaths } from '../../../src/main/importers/import-paths.ts';
import type { ImportOptions } from '../../../src/main/importers/import-paths.ts';
import { zipLimits } from '../../../src/main/importers/zip-archive.ts';
import { openWorkspace } from '../../../src/main/workspace/workspace.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'longhand-reader-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const committed = { count: 0 };
const sink = () => ({ add: () => 'added' as const, commit: () => void (committed.count += 1), abort: () => undefined });
const run = (paths: string[], options: ImportOptions) => importPaths(paths, options, sink());

/** HTML makes the parser open each <b> that was left open anew in every paragraph: the tree grows with the product. */
const explosive = `<p>${Array.from({ length: 800 }, (_, index) => `<b id=${index}>`).join('')}</p>${'<p>x</p>'.repeat(100_000)}`;

test('a file that takes too long is stopped, and the next ones are imported', async () => {
  const slow = put('slow.html', explosive);
  const report = await run([slow, put('next.txt', 'next')], { limits: { seconds: 1, memoryMiB: 4096 } });
  expect(report).toMatchObject({ imported: 1, problems: 1 });
  expect(report.files[0]?.problems).toMatchObject([
    { path: slow, kind: 'limit', reason: expect.stringMatching(/^gave nothing within 1 second/) as string },
  ]);
});

test('a file that needs too much memory is stopped, and the next ones are imported', async () => {
  const large = put('large.html', explosive);
  const report = await run([large, put('after.txt', 'after')], { limits: { seconds: 60, memoryMiB: 300 } });
  expect(report.files[0]?.problems).toMatchObject([
    { path: large, kind: 'limit', reason: 'needs more than 300 MiB of memory to be read' },
  ]);
  expect(report).toMatchObject({ imported: 1, problems: 1 });
});

test('cancelling stops a file in the middle', async () => {
  const before = committed.count;
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 400);
  const started = performance.now();
  const slow = put('cancelled.html', explosive);
  await expect(run([slow], { signal: controller.signal })).rejects.toMatchObject({ code: 'cancelled' });
  expect(performance.now() - started).toBeLessThan(1500);
  expect(committed.count).toBe(before);
  const aborted = run([put('p.txt', 'p')], { signal: AbortSignal.abort() });
  await expect(aborted).rejects.toMatchObject({ code: 'cancelled' });
});

test('elements nested without end are refused at once', async () => {
  const started = performance.now();
  await expect(run([put('deep.html', '<div>'.repeat(500_000))], {})).rejects.toThrow(/nests its elements more than/);
  expect(performance.now() - started).toBeLessThan(5000);
});

test('zip bombs, a wrong checksum, and names that point outside', async () => {
  const container = new TextEncoder().encode(
    '<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>',
  );
  const book = (href: string) =>
    new TextEncoder().encode(
      `<package><manifest><item id="a" href="${href}" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>`,
    );
  const epub = (href: string, chapter: Uint8Array, name = href) =>
    zipSync({ 'META-INF/container.xml': container, 'b.opf': book(href), [name]: chapter });
  const text = new TextEncoder().encode('<p>text</p>');

  const bomb = put('bomb.epub', epub('a.xhtml', new Uint8Array(40 * 1024 * 1024).fill(0x20)));
  const manyEntries = Object.fromEntries(
    Array.from({ length: zipLimits.entries + 1 }, (_, index) => [`${index}`, text]),
  );
  const many = put('many.docx', zipSync(manyEntries, { level: 0 }));
  const wrong = epub('a.xhtml', text);
  // The name stands before the content: turn a letter of the stored or packed chapter.
  const at = Buffer.from(wrong).indexOf('a.xhtml') + 'a.xhtml'.length;
  wrong[at + 4] = (wrong[at + 4] ?? 0) ^ 0x10;
  const outside = put('outside.epub', epub('../../../etc/passwd', text, 'elsewhere'));
  const lying = Buffer.from(epub('a.xhtml', new Uint8Array(2 * 1024 * 1024).fill(0x41)));
  // A directory that names a small size for a large entry.
  const entry = lying.lastIndexOf('PK\x01\x02');
  lying.writeUInt32LE(1000, entry + 24);
  const good = put('good.epub', epub('a.xhtml', text));

  const report = await run([bomb, many, put('wrong.epub', wrong), outside, put('lying.epub', lying), good], {});
  expect(report).toMatchObject({ imported: 1, problems: 5 });
  expect(report.files.map((file) => file.problems[0]?.kind)).toEqual([
    ...['too_large', 'too_large', 'unreadable', 'unreadable', 'unreadable', undefined],
  ]);
  expect(report.files[3]?.problems[0]?.reason).toMatch(/is damaged: its chapter ".*passwd" is missing/);
});

test(
  'main is never blocked over 50 ms while large files are parsed into a real workspace',
  { timeout: 90_000 },
  async () => {
    const paragraph = '<h2>Title</h2><p>A paragraph of some words, with <em>marks</em> &amp; entities.</p>\n';
    const words = (index: number) => `Document ${index}: ${'some words that are counted '.repeat(40)}`;
    put('big.html', `<title>Big</title>${paragraph.repeat(25_000)}`);
    const document = '<w:p><w:r><w:t>A paragraph of a long Word document.</w:t></w:r></w:p>'.repeat(8_000);
    const part = (text: string) => new TextEncoder().encode(text);
    put(
      'big.docx',
      zipSync({
        '[Content_Types].xml': part('<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'),
        '_rels/.rels': part(
          '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
        ),
        'word/document.xml': part(
          `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>${document}</w:body></w:document>`,
        ),
      }),
    );
    put('big.jsonl', Array.from({ length: 4000 }, (_, index) => JSON.stringify({ text: words(index) })).join('\n'));
    put('big.txt', 'Two million characters of plain text.\r\n'.repeat(52_000));
    const names = ['big.html', 'big.docx', 'big.jsonl', 'big.txt'].map((name) => join(folder, name));

    const workspace = openWorkspace(join(folder, 'workspace'), { create: true });
    const delay = monitorEventLoopDelay({ resolution: 5 });
    const turn = longestTurn();
    const inner = workspace.documents.startImport();
    // The one transaction at the end belongs to the store.
    const timed = { ...inner, commit: () => (delay.disable(), turn.stop(), inner.commit()) };
    delay.enable();
    const report = await importPaths(names, {}, timed);
    workspace.close();
    expect(report).toMatchObject({ imported: 4003, problems: 0 });
    console.log(
      `main's longest turn: ${turn.milliseconds().toFixed(1)} ms; loop late by ${(delay.max / 1e6).toFixed(1)} ms`,
    );
    expect(turn.milliseconds()).toBeLessThan(50);
  },
);

/**
 * The most processor time that this thread took between two turns of a timer. Unlike the delay of the event loop it does
 * not grow when other processes take the processor.
 */
function longestTurn(): { readonly stop: () => void; readonly milliseconds: () => number } {
  const used = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let last = used();
  let longest = 0;
  const look = () => {
    const now = used();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 1);
  return { stop: () => (look(), clearInterval(timer)), milliseconds: () => longest };
}
