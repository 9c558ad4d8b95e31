import { readFileSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NO_COUNTS } from '../../../../src/main/engine/synthesis/counts.ts';
import type { DocumentResult, SynthesisJob } from '../../../../src/main/engine/synthesis/job.ts';
import { synthesize } from '../../../../src/main/engine/synthesis/pipeline.ts';
import { parseSynthesisConfig, synthesisPresets } from '../../../../src/shared/synthesis-config.ts';
import { demoModel } from '../evaluation/demo-model.ts';
import { demoFile } from '../generation/ngram-runner.ts';

let model: Awaited<ReturnType<typeof demoModel>>;
beforeAll(async () => {
  model = await demoModel();
});
afterAll(async () => model.runner.release());

async function run(change: Partial<SynthesisJob>): Promise<DocumentResult[]> {
  const folder = demoFile('documents/train');
  const results: DocumentResult[] = [];
  const job: SynthesisJob = {
    documents: readdirSync(folder)
      .sort()
      .slice(0, 60)
      .map((id) => ({ id, markdown: false, read: async () => readFileSync(`${folder}/${id}`, 'utf8') })),
    generator: model,
    longState: model.state,
    config: parseSynthesisConfig(synthesisPresets.demo),
    ...change,
  };
  await synthesize(job, {
    document: async (result) => {
      results.push(result);
    },
  });
  return results;
}

it(
  'the demo model makes about the pairs of its reference run, and the same ones when resumed',
  { timeout: 120_000 },
  async () => {
    const whole = await run({});
    const pairs = whole.flatMap((result) => result.pairs);
    const chunks = whole.reduce((sum, result) => sum + result.counts.chunks, 0);
    // Reference run: a pair for every chunk, 32% identical; chosen answers stand in the document, rejected ones often do not.
    expect(chunks).toBe(240);
    expect(pairs.length).toBe(240);
    const identical = pairs.filter((pair) => pair.identical).length / pairs.length;
    expect(Math.abs(identical - 0.32)).toBeLessThan(0.1);
    const right = (answers: readonly string[]): number => {
      const text = new Map(
        whole.map((result) => [
          result.documentId,
          readFileSync(demoFile('documents/train', result.documentId), 'utf8'),
        ]),
      );
      return (
        answers.filter((answer, i) => text.get(pairs[i]?.documentId ?? '')?.includes(answer)).length / answers.length
      );
    };
    const chosen = right(pairs.map((pair) => pair.chosen));
    const rejected = right(pairs.map((pair) => pair.rejected));
    expect(chosen - rejected).toBeGreaterThan(0.2);

    const finished = new Set(whole.slice(0, 21).map((result) => result.documentId));
    expect(await run({ resume: { finished, counts: NO_COUNTS } })).toEqual(whole.slice(21));
  },
);
