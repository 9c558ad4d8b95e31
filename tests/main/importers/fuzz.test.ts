import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { unzipSync, zipSync } from 'fflate';
import { afterAll, expect, test } from 'vitest';
import { importProblemSchema, newDocumentSchema } from '../../../src/shared/documents.ts';
import type { ImporterName } from '../../../src/shared/import-kinds.ts';
import { ReaderClient } from '../../../src/main/importers/reader-client.ts';

/**
 * Damaged files of each kind, read as an import reads them: in the process, with 2 seconds and a bound on memory a
 * file. Each gives documents and problems that fit their schemas; none hangs, none needs the memory, none crashes.
 * FUZZ_RUNS and FUZZ_SEED ask for more or for others.
 */
const runs = Number(process.env['FUZZ_RUNS'] ?? 300);
const seed = Number(process.env['FUZZ_SEED'] ?? 20_251);
const fixtures = join(import.meta.dirname, '..', '..', 'fixtures', 'importers');
const folder = mkdtempSync(join(tmpdir(), 'longhand-fuzz-'));
const reader = new ReaderClient({ seconds: 2, memoryMiB: 700 });
let cases = 0;
afterAll(() => {
  reader.close();
  rmSync(folder, { recursive: true, force: true });
  console.log(`${cases} damaged files`);
});

type Change = {
  readonly at: number;
  readonly how: 'set' | 'cut' | 'insert' | 'repeat' | 'end';
  readonly bytes: Uint8Array;
};

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  how: fc.constantFrom('set', 'set', 'set', 'cut', 'insert', 'repeat', 'end'),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 8 }),
    fc.constantFrom(new Uint8Array(4).fill(0xff), new Uint8Array(8), new Uint8Array([0xff, 0xff, 0xff, 0x7f])),
  ),
});

function apply(bytes: Uint8Array, { at, how, bytes: extra }: Change): Uint8Array {
  const start = Math.floor(at * bytes.length);
  const [before, after] = [bytes.subarray(0, start), bytes.subarray(start)];
  switch (how) {
    case 'set':
      return Buffer.concat([before, extra, after.subarray(extra.length)]);
    case 'cut':
      return Buffer.concat([before, after.subarray(extra.length * 8)]);
    case 'insert':
      return Buffer.concat([before, extra, after]);
    case 'repeat':
      return Buffer.concat([before, ...Array.from({ length: 20 }, () => after.subarray(0, extra.length * 16)), after]);
    case 'end':
      return before;
  }
}

async function survives(importer: ImporterName, bytes: Uint8Array): Promise<void> {
  cases += 1;
  const path = join(folder, `case.${importer}`);
  writeFileSync(path, bytes);
  const options = {
    encoding: 'auto',
    textField: 'text',
    tree: 'files',
    joinedCharacters: 1000,
    maxBytes: 1e7,
  } as const;
  // A crash, the time and the memory limit are errors here.
  for await (const item of reader.run('read', { source: { path, importer, members: null }, options })) {
    if ('reason' in item) importProblemSchema.parse(item);
    else newDocumentSchema.parse(item);
  }
}

const settings = { numRuns: runs, seed, endOnFailure: true } as const;
const changes = fc.array(change, { minLength: 1, maxLength: 4 });
const damage = (bytes: Uint8Array, list: readonly Change[]) => list.reduce(apply, bytes);
const timeout = 30_000 + runs * 100;

const files: [ImporterName, string[]][] = [
  ['html', ['page.html']],
  ['pdf', ['columns.pdf', 'report.pdf', 'locked.pdf', 'scan.pdf']],
  ['docx', ['notes.docx']],
  ['epub', ['book.epub', 'protected.epub']],
  ['parquet', ['snappy', 'gzip', 'zstd', 'brotli', 'none', 'v2'].map((codec) => `rows-${codec}.parquet`)],
];

test.each(files)('damaged %s', { timeout }, async (importer, names) => {
  const originals = names.map((name) => new Uint8Array(readFileSync(join(fixtures, name))));
  const original = fc.constantFrom(...originals);
  await fc.assert(
    fc.asyncProperty(original, changes, (bytes, list) => survives(importer, damage(bytes, list))),
    settings,
  );
});

/** Damage inside the entries, which the archive's checksums would catch otherwise. */
test.each([
  ['docx', 'notes.docx'],
  ['epub', 'book.epub'],
] as const)('%s with damaged parts', { timeout }, async (importer, name) => {
  const parts = unzipSync(new Uint8Array(readFileSync(join(fixtures, name))), {
    filter: (file) => !/thumbnail|theme|styles|numbering\.xml|fontTable/.test(file.name),
  });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...Object.keys(parts)), changes, (part, list) =>
      survives(importer, zipSync({ ...parts, [part]: damage(parts[part] ?? new Uint8Array(), list) })),
    ),
    settings,
  );
});

test('any HTML', { timeout }, async () => {
  const tag = fc.constantFrom(
    ...['p', 'div', 'h1', 'h7', 'ul', 'ol', 'li', 'table', 'tr', 'td', 'pre', 'b', 'a', 'svg', 'math', 'template'],
    ...['select', 'script', 'style', 'title', 'main', 'nav', 'br', 'form', 'frameset', 'plaintext', 'mi', 'body'],
  );
  const piece = fc.oneof(
    fc
      .tuple(tag, fc.constantFrom('', ' hidden', ' role=main', ' start=-9e99', ' charset="utf-16"'))
      .map(([name, rest]) => `<${name}${rest}>`),
    tag.map((name) => `</${name}>`),
    tag.map((name) => `<${name}/>`),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('&#xD800;', '&#0;', '&nbsp;', '<!--', '-->', '<![CDATA[', '<?xml ', '\0', '<', '&lt;script&gt;'),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 60 }), (pieces) => survives('html', Buffer.from(pieces.join('')))),
    settings,
  );
});

test.each(['txt', 'md', 'jsonl', 'code', 'pdf', 'docx', 'epub', 'parquet'] as const)(
  'bytes of any kind as %s',
  { timeout },
  async (importer) => {
    const magic = fc.constantFrom('', '%PDF-1.4\n', 'PK\x03\x04', 'PAR1', '\xff\xfe');
    await fc.assert(
      fc.asyncProperty(magic, fc.uint8Array({ maxLength: 300 }), (start, bytes) =>
        survives(importer, Buffer.concat([Buffer.from(start, 'latin1'), bytes])),
      ),
      { ...settings, numRuns: Math.ceil(runs / 4) },
    );
  },
);

test('cases were counted', () => expect(cases).toBeGreaterThanOrEqual(runs * 9));
