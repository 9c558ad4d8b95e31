import { createHash, randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { bundleFormat, bundleVersion, verdictsFormat } from '../../shared/audit/bundle-format.ts';
import type { BundleHeader, BundleRecord, VerdictRecord, VerdictsHeader } from '../../shared/audit/bundle-format.ts';
import { exportBundleSchema, exportVerdictsSchema } from '../../shared/audit/bundle-requests.ts';
import type {
  ExportBundle,
  ExportedBundle,
  ExportedVerdicts,
  ExportVerdicts,
  OpenedBundleInfo,
  OpenedBundleReport,
} from '../../shared/audit/bundle-requests.ts';
import { chunkPlace } from '../../shared/audit/chunk-place.ts';
import { auditQueueSchema } from '../../shared/audit/queue.ts';
import { UserError } from '../../shared/errors.ts';
import { everyRow } from '../../shared/paging.ts';
import { parseInput } from '../../shared/parse.ts';
import type { NewPair, Provenance } from '../../shared/pairs.ts';
import { canonicalJson } from '../workspace/content-hash.ts';
import { openWorkspace } from '../workspace/workspace.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { readBundle, writeSealed } from './bundle-file.ts';
import type { BundleItem } from './bundle-file.ts';
import { codeVersion } from './code-version.ts';
import { inTurns } from './in-turns.ts';
import type { ServiceContext } from './context.ts';
import type { JobOptions } from './engine-client.ts';
import { noPairs } from './pairs.ts';
import { inSlices } from './slices.ts';

type WorkspaceOnly = Pick<ServiceContext, 'workspace'>;

/**
 * Writes pairs as one file for review on another machine: texts, chunks, their place and as much of the documents as
 * asked for; no model, no verdicts, no file paths.
 * Errors: `invalid_input` where no pair fits, `not_found`, those of writing, `cancelled`; nothing is left behind then.
 */
export async function exportBundle(
  { workspace }: WorkspaceOnly,
  input: ExportBundle,
  options: JobOptions = {},
): Promise<ExportedBundle> {
  const request = parseInput(exportBundleSchema, input, 'Review bundle');
  const { filter, order, seed, blind, note } = request;
  const queue = parseInput(auditQueueSchema, { filter, order, seed }, 'Review bundle');
  const ids = request.pairIds ?? (await inTurns(workspace.auditQueue.ids(queue))).slice(0, request.limit);
  if (ids.length === 0) throw noPairs();
  if (new Set(ids).size < ids.length) {
    throw new UserError('invalid_input', 'A pair stands in the list twice.', { place: { field: 'pairIds' } });
  }
  const path = resolve(request.path);
  const picked = request.pairIds !== undefined;
  const header: BundleHeader = {
    ...{ kind: 'header', format: bundleFormat, version: bundleVersion },
    ...{ bundleId: randomUUID(), createdAt: workspace.now(), writtenBy: codeVersion(), blind, note, pairs: ids.length },
    draw: { order, seed, filter, picked },
  };
  let documents = 0;
  const counted = function* (): Generator<BundleRecord> {
    for (const record of bundleRecords(workspace, ids, request.documents, options)) {
      if (record.kind === 'document') documents += 1;
      yield record;
    }
  };
  const bytes = await writeSealed(path, header, counted());
  const { bundleId } = header;
  workspace.events.add('bundle_exported', `bundle/${bundleId}`, { path, pairs: ids.length, draw: header.draw });
  return { path, bundleId, pairs: ids.length, documents, bytes };
}

function* bundleRecords(
  workspace: Workspace,
  ids: readonly number[],
  documents: 'whole' | { readonly excerpt: number },
  options: JobOptions,
): Generator<BundleRecord> {
  const provenances = new Map<string, number>();
  const written = new Map<string, { readonly number: number; readonly start: number }>();
  let latest: { readonly id: number; readonly text: string } | undefined;
  const textOf = (id: number): string => {
    if (latest?.id !== id) latest = { id, text: workspace.documents.text(id) ?? '' };
    return latest.text;
  };
  for (const [i, id] of ids.entries()) {
    if (options.signal?.aborted === true) throw new UserError('cancelled', 'The export was stopped.');
    const pair = workspace.pairs.detail(id);
    const document = workspace.documents.get(pair.documentId);
    const chunk = workspace.chunks.get(pair.chunkId);
    if (document === undefined || chunk === undefined) throw new Error(`pair ${id} has no document or no chunk`);

    const made = canonicalJson(pair.provenance);
    const provenance = provenances.get(made) ?? provenances.size;
    if (provenance === provenances.size) {
      provenances.set(made, provenance);
      yield { kind: 'provenance', provenance: pair.provenance };
    }
    const key = documents === 'whole' ? `document ${document.id}` : `chunk ${chunk.id}`;
    let home = written.get(key);
    if (home === undefined) {
      const text = textOf(document.id);
      const [from, to] =
        documents === 'whole'
          ? [0, text.length]
          : surroundings(text, pair.chunkStart, pair.chunkEnd, documents.excerpt);
      home = { number: written.size, start: from };
      written.set(key, home);
      const excerpt = to - from < text.length;
      const { title, importer, characters } = document;
      yield { kind: 'document', title, importer, characters, excerpt, text: text.slice(from, to) };
    }
    yield {
      ...{ kind: 'pair', id, sha256: pair.sha256, document: home.number, provenance },
      chunk: {
        ...{ chunking: chunk.chunkingId, index: pair.chunkIndex, count: workspace.chunks.siblings(chunk.id) },
        ...{ start: pair.chunkStart - home.start, end: pair.chunkEnd - home.start, tokens: chunk.tokens },
      },
      place: chunkPlace(pair.chunkStart, pair.chunkEnd, workspace.documents.textLength(document.id)),
      ...{ turn: pair.turn, turns: pair.turns, question: pair.question, chosen: pair.chosen, rejected: pair.rejected },
      ...{ seed: pair.seed, flags: pair.flags },
    };
    report(options, 'export', i + 1, ids.length);
  }
}

/** The chunk with so much before and after it, without cutting a character in two. */
function surroundings(text: string, start: number, end: number, around: number): [number, number] {
  const cuts = (at: number): boolean => at > 0 && at < text.length && isLow(text, at) && isHigh(text, at - 1);
  const from = Math.max(0, start - around);
  const to = Math.min(text.length, end + around);
  return [cuts(from) ? from - 1 : from, cuts(to) ? to + 1 : to];
}

const isHigh = (text: string, at: number): boolean => (text.charCodeAt(at) & 0xfc00) === 0xd800;
const isLow = (text: string, at: number): boolean => (text.charCodeAt(at) & 0xfc00) === 0xdc00;

/**
 * Makes an annotator's workspace from a bundle in a new or empty folder; where the folder holds the same bundle already,
 * it is left as it is. No model is needed. The file is checked to its end before anything is made, and everything
 * becomes visible at once: after a crash the folder holds the whole bundle or an empty workspace that a second call
 * fills.
 * Errors: those of the file; `conflict` where the folder holds something else.
 */
export async function openBundle(
  request: { readonly path: string; readonly folder: string },
  options: JobOptions = {},
): Promise<OpenedBundleReport> {
  const path = resolve(request.path);
  const folder = resolve(request.folder);
  const header = await checkBundle(path, options);
  const { bundleId, pairs, blind, note } = header;
  const outcome = (created: boolean): OpenedBundleReport => ({ folder, bundleId, pairs, blind, note, created });
  const workspace = openWorkspace(folder, { create: true });
  try {
    const present = workspace.bundles.opened();
    if (present?.header.bundleId === bundleId) return outcome(false);
    if (present !== null || workspace.documents.list({ limit: 1 }).rows.length > 0) {
      const what = present === null ? 'a workspace with documents of its own' : 'another review bundle';
      throw new UserError('conflict', `${folder} holds ${what}.`, {
        hint: 'Open each bundle in a folder of its own.',
        place: { file: folder },
      });
    }
    await fill(workspace, path, bundleId, options);
    return outcome(true);
  } finally {
    workspace.close();
  }
}

async function checkBundle(path: string, options: JobOptions): Promise<BundleHeader> {
  let header: BundleHeader | undefined;
  let pairs = 0;
  for await (const item of readBundle(path)) {
    if (options.signal?.aborted === true) throw new UserError('cancelled', 'Opening the bundle was stopped.');
    if (item.kind === 'header') header = item;
    if (item.kind !== 'pair') continue;
    pairs += 1;
    report(options, 'check', pairs, header?.pairs ?? 0);
  }
  if (header === undefined) throw new Error('a bundle without a header was accepted');
  return header;
}

function report({ onProgress }: JobOptions, phase: string, done: number, total: number): void {
  onProgress?.({ phase, done, total, unit: 'pairs', etaSeconds: null });
}

type PairItem = Extract<BundleItem, { kind: 'pair' }>;

async function fill(workspace: Workspace, path: string, bundleId: string, options: JobOptions): Promise<void> {
  const sink = workspace.documents.startImport();
  try {
    const provenances: Provenance[] = [];
    const pairs: PairItem[] = [];
    // The place of each document's text among the different texts: two documents of a bundle may have the same one.
    const textNumbers: number[] = [];
    const texts = new Map<string, number>();
    let header: BundleHeader | undefined;
    for await (const item of readBundle(path)) {
      if (options.signal?.aborted === true) throw new UserError('cancelled', 'Opening the bundle was stopped.');
      switch (item.kind) {
        case 'header':
          header = item;
          break;
        case 'provenance':
          provenances.push(item.provenance);
          break;
        case 'document': {
          const { title, importer, text } = item;
          const hash = createHash('sha256').update(text).digest('hex');
          const number = texts.get(hash) ?? texts.size;
          textNumbers.push(number);
          if (texts.has(hash)) break;
          texts.set(hash, number);
          sink.add({
            ...{ title, text, importer, sourcePath: '', sourceLine: null },
            ...{ bytes: Buffer.byteLength(text), characters: [...text].length },
          });
          break;
        }
        case 'pair':
          pairs.push(item);
          report(options, 'read', pairs.length, header?.pairs ?? 0);
          break;
      }
    }
    if (header?.bundleId !== bundleId) throw new UserError('conflict', `${path} was replaced while it was opened.`);
    const opened = header;
    await workspace.longTransaction(async () => {
      const ids = sink.commit();
      const chunks = new Map<string, number>();
      const add = (pair: PairItem): void => {
        const documentId = ids[textNumbers[pair.document] ?? -1];
        const provenance = provenances[pair.provenance];
        if (documentId === undefined || provenance === undefined) throw new Error('a checked bundle has a loose end');
        const chunkId = chunkOf(workspace, chunks, bundleId, documentId, pair);
        addPair(workspace, documentId, chunkId, provenance, pair);
      };
      await inSlices(pairs, add, {
        before: (done) => {
          if (options.signal?.aborted === true) throw new UserError('cancelled', 'Opening the bundle was stopped.');
          report(options, 'open', done, pairs.length);
        },
      });
      workspace.bundles.setOpened(opened, randomUUID());
    });
  } catch (error) {
    sink.abort();
    throw error;
  }
}

function chunkOf(
  workspace: Workspace,
  known: Map<string, number>,
  bundleId: string,
  documentId: number,
  { document, chunk: { chunking, index, start, end, tokens } }: PairItem,
): number {
  const key = `${document} ${chunking} ${index}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const chunkingId = workspace.chunks.chunking({ bundleId, document, chunking });
  const [id] = workspace.chunks.add(documentId, chunkingId, [{ index, start, end, tokens }]);
  if (id === undefined) throw new Error('a chunk was not added');
  known.set(key, id);
  return id;
}

/** Each pair is a sample of its own, so that pairs keep the order of the bundle. */
function addPair(
  workspace: Workspace,
  documentId: number,
  chunkId: number,
  provenance: Provenance,
  item: PairItem,
): void {
  const { question, chosen, rejected, seed, flags, place, turn, turns, documentCharacters, excerpt } = item;
  const pair: NewPair = { chunkId, question, chosen, rejected, seed, flags };
  const [added] = workspace.pairs.addSamples([
    { documentId, jobId: null, context: 'document', provenance, turns: [pair] },
  ]);
  const pairId = added?.pairIds[0];
  if (pairId === undefined) throw new Error('a pair was not added');
  workspace.bundles.addPair(pairId, {
    ...{ originId: item.id, originSha256: item.sha256 },
    detail: { place, chunks: item.chunk.count, turn, turns, documentCharacters, excerpt },
  });
}

/**
 * Writes all reviews of an annotator's workspace for the workspace that made the bundle; may be done again later, with
 * more reviews.
 * Errors: `conflict` for a workspace that is not from a bundle, `invalid_input` without reviews, those of writing.
 */
export async function exportVerdicts(
  { workspace }: WorkspaceOnly,
  request: ExportVerdicts,
  options: JobOptions = {},
): Promise<ExportedVerdicts> {
  const path = resolve(parseInput(exportVerdictsSchema, request, 'Verdict file').path);
  const bundle = workspace.bundles.opened();
  if (bundle === null) {
    throw new UserError('conflict', `${workspace.folder} was not made from a review bundle.`, {
      hint: 'Its verdicts are where they belong; export pairs instead.',
    });
  }
  if (workspace.reviews.list({ limit: 1 }).rows.length === 0) {
    throw new UserError('invalid_input', 'There are no verdicts to export yet.', { hint: 'Review some pairs first.' });
  }
  const header: VerdictsHeader = {
    ...{ kind: 'header', format: verdictsFormat, version: bundleVersion },
    ...{ bundleId: bundle.header.bundleId, bundleCreatedAt: bundle.header.createdAt, auditId: bundle.auditId },
    ...{ exportedAt: workspace.now(), writtenBy: codeVersion() },
  };
  let reviews = 0;
  const counted = function* (): Generator<VerdictRecord> {
    for (const record of verdictRecords(workspace)) {
      if (options.signal?.aborted === true) throw new UserError('cancelled', 'The export was stopped.');
      reviews += 1;
      options.onProgress?.({ phase: 'export', done: reviews, total: reviews, unit: 'reviews', etaSeconds: null });
      yield record;
    }
  };
  const bytes = await writeSealed(path, header, counted());
  return { path, reviews, bytes };
}

function* verdictRecords(workspace: Workspace): Generator<VerdictRecord> {
  for (const review of everyRow((cursor) => workspace.reviews.list({ cursor, limit: 200 }))) {
    const { id, pairId, reviewer, verdict, edit, comment, undoes, blind, milliseconds, createdAt } = review;
    const origin = workspace.bundles.pair(pairId);
    if (origin === undefined) throw new Error(`pair ${pairId} is not from the bundle`);
    yield {
      ...{ kind: 'review', act: id, pairId: origin.originId, sha256: origin.originSha256, reviewer, verdict, edit },
      ...{ comment, undoes, blind, milliseconds, createdAt, draw: workspace.reviews.drawOf(id) },
    };
  }
}

/** What an annotator's workspace should say of itself; null for a workspace of its own. */
export function openedBundle({ workspace }: WorkspaceOnly): OpenedBundleInfo | null {
  const bundle = workspace.bundles.opened();
  if (bundle === null) return null;
  const { all: pairs, unreviewed } = workspace.pairs.queueCounts();
  const { bundleId, createdAt, blind, note } = bundle.header;
  return { bundleId, createdAt, openedAt: bundle.openedAt, blind, note, pairs, reviewed: pairs - unreviewed };
}
