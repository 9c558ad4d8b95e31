import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { labelErrorReport } from '../../../src/main/services/agreement.ts';
import { createApi } from '../../../src/main/services/api/api.ts';
import { PathGrants } from '../../../src/main/services/api/path-grants.ts';
import type { Session } from '../../../src/main/services/api/session.ts';
import { importVerdicts } from '../../../src/main/services/import-verdicts.ts';
import { exportBundle, exportVerdicts, openBundle } from '../../../src/main/services/review-bundle.ts';
import { atOnce } from '../../../src/main/services/in-turns.ts';
import { auditOrder, auditPair, recordReview, undoReview } from '../../../src/main/services/reviews.ts';
import type { ExportBundle } from '../../../src/shared/audit/bundle-requests.ts';
import type { RecordReview } from '../../../src/shared/audit/review.ts';
import { UserError } from '../../../src/shared/errors.ts';
import type { Workspace } from '../../../src/main/workspace/workspace.ts';
import { addDocuments, open, pair, provenance, sampleOf, temporaryFolder } from '../workspace/fixtures.ts';
import { addPairs } from './fixtures.ts';

type Judge = Partial<RecordReview> & { pairId: number };

function judge(workspace: Workspace, review: Judge) {
  const { pairId, reviewer = 'ann', blind = null } = review;
  const seen = auditPair({ workspace }, { pairId, reviewer, blind }).sha256;
  const queue = { reviewer };
  const verdict = review.edit === undefined && review.comment === undefined ? ('first_better' as const) : null;
  return recordReview({ workspace }, { seen, milliseconds: 2000, queue, verdict, ...review, reviewer, blind });
}

/** A workspace with 10 pairs, a bundle of it, and the annotator's workspace. */
async function setUp(request: Partial<ExportBundle> = {}, clock: { now: () => number } = { now: Date.now }) {
  const folder = temporaryFolder();
  const home = open(undefined, clock);
  addPairs({ workspace: home }, 5);
  const path = join(folder, 'set.bundle.jsonl');
  const exported = await exportBundle({ workspace: home }, { path, blind: false, limit: 6, seed: 3, ...request });
  const away = join(folder, 'away');
  const report = await openBundle({ path, folder: away });
  const audit = open(away, { create: false, ...clock });
  const origin = (id: number): number => audit.bundles.pair(id)?.originId ?? 0;
  const verdictPath = join(folder, 'ann.verdicts.jsonl');
  return { folder, home, path, exported, away, report, audit, origin, verdictPath };
}

test('there and back: the annotator sees what is needed, the verdicts arrive with their circumstances', async () => {
  const { home, exported, report, audit, origin, verdictPath, path } = await setUp({ note: 'Look at the dates.' });
  expect(exported).toMatchObject({ pairs: 6, bytes: statSync(path).size });
  expect(report).toMatchObject({ pairs: 6, created: true, note: 'Look at the dates.' });
  const ids = atOnce(auditOrder({ workspace: audit }));
  const expected = atOnce(auditOrder({ workspace: home }, { order: 'random', seed: 3, filter: { queue: 'all' } }));
  expect(ids.map((id) => origin(id))).toEqual(expected.slice(0, 6));
  for (const id of ids) {
    const there = auditPair({ workspace: home }, { pairId: origin(id), reviewer: 'ann', blind: null });
    const here = auditPair({ workspace: audit }, { pairId: id, reviewer: 'ann', blind: null });
    const own = { id: 0, sha256: '', sample: [] };
    expect({ ...here, ...own, document: { ...here.document, id: 0 } }).toEqual({
      ...{ ...there, ...own, document: { ...there.document, id: 0 } },
    });
  }
  judge(audit, { pairId: 1, verdict: 'second_better' });
  judge(audit, { pairId: 2, comment: 'hm' });
  judge(audit, { pairId: 2, edit: { first: 'At dawn, at six.' } });
  judge(audit, { pairId: 2 });
  judge(audit, { pairId: 3, verdict: 'both_bad' });
  undoReview({ workspace: audit }, { reviewer: 'ann' });
  judge(audit, { pairId: 3, verdict: 'both_good', reviewer: 'bob' });
  expect(await exportVerdicts({ workspace: audit }, { path: verdictPath })).toMatchObject({ reviews: 7 });

  const preview = await importVerdicts({ workspace: home }, { path: verdictPath, preview: true });
  expect(preview).toMatchObject({ imported: 7, known: 0, skipped: 0, conflicts: [] });
  expect(preview.reviewers).toEqual([
    { inFile: 'ann', name: 'ann', reviews: 6, pairsHere: 0 },
    { inFile: 'bob', name: 'bob', reviews: 1, pairsHere: 0 },
  ]);
  expect(home.reviews.list().rows).toEqual([]);
  const done = await importVerdicts({ workspace: home }, { path: verdictPath });
  expect(done).toEqual({ ...preview, preview: false });
  expect(home.pairs.detail(origin(1)).verdict).toBe('rejected_better');
  expect(home.pairs.detail(origin(2))).toMatchObject({ verdict: 'chosen_better', chosen: 'At dawn, at six.' });
  expect(home.pairs.detail(origin(3)).verdict).toBe('both_good');
  const times = (workspace: Workspace) => workspace.reviews.list().rows.map((row) => [row.createdAt, row.milliseconds]);
  expect(times(home)).toEqual(times(audit));
  // Drawn at random and gone through in order: a random sample of the workspace that the bundle came from.
  expect((await labelErrorReport({ workspace: home })).sampling).toMatchObject({ kind: 'random', population: 10 });
  expect(await labelErrorReport({ workspace: home })).toMatchObject({ n: 3, verdicts: { chosen_better: 1 } });
});

test('importing again adds nothing; a later file adds what is new, also an undo of what was imported', async () => {
  const { home, audit, origin, verdictPath } = await setUp();
  judge(audit, { pairId: 1 });
  judge(audit, { pairId: 2, edit: { second: 'Never.' } });
  await exportVerdicts({ workspace: audit }, { path: verdictPath });
  expect(await importVerdicts({ workspace: home }, { path: verdictPath })).toMatchObject({ imported: 2, known: 0 });
  expect(await importVerdicts({ workspace: home }, { path: verdictPath })).toMatchObject({ imported: 0, known: 2 });
  judge(audit, { pairId: 1, verdict: 'both_bad' });
  judge(audit, { pairId: 2, verdict: 'both_good' });
  undoReview({ workspace: audit }, { reviewer: 'ann', reviewId: 2 });
  await exportVerdicts({ workspace: audit }, { path: verdictPath });
  const report = await importVerdicts({ workspace: home }, { path: verdictPath });
  expect(report).toMatchObject({ reviews: 5, imported: 3, known: 2, conflicts: [] });
  expect(home.pairs.detail(origin(1)).verdict).toBe('both_bad');
  expect(home.pairs.detail(origin(2))).toMatchObject({ verdict: 'both_good', revision: 0 });
  expect(home.reviews.list().rows).toHaveLength(5);
});

test('conflicts: unknown pair, changed pair, same reviewer twice, wrong clock; each shown, none silent', async () => {
  let time = Date.UTC(2026, 0, 1);
  const { home, audit, origin, verdictPath } = await setUp({}, { now: () => time });
  for (const pairId of [1, 2, 3, 4]) judge(audit, { pairId });
  time -= 24 * 3600_000; // the annotator's clock was set back
  judge(audit, { pairId: 5 });
  time += 24 * 3600_000;
  await exportVerdicts({ workspace: audit }, { path: verdictPath });

  judge(home, { pairId: origin(1), edit: { question: 'When?' }, reviewer: 'lead' });
  judge(home, { pairId: origin(2), verdict: 'both_bad' });
  const report = await importVerdicts({ workspace: home }, { path: verdictPath });
  expect(report).toMatchObject({ imported: 3, skipped: 2 });
  expect(report.conflicts.map(({ kind, pairId, resolution }) => [kind, pairId, resolution])).toEqual([
    ['pair_changed', origin(1), 'skipped'],
    ['same_reviewer', origin(2), 'skipped'],
    ['clock', origin(5), 'imported'],
  ]);
  expect(home.pairs.detail(origin(2)).verdict).toBe('both_bad');
  const renamed = await importVerdicts({ workspace: home }, { path: verdictPath, rename: { ann: 'ann (away)' } });
  expect(renamed).toMatchObject({ imported: 1, known: 3, conflicts: [{ kind: 'pair_changed' }] });
  expect(home.pairs.detail(origin(2)).disagreement).toBe(true);
  const forced = await importVerdicts({ workspace: home }, { path: verdictPath, changedPairs: 'import' });
  expect(forced).toMatchObject({
    imported: 1,
    known: 4,
    conflicts: [{ kind: 'pair_changed', resolution: 'imported' }],
  });

  const other = open();
  addPairs({ workspace: other }, 2);
  addDocuments(other, ['another']);
  const stranger = open();
  const nowhere = await importVerdicts({ workspace: stranger }, { path: verdictPath });
  expect(nowhere).toMatchObject({ imported: 0, skipped: 5 });
  expect(new Set(nowhere.conflicts.map((conflict) => conflict.kind))).toEqual(new Set(['pair_unknown']));
});

test('a choice for wrong clocks; only the file of the preview; a reviewer may have any name', async () => {
  let time = Date.UTC(2026, 0, 1);
  const { home, audit, verdictPath } = await setUp({}, { now: () => time });
  judge(audit, { pairId: 1, reviewer: 'constructor' });
  time += 24 * 3600_000;
  judge(audit, { pairId: 2, reviewer: '__proto__' });
  await exportVerdicts({ workspace: audit }, { path: verdictPath });
  time -= 24 * 3600_000;
  const request = { path: verdictPath, clock: 'skip', preview: true } as const;
  const preview = await importVerdicts({ workspace: home }, request);
  expect(preview).toMatchObject({ imported: 1, skipped: 1, counts: { clock: { imported: 0, skipped: 1 } } });
  expect(preview.reviewers.map(({ name }) => name)).toEqual(['__proto__', 'constructor']);
  judge(audit, { pairId: 3 });
  await exportVerdicts({ workspace: audit }, { path: verdictPath });
  const import_ = { path: verdictPath, expected: preview.seal };
  await expect(importVerdicts({ workspace: home }, import_)).rejects.toMatchObject({ code: 'conflict' });
  expect(home.reviews.list().rows).toEqual([]);
  const stop = AbortSignal.abort();
  await expect(importVerdicts({ workspace: home }, { path: verdictPath }, { signal: stop })).rejects.toMatchObject({
    code: 'cancelled',
  });
});

test('a reviewer whose verdict may rest on an edit that is left out is left out too', async () => {
  const { home, audit, origin, verdictPath } = await setUp();
  judge(audit, { pairId: 1, edit: { first: 'Other.' } });
  judge(audit, { pairId: 1 });
  judge(audit, { pairId: 1, reviewer: 'bob', verdict: 'both_bad' });
  await exportVerdicts({ workspace: audit }, { path: verdictPath });
  judge(home, { pairId: origin(1) });
  const report = await importVerdicts({ workspace: home }, { path: verdictPath });
  expect(report.conflicts.map(({ kind, reviewer }) => `${reviewer} ${kind}`)).toEqual([
    'ann same_reviewer',
    'bob pair_changed',
  ]);
  expect(report).toMatchObject({ imported: 0, skipped: 3 });
});

test('a copy of the annotator workspace that went its own way is not taken for the same reviews', async () => {
  const { home, audit, verdictPath, folder, path } = await setUp();
  const twin = join(folder, 'twin');
  await openBundle({ path, folder: twin });
  judge(audit, { pairId: 1 });
  await exportVerdicts({ workspace: audit }, { path: verdictPath });
  // The same audit id and number, another verdict.
  const lines = readFileSync(verdictPath, 'utf8').split('\n');
  const copy = join(folder, 'copy.jsonl');
  const changed =
    lines[1]?.replace('"verdict":"chosen_better"', '"verdict":"both_bad"').replace('"ann"', '"bob"') ?? '';
  writeFileSync(copy, sealed([lines[0] ?? '', changed]));
  await importVerdicts({ workspace: home }, { path: verdictPath });
  expect(await importVerdicts({ workspace: home }, { path: copy })).toMatchObject({ imported: 1, known: 0 });
});

test('a blind bundle is never seen otherwise', async () => {
  const { audit } = await setUp({ blind: true });
  expect(auditPair({ workspace: audit }, { pairId: 1, reviewer: 'ann', blind: null }).order).toBeNull();
  judge(audit, { pairId: 1 });
  expect(audit.reviews.ofPair(1)[0]?.blind).toBe(true);
});

test('in a blind bundle no method of the API tells which answer is the chosen one', async () => {
  const { audit, home, folder } = await setUp({ blind: true });
  const session = {
    context: { workspace: audit },
    grants: new PathGrants([folder]),
    changed: () => undefined,
    present: () => Promise.resolve(),
  } as unknown as Session;
  const answer = (method: 'pairs.list' | 'pairs.detail' | 'audit.scorePairs' | 'generations.latest', input: unknown) =>
    createApi(session)(method, input);
  for (const [method, input] of [
    ['pairs.list', {}],
    ['pairs.detail', { id: 1 }],
    ['audit.scorePairs', { modelDir: folder }],
  ] as const) {
    await expect(answer(method, input)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('blind') as string,
    });
  }
  expect(await answer('generations.latest', { limit: 4 })).toEqual([]);
  // Elsewhere they answer.
  const open = { ...session, context: { workspace: home } } as unknown as Session;
  expect(await createApi(open)('pairs.detail', { id: 1 })).toMatchObject({ id: 1, chosen: 'At dawn.' });
});

test('excerpts: the chunk with its surroundings, whole characters, and the place in the whole document', async () => {
  const home = open();
  const long = `${'😀'.repeat(300)} The chunk itself. ${'語'.repeat(900)}`;
  const [documentId = 0] = addDocuments(home, [long]);
  const start = 601;
  const [chunkId = 0] = home.chunks.add(documentId, home.chunks.chunking({}), [
    { index: 4, start, end: start + 17, tokens: 5 },
  ]);
  home.pairs.addSamples([sampleOf(documentId, [pair(chunkId, 'a'), pair(chunkId, 'b')])]);
  for (const [documents, length] of [
    [{ excerpt: 0 }, 17],
    [{ excerpt: 100 }, 218], // one unit more, not to cut a character in two
    ['whole', long.length],
  ] as const) {
    const folder = temporaryFolder();
    const path = join(folder, 'x.jsonl');
    const exported = await exportBundle({ workspace: home }, { path, documents, blind: false });
    expect(exported.documents).toBe(1);
    await openBundle({ path, folder: join(folder, 'away') });
    const audit = open(join(folder, 'away'), { create: false });
    expect(audit.documents.textLength(1)).toBe(length);
    const shown = auditPair({ workspace: audit }, { pairId: 1, reviewer: 'ann', blind: null });
    expect(shown.chunk).toMatchObject({ text: 'The chunk itself.', index: 4, count: 1 });
    expect(shown.chunk.place.start).toBeCloseTo(start / long.length, 12);
    expect(shown.document).toMatchObject({ characters: [...long].length, excerpt: documents !== 'whole' });
    expect(shown.turns).toBe(2);
  }
});

test('folders: the same bundle opens again with its reviews, others are refused, nothing is made of a broken file', async () => {
  const { folder, path, away, audit, home } = await setUp();
  judge(audit, { pairId: 1 });
  audit.close();
  expect(await openBundle({ path, folder: away })).toMatchObject({ created: false });
  expect(open(away, { create: false }).reviews.list().rows).toHaveLength(1);
  const second = join(folder, 'second.jsonl');
  await exportBundle({ workspace: home }, { path: second });
  const own = join(folder, 'own');
  const ownWorkspace = open(own);
  addDocuments(ownWorkspace, ['mine']);
  ownWorkspace.close();
  await expect(openBundle({ path: second, folder: own })).rejects.toMatchObject({ code: 'conflict' });
  await expect(openBundle({ path: join(folder, 'no.jsonl'), folder: join(folder, 'n') })).rejects.toMatchObject({
    code: 'not_found',
  });
  writeFileSync(join(folder, 'cut.jsonl'), readFileSync(path).subarray(0, -50));
  await expect(openBundle({ path: join(folder, 'cut.jsonl'), folder: join(folder, 'n') })).rejects.toMatchObject({
    code: 'invalid_input',
  });
  expect(existsSync(join(folder, 'n'))).toBe(false);
  await expect(exportVerdicts({ workspace: home }, { path: join(folder, 'v.jsonl') })).rejects.toMatchObject({
    code: 'conflict',
  });
  await expect(exportBundle({ workspace: open() }, { path: second })).rejects.toMatchObject({ code: 'invalid_input' });
});

/** Lines with an end that fits them, as `writeSealed` writes it. */
function sealed(lines: readonly string[]): string {
  const body = lines.map((line) => `${line}\n`).join('');
  const hash = createHash('sha256').update(body).digest('hex');
  return `${body}${JSON.stringify({ kind: 'end', records: lines.length - 1, sha256: hash })}\n`;
}

test('files by a stranger: every lie is a sentence about a line, and nothing is stored', async () => {
  const { folder, path, home, audit, verdictPath } = await setUp();
  judge(audit, { pairId: 1 });
  judge(audit, { pairId: 1, verdict: 'both_bad' });
  undoReview({ workspace: audit }, { reviewer: 'ann' });
  await exportVerdicts({ workspace: audit }, { path: verdictPath });
  const file = join(folder, 'lie.jsonl');
  const lie = async (lines: readonly string[], seal = true) => {
    writeFileSync(file, seal ? sealed(lines) : lines.join('\n'));
    return openBundle({ path: file, folder: join(folder, 'lie') }).then(
      () => 'opened',
      (error: unknown) => (error instanceof UserError ? error.message.slice(file.length) : String(error)),
    );
  };
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').slice(0, -1);
  const swap = (from: string | RegExp, to: string) => lines.map((line) => line.replace(from, to));
  expect(await lie(swap(/"document":\d+/, '"document":99'))).toContain('document 99, which did not come before');
  expect(await lie(swap(/"provenance":0/, '"provenance":7'))).toContain('provenance 7');
  expect(await lie(swap(/"end":\d+,"tokens"/, '"end":99999,"tokens"'))).toContain('ends after its document');
  expect(await lie(swap(/"start":\d+,"end":\d+,"tokens"/, '"start":3,"end":2,"tokens"'))).toContain(
    'must not be empty',
  );
  expect(await lie([...lines, lines.at(-1) ?? ''])).toContain('a second time');
  expect(await lie(lines.slice(0, -1))).toContain('says 6 pairs');
  expect(await lie(swap('"version":1', '"version":2'))).toContain('newer Longhand');
  expect(await lie(swap(/"title":"[^"]*"/, '"title":"../../etc/passwd\\u0000"'))).toContain('NUL');
  expect(await lie(swap('"kind":"pair"', '"kind":"pair","path":"/etc/passwd"'))).toContain('no such field');
  expect(await lie(swap('"kind":"pair"', '"kind":"pair","__proto__":{"x":1}'))).toContain('Line');
  expect(await lie(lines, false)).toContain('ends too early');
  expect(await lie([...lines, '['.repeat(200_000)])).toMatch(/JSON|Line/);
  expect(await lie(readFileSync(verdictPath, 'utf8').trimEnd().split('\n'), false)).toContain(
    'is not a review bundle but',
  );
  writeFileSync(file, readFileSync(path, 'utf8').replace('At dawn', 'At Dawn'));
  await expect(openBundle({ path: file, folder: join(folder, 'lie') })).rejects.toThrow('the file was changed');
  expect(existsSync(join(folder, 'lie'))).toBe(false);
  // A title is only ever text.
  expect(await lie(swap(/"title":"[^"]*"/, '"title":"../../../tmp/x"'))).toBe('opened');

  const verdictLines = readFileSync(verdictPath, 'utf8').trimEnd().split('\n').slice(0, -1);
  const take = async (changed: readonly string[]) => {
    writeFileSync(file, sealed(changed));
    return importVerdicts({ workspace: home }, { path: file }).then(
      () => 'imported',
      (error: unknown) => (error instanceof UserError ? error.message : String(error)),
    );
  };
  expect(await take([...verdictLines].reverse())).toContain('not a verdict file');
  expect(await take([verdictLines[0] ?? '', ...verdictLines.slice(1).reverse()])).toMatch(/takes back|out of order/);
  expect(await take(verdictLines.map((line) => line.replace('"undoes":2', '"undoes":3')))).toContain('takes back');
  expect(await take(verdictLines.map((line) => line.replace('both_bad', 'best')))).toContain('Line 3');
  expect(home.reviews.list().rows).toEqual([]);
  expect(await take(verdictLines)).toBe('imported');
});

test('any bytes: a UserError or a whole import, never a crash, and never half', { timeout: 60_000 }, async () => {
  const { folder, path, audit, verdictPath } = await setUp();
  for (const pairId of [1, 2, 3]) judge(audit, { pairId });
  await exportVerdicts({ workspace: audit }, { path: verdictPath });
  const file = join(folder, 'fuzz.jsonl');
  const originals = [readFileSync(path), readFileSync(verdictPath)];
  const victim = open();
  addPairs({ workspace: victim }, 5);
  const damage = fc.record({
    which: fc.nat(1),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(200),
    put: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom('\n', '{}', '"', 'null', '\u0000', '{"kind":"end"}\n', '1e999', '-1').map((s) => Buffer.from(s)),
    ),
  });
  const target = join(folder, 'fuzz');
  const check = async (bytes: Uint8Array): Promise<void> => {
    writeFileSync(file, bytes);
    const outcome = (attempt: Promise<unknown>): Promise<boolean> =>
      attempt.then(
        () => true,
        (error: unknown) => {
          expect(error).toBeInstanceOf(UserError);
          return false;
        },
      );
    // Damage that says the same (a blank line) is none.
    if (await outcome(openBundle({ path: file, folder: target }))) {
      const opened = open(target, { create: false });
      expect(opened.pairs.list().rows).toHaveLength(6);
      expect(opened.bundles.opened()).not.toBeNull();
      opened.close();
      rmSync(target, { recursive: true });
    } else expect(existsSync(target)).toBe(false);
    await outcome(importVerdicts({ workspace: victim }, { path: file }));
    expect([0, 3]).toContain(victim.reviews.list().rows.length);
  };
  await fc.assert(
    fc.asyncProperty(damage, async ({ which, at, cut, put }) => {
      const original = originals[which] ?? Buffer.alloc(0);
      const from = Math.floor(at * original.length);
      const bytes = Buffer.concat([original.subarray(0, from), put, original.subarray(from + cut)]);
      if (!bytes.equals(original)) await check(bytes);
    }),
    { numRuns: 150 },
  );
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), check), { numRuns: 60 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue(), { maxLength: 5 }), (values) =>
      check(Buffer.from(sealed(values.map((value) => JSON.stringify(value))))),
    ),
    { numRuns: 60 },
  );
});

test(
  'kill -9 while a bundle is opened or verdicts are imported: all of it or nothing, and again works',
  { timeout: 90_000 },
  async () => {
    const folder = temporaryFolder();
    const homeFolder = join(folder, 'home');
    const home = open(homeFolder);
    const texts = Array.from({ length: 30 }, (_, i) => `${i}. ${'A sentence of the long text. '.repeat(400)}`);
    const ids = addDocuments(home, texts);
    const chunking = home.chunks.chunking({});
    home.transaction(() => {
      for (const documentId of ids) {
        const chunks = Array.from({ length: 20 }, (_, index) => ({
          index,
          start: index * 30,
          end: index * 30 + 30,
          tokens: 9,
        }));
        const turns = home.chunks.add(documentId, chunking, chunks).map((chunkId, turn) => pair(chunkId, `q${turn}`));
        home.pairs.addSamples([{ ...sampleOf(documentId, turns), provenance }]);
      }
    });
    const path = join(folder, 'set.jsonl');
    await exportBundle({ workspace: home }, { path, limit: 600, documents: 'whole', blind: false });
    const away = join(folder, 'away');
    const kill = async (file: string, target: string, mode: string, after: number): Promise<boolean> => {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'bundle-child.ts'), file, target, mode], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const output = readAll(child.stdout);
      await once(child.stdout, 'data');
      await wait(after);
      child.kill('SIGKILL');
      return (await output).includes('end');
    };
    let whole = false;
    for (let round = 0; round < 4 && !whole; round += 1) {
      whole = await kill(path, away, 'open', 20 + round * 80);
      if (!existsSync(join(away, 'workspace.db'))) continue;
      const after = open(away, { create: true });
      const count = after.pairs.queueCounts().all;
      expect([0, 600]).toContain(count);
      expect(after.bundles.opened() !== null).toBe(count === 600);
      after.close();
    }
    await openBundle({ path, folder: away });
    const audit = open(away, { create: false });
    expect(audit.pairs.queueCounts().all).toBe(600);
    audit.transaction(() => {
      for (let pairId = 1; pairId <= 600; pairId += 1) {
        audit.reviews.append({ pairId, reviewer: 'ann', verdict: 'chosen_better', blind: false, milliseconds: 1 });
      }
    });
    const verdicts = join(folder, 'v.jsonl');
    await exportVerdicts({ workspace: audit }, { path: verdicts });
    home.close();
    whole = false;
    for (let round = 0; round < 4 && !whole; round += 1) {
      whole = await kill(verdicts, homeFolder, 'import', 20 + round * 80);
      const after = open(homeFolder, { create: false });
      // Pair by pair: what is there is whole, and the next import adds the rest.
      expect(after.reviews.list({ limit: 5000 }).rows).toHaveLength(after.pairs.queueCounts().done);
      after.close();
    }
    const again = open(homeFolder, { create: false });
    const report = await importVerdicts({ workspace: again }, { path: verdicts });
    expect(report.imported + report.known).toBe(600);
    expect(again.pairs.queueCounts().done).toBe(600);
  },
);
