import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { atOnce } from '../../../src/main/services/in-turns.ts';
import { scorePairs, scoredModels } from '../../../src/main/services/pair-scores.ts';
import { auditCounts, auditOrder, auditRows } from '../../../src/main/services/reviews.ts';
import { train } from '../../../src/main/services/runs.ts';
import { addDocuments, provenance } from '../workspace/sample-texts.ts';
import { addPairs, open, tinyModel } from './fixtures.ts';
import { tinyRun } from './tiny-run.ts';

const execution = { threads: 1 };
const modelDir = tinyModel('llama');

const inputSchema = z.object({
  examples: z.array(
    z.object({
      id: z.string(),
      text: z.object({
        document: z.string(),
        chunks: z.array(z.string()),
        turns: z.array(z.object({ chunk: z.int(), question: z.string(), chosen: z.string(), rejected: z.string() })),
      }),
    }),
  ),
});
const sidesSchema = z.object({ chosen: z.array(z.number()), rejected: z.array(z.number()) });
const expectedSchema = z.object({
  fp64: z.object({ examples: z.record(z.string(), z.object({ reference_turn_logps: sidesSchema })) }),
});

test.each(['llama', 'qwen3'])('the scores are the golden log-probabilities of the reference: %s', async (name) => {
  const read = (file: string): unknown =>
    JSON.parse(readFileSync(new URL(`../../fixtures/golden/longpo/${name}-full/${file}`, import.meta.url), 'utf8'));
  const { examples } = inputSchema.parse(read('inputs.json'));
  const { fp64 } = expectedSchema.parse(read('expected.json'));
  const context = open();
  const { workspace } = context;
  const expected = examples.flatMap(({ id, text }) => {
    const [documentId = 0] = addDocuments(workspace, [text.document]);
    const chunkIds = workspace.chunks.add(
      documentId,
      workspace.chunks.chunking({ maxTokens: 99 }),
      text.chunks.map((chunk, index) => {
        const start = text.document.indexOf(chunk);
        return { index, start, end: start + chunk.length, tokens: 1 };
      }),
    );
    const turns = text.turns.map(({ chunk, ...turn }) => ({
      ...turn,
      chunkId: chunkIds[chunk] ?? 0,
      seed: 0,
      flags: [],
    }));
    workspace.pairs.addSamples([{ documentId, jobId: null, context: 'document', provenance, turns }]);
    const turnLogps = fp64.examples[id]?.reference_turn_logps;
    return text.turns.map((_, i) => [turnLogps?.chosen[i] ?? NaN, turnLogps?.rejected[i] ?? NaN] as const);
  });

  const report = await scorePairs(context, { modelDir: tinyModel(name), execution });
  expect(report).toMatchObject({ scored: expected.length, known: 0, model: { name } });
  const scores = workspace.pairScores.ofModel(report.model.fingerprint);
  expect(scores).toHaveLength(expected.length);
  for (const [i, { chosen, rejected }] of scores.entries()) {
    expect(Math.abs(chosen - (expected[i]?.[0] ?? NaN))).toBeLessThan(1e-3);
    expect(Math.abs(rejected - (expected[i]?.[1] ?? NaN))).toBeLessThan(1e-3);
  }
});

test('training logs the same reference, and neither computes what the other stored', async () => {
  const alone = open();
  addPairs(alone, 4);
  const { model } = await scorePairs(alone, { modelDir, execution });
  const context = open();
  addPairs(context, 4);
  const { run } = await train(context, {
    modelDir,
    config: { ...tinyRun, epochs: 1, heldOutFraction: 0 },
  });
  const inRun = context.workspace.pairLogps.ofRun(run.id);
  const scores = alone.workspace.pairScores.ofModel(model.fingerprint);
  expect(inRun.map(({ pairId }) => pairId)).toEqual(scores.map(({ pairId }) => pairId));
  for (const [i, { referenceChosen, referenceRejected }] of inRun.entries()) {
    expect(scores[i]?.chosen).toBeCloseTo(referenceChosen, 4);
    expect(scores[i]?.rejected).toBeCloseTo(referenceRejected, 4);
  }
  // From the store that training filled: the very numbers.
  await scorePairs(context, { modelDir, execution });
  expect(context.workspace.pairScores.ofModel(model.fingerprint).map(({ chosen }) => chosen)).toEqual(
    inRun.map(({ referenceChosen }) => referenceChosen),
  );
});

test('a stop keeps what was scored, the next start goes on; an edit makes a score stale; the audit uses them', async () => {
  const context = open();
  addPairs(context, 20);
  const { workspace } = context;
  const stop = new AbortController();
  let stored = 0;
  const stopped = scorePairs(context, { modelDir, execution }, {
    signal: stop.signal,
    onScores: () => {
      stored += 1;
      if (stored === 3) stop.abort();
    },
  }); // prettier-ignore
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
  const [model] = scoredModels(context);
  if (model === undefined) throw new Error('nothing was stored');
  const kept = workspace.pairScores.ofModel(model.fingerprint);
  expect(kept.length).toBeGreaterThanOrEqual(6);
  expect(kept.length).toBeLessThan(40);

  const phases: string[] = [];
  const rest = await scorePairs(context, { modelDir, execution }, {
    onProgress: ({ phase, done, total }) => phases.push(`${phase} ${done}/${total}`),
  }); // prettier-ignore
  expect(rest).toEqual({ model, scored: 40 - kept.length, known: kept.length });
  expect(phases.at(-1)).toMatch(/^score (\d+)\/\1$/);
  expect(await scorePairs(context, { modelDir, execution })).toEqual({ model, scored: 0, known: 40 });

  const margins = new Map(
    workspace.pairScores.ofModel(model.fingerprint).map(({ pairId, chosen, rejected }) => [pairId, chosen - rejected]),
  );
  const filter = { score: { model: model.fingerprint, of: 'margin' as const, range: { max: 0 } } };
  const queue = { filter: { ...filter, queue: 'all' as const }, order: 'margin' as const };
  const below = [...margins].filter(([, margin]) => margin <= 0).sort((a, b) => a[1] - b[1] || a[0] - b[0]);
  const ids = atOnce(auditOrder(context, queue));
  expect(ids).toEqual(below.map(([id]) => id));
  expect(atOnce(auditCounts(context, { filter }))).toMatchObject({ all: below.length });
  const rows = auditRows(context, { ids: [1, 2, 3], reviewer: 'ann', blind: null, model: model.fingerprint });
  expect(rows.map(({ margin }) => margin)).toEqual([1, 2, 3].map((id) => margins.get(id)));
  expect(auditRows(context, { ids: [1], reviewer: 'ann', blind: null })[0]?.margin).toBeNull();
  expect(
    auditRows(context, { ids: [1], reviewer: 'ann', blind: { seed: 1 }, model: model.fingerprint })[0]?.margin,
  ).toBeNull();

  const edit = { reviewer: 'ann', edit: { chosen: 'At six.' }, blind: false, milliseconds: 1 };
  workspace.reviews.append({ pairId: 1, ...edit });
  expect(
    auditRows(context, { ids: [1], reviewer: 'ann', blind: null, model: model.fingerprint })[0]?.margin,
  ).toBeNull();
  expect(await scorePairs(context, { modelDir, execution })).toMatchObject({ scored: 1, known: 39 });
});

test('what cannot be scored is refused: no pairs, no model', async () => {
  const context = open();
  await expect(scorePairs(context, { modelDir })).rejects.toMatchObject({ code: 'invalid_input' });
  addPairs(context, 1);
  await expect(scorePairs(context, { modelDir: '/nowhere' })).rejects.toMatchObject({
    code: expect.any(String) as string,
  });
  expect(scoredModels(context)).toEqual([]);
});
