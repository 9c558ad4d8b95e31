import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import type { z } from 'zod';
import {
  anyHeaderSchema,
  bundleFormat,
  bundleHeaderSchema,
  bundleRecordSchema,
  bundleVersion,
  verdictsFormat,
  verdictsHeaderSchema,
  verdictsRecordSchema,
} from '../../shared/audit/bundle-format.ts';
import type {
  BundleHeader,
  BundlePair,
  BundleRecord,
  VerdictRecord,
  VerdictsHeader,
} from '../../shared/audit/bundle-format.ts';
import { UserError } from '../../shared/errors.ts';
import { parseInput } from '../../shared/parse.ts';
import { writeFileAtomicStream } from '../files/atomic-write.ts';
import { asReadError, readJsonLines } from '../files/json-lines.ts';

/** Largest file that is read: far beyond any set that people review. */
const maxBytes = 4 * 1024 ** 3;
const maxRecords = 2_000_000;

const names: Readonly<Record<string, string>> = {
  [bundleFormat]: 'a review bundle',
  [verdictsFormat]: 'a verdict file',
};

/**
 * Writes a header, records and the end that seals them, as one file or not at all. Returns the bytes written.
 * Errors: `conflict` where another kind of file has that name (only an older one of the same kind is replaced), those of
 * writing.
 */
export async function writeSealed(
  path: string,
  header: { readonly format: string },
  records: Iterable<object> | AsyncIterable<object>,
): Promise<number> {
  await keepForeignFile(path, header.format);
  const hash = createHash('sha256');
  let bytes = 0;
  await writeFileAtomicStream(path, async (write) => {
    const put = async (value: object): Promise<void> => {
      const line = `${JSON.stringify(value)}\n`;
      hash.update(line);
      bytes += Buffer.byteLength(line);
      await write(line);
    };
    await put(header);
    let count = 0;
    for await (const record of records) {
      await put(record);
      count += 1;
    }
    await put({ kind: 'end', records: count, sha256: hash.copy().digest('hex') });
  });
  return bytes;
}

async function keepForeignFile(path: string, format: string): Promise<void> {
  const present = statSync(path, { throwIfNoEntry: false });
  if (present === undefined || present.size === 0) return;
  if (present.isFile()) {
    try {
      for await (const { value } of readJsonLines(path)) {
        checkFormat(path, value, format);
        return;
      }
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
  throw new UserError('conflict', `${path} exists and is not ${names[format]}; it was not replaced.`, {
    hint: 'Choose another name.',
    place: { file: path, field: 'path' },
  });
}

/**
 * The records of a sealed file, each checked by `schema`, after its header. The seal is checked at the end: what came
 * before is only to be relied on when the generator has finished.
 * Errors: `not_found`, `invalid_input` naming the line, `conflict` for a file of a newer Longhand.
 */
async function* readSealed<Header extends z.ZodType, Item extends z.ZodType<{ readonly kind: string }>>(
  path: string,
  format: string,
  headerSchema: Header,
  schema: Item,
): AsyncGenerator<{ readonly line: number; readonly value: z.output<Header> | z.output<Item> }> {
  if (sizeOf(path) > maxBytes) throw broken(path, undefined, `is larger than ${maxBytes / 1024 ** 3} GiB`);
  const hash = createHash('sha256');
  let records = -1; // the header is none
  let sealed: { readonly line: number; readonly value: z.output<Item> } | undefined;
  for await (const { line, value } of linesOf(path, format)) {
    if (sealed !== undefined) throw broken(path, line, 'stands after the end of the file');
    if (records === -1) {
      checkFormat(path, value, format);
      yield { line, value: parseInput(headerSchema, value, 'Header', path) };
    } else {
      const item = parseInput(schema, value, `Line ${line}`, path);
      if (item.kind === 'end') {
        const end = value as { readonly records: number; readonly sha256: string }; // checked by the schema
        if (end.records !== records) throw broken(path, line, `says ${end.records} records, but there are ${records}`);
        if (end.sha256 !== hash.copy().digest('hex')) throw broken(path, line, 'does not match: the file was changed');
        sealed = { line, value: item };
        continue;
      }
      yield { line, value: item };
    }
    records += 1;
    if (records > maxRecords) throw broken(path, line, `is more than the ${maxRecords} records that are read`);
    hash.update(`${JSON.stringify(value)}\n`);
  }
  if (sealed === undefined) throw broken(path, undefined, 'ends too early: it was not copied or written completely');
  yield sealed;
}

/** The lines of a file; one whose first line is none (an archive, a picture) is said to be of another kind. */
async function* linesOf(path: string, format: string): ReturnType<typeof readJsonLines> {
  let begun = false;
  try {
    for await (const line of readJsonLines(path)) {
      begun = true;
      yield line;
    }
  } catch (error) {
    if (begun || !(error instanceof UserError) || error.place.line === undefined) throw error;
    throw foreign(path, format);
  }
}

function foreign(path: string, format: string, other?: string): UserError {
  const but = other === undefined ? '' : ` but ${other}`;
  return new UserError('invalid_input', `${path} is not ${names[format]}${but}.`, {
    hint: 'Choose the file that Longhand exported; it is not packed and ends in .jsonl.',
    place: { file: path, line: 1 },
  });
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch (error) {
    throw asReadError(path, error);
  }
}

function checkFormat(path: string, value: unknown, format: string): void {
  const header = anyHeaderSchema.safeParse(value);
  if (!header.success || header.data.format !== format) {
    const other = header.success ? names[header.data.format] : undefined;
    throw foreign(path, format, other);
  }
  if (header.data.version > bundleVersion) {
    throw new UserError('conflict', `${path} was written by a newer Longhand (format ${header.data.version}).`, {
      hint: 'Install the newer Longhand.',
      place: { file: path },
    });
  }
}

function broken(path: string, line: number | undefined, problem: string): UserError {
  return new UserError('invalid_input', `${path}${line === undefined ? '' : `, line ${line}`} ${problem}.`, {
    hint: 'Export the file again, or copy it again from where it was exported.',
    place: { file: path, ...(line === undefined ? {} : { line }) },
  });
}

/** A pair refers to what came before it; `text` is its document's. */
export type BundleItem =
  | Exclude<BundleRecord, { kind: 'pair' } | { kind: 'end' }>
  | (BundlePair & { readonly documentCharacters: number; readonly excerpt: boolean });

/** Header and records of a review bundle, references and chunks checked. Errors: as `readSealed`. */
export async function* readBundle(path: string): AsyncGenerator<BundleHeader | BundleItem> {
  let header: BundleHeader | undefined;
  let provenances = 0;
  let pairs = 0;
  const documents: { readonly length: number; readonly characters: number; readonly excerpt: boolean }[] = [];
  const chunks = new Map<string, string>();
  const ids = new Set<number>();
  for await (const { line, value } of readSealed(path, bundleFormat, bundleHeaderSchema, bundleRecordSchema)) {
    const wrong = (problem: string): UserError => broken(path, line, problem);
    switch (value.kind) {
      case 'header':
        header = value;
        yield value;
        break;
      case 'provenance':
        provenances += 1;
        yield value;
        break;
      case 'document':
        documents.push({ length: value.text.length, characters: value.characters, excerpt: value.excerpt });
        yield value;
        break;
      case 'pair': {
        const document = documents[value.document];
        if (document === undefined) throw wrong(`names document ${value.document}, which did not come before it`);
        if (value.provenance >= provenances)
          throw wrong(`names provenance ${value.provenance}, which did not come before it`);
        const { chunking, index, count, start, end, tokens } = value.chunk;
        if (end > document.length) throw wrong('has a chunk that ends after its document');
        if (ids.has(value.id)) throw wrong(`has pair ${value.id} a second time`);
        ids.add(value.id);
        const key = `${value.document} ${chunking} ${index}`;
        const content = `${start} ${end} ${tokens} ${count}`;
        if ((chunks.get(key) ?? content) !== content) throw wrong('has a chunk unlike the same chunk of another pair');
        chunks.set(key, content);
        pairs += 1;
        yield { ...value, documentCharacters: document.characters, excerpt: document.excerpt };
        break;
      }
      case 'end':
        break;
    }
  }
  if (header !== undefined && header.pairs !== pairs) {
    throw broken(path, 1, `says ${header.pairs} pairs, but there are ${pairs}`);
  }
}

export interface VerdictFile {
  readonly header: VerdictsHeader;
  /** SHA-256 over the file's content: tells one file from another. */
  readonly seal: string;
  readonly reviews: readonly VerdictRecord[];
}

/**
 * A verdict file, all of it checked.
 * @param onReview is told the number of reviews after each; what it throws stops the reading
 * Errors: as `readSealed`.
 */
export async function readVerdicts(path: string, onReview: (reviews: number) => void = () => {}): Promise<VerdictFile> {
  let header: VerdictsHeader | undefined;
  let seal = '';
  const reviews: VerdictRecord[] = [];
  const acts = new Map<number, VerdictRecord>();
  for await (const { line, value } of readSealed(path, verdictsFormat, verdictsHeaderSchema, verdictsRecordSchema)) {
    if (value.kind === 'header') header = value;
    if (value.kind === 'end') seal = value.sha256;
    if (value.kind !== 'review') continue;
    if (value.act <= (reviews.at(-1)?.act ?? 0)) throw broken(path, line, 'is out of order');
    if (value.undoes !== null) {
      const undone = acts.get(value.undoes);
      if (undone?.pairId !== value.pairId || undone.reviewer !== value.reviewer) {
        throw broken(
          path,
          line,
          `takes back review ${value.undoes}, which is none of the same pair and reviewer before it`,
        );
      }
    }
    acts.set(value.act, value);
    reviews.push(value);
    onReview(reviews.length);
  }
  if (header === undefined) throw broken(path, undefined, 'is empty');
  return { header, seal, reviews };
}
