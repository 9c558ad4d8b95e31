import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { countTokens, importDocuments, listDocuments } from '../../../src/main/services/documents.ts';
import {
  cancelGeneration,
  exportPairs,
  generatePairs,
  generationReport,
  listGenerations,
  listPairs,
  resumeGeneration,
} from '../../../src/main/services/pairs.ts';
import { synthesisPresets } from '../../../src/shared/synthesis-config.ts';
import { demoDocument, demoModel, open, temporaryFolder, tinyModel } from './fixtures.ts';

const settings = { ...synthesisPresets.demo, documentsPerGroup: 4 };
const request = { modelDir: demoModel, settings, execution: { threads: 1 } };

async function withDocuments(count: number) {
  const context = open();
  await importDocuments(
    context,
    Array.from({ length: count }, (_, i) => demoDocument(i + 1)),
  );
  return context;
}

/** Everything about the pairs but the time at which they were made. */
function pairsOf(context: ReturnType<typeof open>) {
  return listPairs(context, { limit: 5000 }).rows.map(({ createdAt: _, ...pair }) => pair);
}

test('kill -9 of the engine while it generates, then resume: the same pairs as without', async () => {
  const whole = await withDocuments(14);
  const { counts, job } = await generatePairs(whole, request);
  const expected = pairsOf(whole);
  expect(job).toMatchObject({ status: 'finished', seed: 0 });
  expect(counts).toMatchObject({ documents: 14, pairs: expected.length });
  expect(expected.length).toBeGreaterThan(50);
  expect(generationReport(whole, job.id).counts).toEqual(counts);
  expect(expected.filter((pair) => pair.flags.includes('identical'))).toHaveLength(counts.identical);

  const context = await withDocuments(14);
  let killAt = 3;
  const onProgress = ({ phase, done }: { readonly phase: string; readonly done: number }): void => {
    if (phase === 'load' || done < killAt || context.engine.pid === undefined) return;
    process.kill(context.engine.pid, 'SIGKILL');
  };
  await expect(generatePairs(context, request, { onProgress })).rejects.toMatchObject({ code: 'internal' });
  const stored = pairsOf(context).length;
  expect(stored).toBeGreaterThan(0);
  expect(stored).toBeLessThan(expected.length);
  expect(listGenerations(context).rows).toMatchObject([{ status: 'failed' }]);
  killAt = 9;
  await expect(resumeGeneration(context, 1, { onProgress })).rejects.toMatchObject({ code: 'internal' });
  const resumed = await resumeGeneration(context, 1);
  expect(pairsOf(context)).toEqual(expected);
  expect(resumed.counts).toEqual(counts);
  await expect(resumeGeneration(context, 1)).rejects.toMatchObject({ code: 'conflict' });
});

test('the signal pauses a generation; what is dropped is counted by reason; a second job shares the chunks', async () => {
  const context = await withDocuments(6);
  const stop = new AbortController();
  const onProgress = ({ phase, done }: { readonly phase: string; readonly done: number }): void => {
    if (phase === 'rejected' && done >= 1) stop.abort();
  };
  const strict = { ...settings, filters: { ...settings.filters, identical: 'drop' as const } };
  const stopped = generatePairs(context, { ...request, settings: strict }, { signal: stop.signal, onProgress });
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
  expect(listGenerations(context).rows).toMatchObject([{ id: 1, status: 'paused' }]);
  const { counts } = await resumeGeneration(context, 1);
  expect(counts.dropped['identical']).toBeGreaterThan(0);
  expect(counts.pairs + (counts.dropped['identical'] ?? 0)).toBe(counts.questions);
  const chunks = () => new Set(pairsOf(context).map((pair) => pair.chunkId)).size;
  const before = chunks();
  await generatePairs(context, request);
  expect(chunks()).toBeLessThanOrEqual(before + (counts.dropped['identical'] ?? 0));
  expect(() => cancelGeneration(context, 1)).toThrow(/finished/);
});

test('pairs are exported as TRL rows, with extra columns on request', async () => {
  const context = await withDocuments(3);
  await generatePairs(context, request);
  const path = join(temporaryFolder(), 'pairs.jsonl');
  const rows = () =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, { role: string; content: string }[]>);
  expect(await exportPairs(context, { path })).toMatchObject({ path, rows: 3 });
  expect(rows().map((row) => Object.keys(row))).toEqual(Array(3).fill(['prompt', 'chosen', 'rejected']));
  expect(rows()[0]?.['prompt']?.[0]?.content.startsWith(readFileSync(demoDocument(1), 'utf8').trim())).toBe(true);
  const single = await exportPairs(context, { path, singleTurns: true, shortPrompts: true, provenance: true });
  expect(single.rows).toBe(single.pairs);
  expect(rows().every((row) => row['chosen']?.length === 1 && row['short_prompts']?.length === 1)).toBe(true);
  expect(rows()[0]?.['provenance']).toMatchObject({ separator: '\n', longRopeTheta: null });
  const none = exportPairs(context, { path, selection: { review: 'approved' } });
  await expect(none).rejects.toMatchObject({ code: 'invalid_input' });
});

test('bad input leaves the workspace as it was', async () => {
  const context = open();
  const events = () => context.workspace.events.list().rows.length;
  await expect(generatePairs(context, request)).rejects.toMatchObject({
    code: 'invalid_input',
    message: /no documents/,
  });
  expect(events()).toBe(0);
  await importDocuments(context, [demoDocument(1)]);
  const before = events();
  await expect(generatePairs(context, { ...request, documentIds: [9] })).rejects.toMatchObject({ code: 'not_found' });
  await expect(generatePairs(context, { ...request, modelDir: '/nowhere' })).rejects.toMatchObject({
    code: 'not_found',
  });
  const wrong = generatePairs(context, { ...request, settings: { question: { topP: 2 } } });
  await expect(wrong).rejects.toMatchObject({ place: { field: 'question.topP' } });
  await expect(importDocuments(context, ['/nowhere'])).rejects.toMatchObject({ code: 'not_found' });
  await expect(resumeGeneration(context, 1)).rejects.toMatchObject({ code: 'not_found' });
  expect(events()).toBe(before);
  expect(listGenerations(context).rows).toEqual([]);

  // A document beyond the model's positions is left out and counted, not an error.
  const long = temporaryFolder();
  writeFileSync(join(long, 'long.txt'), readFileSync(demoDocument(2), 'utf8').repeat(4));
  await importDocuments(context, [long]);
  const { counts } = await generatePairs(context, request);
  expect(counts.dropped).toEqual({ document_too_long: 1 });
  expect(new Set(pairsOf(context).map((pair) => pair.documentId))).toEqual(new Set([1]));
});

test('tokens are counted once for each model', async () => {
  const context = await withDocuments(2);
  const { modelFingerprint, counted } = await countTokens(context, demoModel);
  expect(counted).toBe(2);
  const tokens = listDocuments(context, { modelFingerprint }).rows.map((row) => row.tokens ?? 0);
  expect(tokens.every((count) => count > 400 && count < 440)).toBe(true);
  expect((await countTokens(context, demoModel)).counted).toBe(0);
  expect((await countTokens(context, tinyModel('qwen2'))).counted).toBe(2);
});
