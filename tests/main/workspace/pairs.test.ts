import { expect, test } from 'vitest';
import { asSingleTurns, toPreferenceRow } from '../../../src/main/workspace/trl.ts';
import {
  addChunkedDocument,
  addDocuments,
  open,
  pair,
  provenance,
  sampleOf,
  userError,
  withPairs,
} from './fixtures.ts';

test('documents are content-addressed, paged, searched, counted and archived', () => {
  const workspace = open();
  const ids = addDocuments(workspace, ['one', 'two', 'one', 'three', 'grün 😀']);
  expect(ids).toHaveLength(4);
  expect(workspace.documents.text(4)).toBe('grün 😀');
  const first = workspace.documents.list({ limit: 3 });
  expect(first.rows.map((row) => row.id)).toEqual([1, 2, 3]);
  expect(workspace.documents.list({ limit: 3, cursor: first.next })).toMatchObject({ next: null, rows: [{ id: 4 }] });
  expect(userError(() => workspace.documents.list({ cursor: '1; DROP' })).place.field).toBe('cursor');

  expect(workspace.documents.withoutTokens('m', 2)).toEqual([1, 2]);
  workspace.documents.setTokens('m', [
    { id: 1, tokens: 11 },
    { id: 3, tokens: 33 },
  ]);
  expect(workspace.documents.withoutTokens('m', 9)).toEqual([2, 4]);
  expect(workspace.documents.list({ modelFingerprint: 'm' }).rows.map((row) => row.tokens)).toEqual([
    11,
    null,
    33,
    null,
  ]);
  expect(workspace.documents.lengths('m').rows).toEqual([
    { id: 1, tokens: 11 },
    { id: 3, tokens: 33 },
  ]);

  workspace.documents.setArchived([2], true);
  expect(workspace.documents.list().rows.map((row) => row.id)).toEqual([1, 3, 4]);
  expect(workspace.documents.list({ archived: true }).rows.map((row) => row.id)).toEqual([2]);
  expect(workspace.documents.text(2)).toBe('two');
  expect(workspace.documents.list({ search: '100%' }).rows).toEqual([]);
  expect(workspace.documents.list({ search: 'a TEXT' }).rows).toHaveLength(3);
});

test('chunks are slices of their document under one way of cutting', () => {
  const workspace = open();
  const { documentId, chunkIds } = addChunkedDocument(workspace);
  const same = workspace.chunks.chunking({ maxTokens: 2 });
  expect(workspace.chunks.chunking({ maxTokens: 3 })).not.toBe(same);
  const all = workspace.chunks.ofDocument(documentId, same);
  expect(all.rows.map(({ id, text, index }) => ({ id, text, index }))).toEqual([
    { id: chunkIds[0], text: 'One. ', index: 0 },
    { id: chunkIds[1], text: 'Two.', index: 1 },
  ]);
  const page = workspace.chunks.ofDocument(documentId, same, { limit: 1 });
  expect(workspace.chunks.ofDocument(documentId, same, { cursor: page.next }).rows).toEqual(all.rows.slice(1));
  expect(() => workspace.chunks.add(documentId, same, [{ index: 2, start: 0, end: 99, tokens: 1 }])).toThrow(/beyond/);
});

test('pairs are stored with provenance and found by queue, flag, document and text', () => {
  const workspace = open();
  const { pairIds, sampleId, documentId, chunkIds } = withPairs(workspace);
  const detail = workspace.pairs.detail(pairIds[0] ?? 0);
  expect(detail).toMatchObject({
    ...{ sampleId, documentId, chunkId: chunkIds[1], chunkIndex: 1, chunkText: 'Two.', turn: 0, turns: 2 },
    ...{ question: 'b?', chosen: 'b short', rejected: 'b long', seed: 7, flags: ['identical'], verdict: null },
  });
  expect(detail.provenance).toEqual(provenance);
  const ids = (request: Parameters<typeof workspace.pairs.list>[0]) =>
    workspace.pairs.list(request).rows.map((row) => row.id);
  expect(ids({ queue: 'flagged' })).toEqual([pairIds[0]]);
  expect(ids({ flag: 'identical' })).toEqual([pairIds[0]]);
  expect(ids({ flag: 'ident' })).toEqual([]);
  expect(ids({ search: 'a sho' })).toEqual([pairIds[1]]);
  expect(ids({ documentId: 5 })).toEqual([]);
  workspace.pairs.setArchived([pairIds[0] ?? 0], true);
  expect(ids({})).toEqual([pairIds[1]]);
  expect(ids({ archived: true })).toEqual([pairIds[0]]);
  expect(workspace.pairs.queueCounts().all).toBe(1);
  expect(userError(() => workspace.pairs.detail(99)).code).toBe('not_found');
});

test('a sample is all there or not at all, and takes only chunks of its document', () => {
  const workspace = open();
  const { chunkIds } = addChunkedDocument(workspace);
  const [other = 0] = addDocuments(workspace, ['Other']);
  const good = sampleOf(1, [pair(chunkIds[0] ?? 0, 'a')]);
  expect(() => workspace.pairs.addSamples([good, sampleOf(other, [pair(chunkIds[0] ?? 0, 'a')])])).toThrow(/no chunk/);
  expect(workspace.pairs.queueCounts().all).toBe(0);
  expect(workspace.samples.ids().rows).toEqual([]);
});

test('the long text is the document, or chunks of it joined by three line feeds', () => {
  const workspace = open();
  const { documentId, chunkIds } = addChunkedDocument(workspace);
  const turns = [pair(chunkIds[0] ?? 0, 'a')];
  const whole = sampleOf(documentId, turns);
  const cut = sampleOf(documentId, turns, { context: { chunkIds: [...chunkIds].reverse() } });
  const [first, second] = workspace.pairs.addSamples([whole, cut]);
  expect(workspace.samples.get(first?.sampleId ?? 0).context).toBe('One. Two.');
  const joined = workspace.samples.get(second?.sampleId ?? 0);
  expect(joined.context).toBe('Two.\n\n\nOne. ');
  const hashes = workspace.pairs.list().rows.map((row) => row.sha256);
  expect(new Set(hashes).size).toBe(2);
});

test('a TRL row holds the turns of both sides; extra columns only on request', () => {
  const workspace = open();
  const { sampleId, pairIds } = withPairs(workspace);
  const sample = workspace.samples.get(sampleId);
  const user = (content: string) => ({ role: 'user', content });
  const assistant = (content: string) => ({ role: 'assistant', content });
  expect(toPreferenceRow(sample)).toEqual({
    prompt: [user('One. Two.\n\nb?')],
    chosen: [assistant('b short'), user('a?'), assistant('a short')],
    rejected: [assistant('b long'), user('a?'), assistant('a long')],
  });
  const [, second] = asSingleTurns(sample);
  if (second === undefined) throw new Error('no second turn');
  const row = toPreferenceRow(second, { shortPrompts: true, provenance: true });
  expect(row).toMatchObject({
    prompt: [user('One. Two.\n\na?')],
    chosen: [assistant('a short')],
    short_prompts: [[user('One. \n\na?')]],
    provenance: { modelFingerprint: 'model-a', sample_id: sampleId, pairs: [{ pair_id: pairIds[1], seed: 7 }] },
  });
});

test('reference log-probabilities are exact, per turn, and written once', () => {
  const workspace = open();
  const key = { modelFingerprint: 'm', rope: 'theta=10000', textSha256: 'c'.repeat(64) };
  const logps = { chosen: [-80.1, -1 / 3], rejected: [-350.00000000000006, -5e-324] };
  workspace.referenceLogps.put([{ ...key, ...logps }]);
  workspace.referenceLogps.put([{ ...key, chosen: [0], rejected: [0] }]);
  expect(workspace.referenceLogps.get(key)).toEqual(logps);
  expect(workspace.referenceLogps.get({ ...key, rope: 'theta=20000' })).toBeUndefined();
  const bad = { ...key, rope: 'x', chosen: [Number.NaN], rejected: [0] };
  expect(() => workspace.referenceLogps.put([bad])).toThrow(/finite/);
});

test('models are known by fingerprint and keep their place', () => {
  const workspace = open(undefined, { now: () => 3 });
  workspace.models.put({ fingerprint: 'f', name: 'Tiny', path: '/old', info: { layers: 2 } });
  workspace.models.put({ fingerprint: 'f', name: 'Tiny', path: '/new', info: { layers: 2 } });
  expect(workspace.models.list()).toEqual([
    { fingerprint: 'f', name: 'Tiny', path: '/new', info: { layers: 2 }, addedAt: 3 },
  ]);
  expect(workspace.models.get('g')).toBeUndefined();
});
