import { createHash } from 'node:crypto';
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadModelText } from '../../src/main/engine/jobs/model-text.ts';
import { readHtmlFile } from '../../src/main/importers/html-file.ts';

const USAGE = `node bench/reproduction/corpus.ts HTML_FOLDER --model DIR --out FOLDER [--longest 14336] [--train 64] [--held-out 16]

Long documents from the pages of the Python documentation (Debian package python3.11-doc), read by Longhand's own HTML
importer. Pages of a folder follow each other until a document is long enough; a page longer than that is cut between
paragraphs. A page goes to one side only, by a hash of its name. Writes train.jsonl and held-out.jsonl ({title, text}), and for
evaluation: haystack.jsonl (held-out), nll-{2048,8192,16384,32768}.jsonl (held-out texts of that many tokens).
  --longest    most tokens of a document; the shortest has three quarters of it`;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string' },
    out: { type: 'string' },
    longest: { type: 'string', default: '14336' },
    train: { type: 'string', default: '64' },
    'held-out': { type: 'string', default: '16' },
    help: { type: 'boolean', default: false },
  },
});
const [folder] = positionals;
if (flags.help || folder === undefined || flags.model === undefined || flags.out === undefined) {
  console.log(USAGE);
  process.exit(flags.help ? 0 : 2);
}
const longest = Number(flags.longest);
const { codec } = await loadModelText(flags.model);
const count = (text: string): number => codec.encode(text).length;

interface Part {
  readonly title: string;
  readonly text: string;
  readonly tokens: number;
}

/** A page's paragraphs joined to parts of at most `most` tokens. Token counts of paragraphs add up closely, not exactly. */
function partsOf(title: string, text: string, most: number): Part[] {
  const parts: Part[] = [];
  let open: string[] = [];
  let tokens = 0;
  const close = (): void => {
    if (open.length > 0) parts.push({ title, text: open.join('\n\n'), tokens });
    open = [];
    tokens = 0;
  };
  for (const paragraph of text.split(/\n{2,}/)) {
    const size = count(paragraph) + 2;
    if (size > most) continue; // a table of thousands of lines: nothing to read
    if (tokens + size > most) close();
    open.push(paragraph);
    tokens += size;
  }
  close();
  return parts;
}

/** Parts in their order, joined to documents of 3/4 to 4/4 of `most` tokens; what is too short is left out. */
function documentsOf(parts: readonly Part[], most: number): Part[] {
  const documents: Part[] = [];
  let open: Part[] = [];
  const size = (): number => open.reduce((sum, part) => sum + part.tokens + 2, 0);
  const close = (): void => {
    if (size() >= most * 0.75) {
      const title = [...new Set(open.map((part) => part.title))].join(' + ');
      documents.push({ title, text: open.map((part) => part.text).join('\n\n'), tokens: size() });
    }
    open = [];
  };
  for (const part of parts) {
    if (size() + part.tokens > most) close();
    open.push(part);
  }
  close();
  return documents;
}

/** 0 to 1, the same for a name on every machine. */
function place(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32BE(0) / 2 ** 32;
}

const skipped =
  /genindex|py-modindex|search|contents|download|changelog|(^|\/)(index|copyright|license|bugs|about)\.html$/;
const pages = globSync('**/*.html', { cwd: folder }).filter((page) => !skipped.test(page));
const sides: Record<'train' | 'heldOut', Part[]> = { train: [], heldOut: [] };
for (const page of pages.sort()) {
  for await (const { title, content } of readHtmlFile(
    { path: path.join(folder, page) } as never,
    { encoding: 'auto' } as never,
  )) {
    if (!content.ok) continue;
    const side = place(page) < 0.3 ? 'heldOut' : 'train';
    sides[side].push(...partsOf(title.replace(/ — Python.*$/, ''), content.text, longest / 2));
  }
}
/** Which ones are taken is drawn by a hash, so that all parts of the documentation occur. */
const drawn = (documents: readonly Part[], n: number): Part[] =>
  [...documents].sort((a, b) => place(a.title + a.tokens) - place(b.title + b.tokens)).slice(0, n);
const train = drawn(documentsOf(sides.train, longest), Number(flags.train));
const heldOut = drawn(documentsOf(sides.heldOut, longest), Number(flags['held-out']));

mkdirSync(flags.out, { recursive: true });
const out = flags.out;
const write = (name: string, lines: readonly object[]): void => {
  writeFileSync(path.join(out, name), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  console.log(`${name}: ${lines.length} texts`);
};
const lines = (documents: readonly Part[]): object[] => documents.map(({ title, text }) => ({ title, text }));
write('train.jsonl', lines(train));
write('held-out.jsonl', lines(heldOut));
const rest = sides.heldOut;
write('haystack.jsonl', lines(rest));
for (const [tokens, n] of [
  [2048, 24],
  [8192, 12],
  [16384, 8],
  [32768, 6],
] as const) {
  write(
    `nll-${tokens}.jsonl`,
    lines(
      drawn(
        documentsOf(
          rest.flatMap((part) => partsOf(part.title, part.text, tokens / 2)),
          tokens - 64,
        ),
        n,
      ),
    ),
  );
}
const sum = (documents: readonly Part[]): number => documents.reduce((all, { tokens }) => all + tokens, 0);
console.log(`train ${sum(train)} tokens, held out ${sum(heldOut)}; of ${pages.length} pages`);
