import { readFileSync, readdirSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { PromptCodec } from '../../../../src/main/engine/generation/prompt-codec.ts';
import { chunkDocument } from '../../../../src/main/engine/synthesis/chunking.ts';
import { NO_COUNTS, addCounts } from '../../../../src/main/engine/synthesis/counts.ts';
import type {
  DocumentResult,
  SynthesisDocument,
  SynthesisJob,
  SynthesisProgress,
} from '../../../../src/main/engine/synthesis/job.ts';
import { synthesize } from '../../../../src/main/engine/synthesis/pipeline.ts';
import { parseSynthesisConfig, synthesisPresets } from '../../../../src/shared/synthesis-config.ts';
import { NgramRunner, demoCodec, demoFile, stateOf } from '../generation/ngram-runner.ts';

let codec: PromptCodec;
let runner: NgramRunner;
const folder = demoFile('documents/train');
const documents: SynthesisDocument[] = readdirSync(folder)
  .sort()
  .slice(0, 7)
  .map((name) => ({
    id: name,
    markdown: false,
    read: async () => readFileSync(`${folder}/${name}`, 'utf8'),
  }));

beforeAll(async () => {
  codec = await demoCodec();
  runner = new NgramRunner(codec, 866);
});

function jobWith(change: Partial<SynthesisJob>, config: object = {}): SynthesisJob {
  return {
    documents,
    generator: { runner, codec, state: stateOf(512) },
    longState: stateOf(1024),
    config: parseSynthesisConfig({ ...synthesisPresets.demo, documentsPerGroup: 3, ...config }),
    ...change,
  };
}

async function collect(job: SynthesisJob): Promise<DocumentResult[]> {
  const results: DocumentResult[] = [];
  await synthesize(job, {
    document: async (result) => {
      results.push(result);
    },
  });
  return results;
}

describe('synthesize', () => {
  let whole: DocumentResult[];
  let calls: typeof runner.calls;
  beforeAll(async () => {
    whole = await collect(jobWith({}));
    calls = [...runner.calls];
  });

  it('makes pairs whose answers are what the model says to the chunk and to the document', async () => {
    expect(whole.map((result) => result.documentId)).toEqual(documents.map((document) => document.id));
    const pairs = whole.flatMap((result) => result.pairs);
    expect(pairs.length).toBeGreaterThan(15);
    expect(pairs.some((pair) => !pair.identical)).toBe(true);
    for (const pair of pairs) {
      const document = documents.find((candidate) => candidate.id === pair.documentId);
      const text = (await document?.read()) ?? '';
      const answer = async (context: string): Promise<string> => {
        const input = {
          prefix: new Int32Array(0),
          prompts: [codec.encodePrompt(`${context}\n${pair.question}`)],
          ...{ maxNewTokens: 14, temperature: 0, topK: 0, topP: 1, uniforms: new Float32Array(0) },
          stopIds: codec.stopIds,
        };
        const output = await runner.generate(input, stateOf(1024));
        return codec.decode(output.tokens[0]?.subarray(0, -1) ?? new Int32Array(0));
      };
      const chunk = text.slice(pair.chunk.start, pair.chunk.end);
      expect(await answer(chunk)).toBe(pair.chosen);
      expect(await answer(text.trim())).toBe(pair.rejected);
      expect(pair.provenance.instruction).toBe(`${chunk}\nAsk a question about the text above.`);
      expect(pair.provenance.tokens.shortPrompt).toBe(codec.encodePrompt(`${chunk}\n${pair.question}`).length);
      expect(pair.provenance.tokens.longPrompt).toBe(codec.encodePrompt(`${text.trim()}\n${pair.question}`).length);
      expect(pair.flags).toEqual(pair.identical ? ['identical'] : []);
    }
  });

  it('reads the document once for all its questions, with the rotary tables of the long input', () => {
    const long = calls.filter((call) => call.positions === 1024);
    expect(long.length).toBe(documents.length);
    for (const call of long) {
      expect(call.prefix.length).toBeGreaterThan(300);
      for (const prompt of call.prompts) expect(prompt.length).toBeLessThan(20);
    }
    expect(calls.filter((call) => call.temperature > 0).every((call) => call.positions === 512)).toBe(true);
    expect(calls.some((call) => call.temperature === 0 && call.positions === 512)).toBe(true);
  });

  it('accounts for every chunk', () => {
    for (const { chunks, pairs, dropped, counts } of whole) {
      expect(pairs.length + dropped.length).toBe(chunks.length);
      expect(counts.chunks).toBe(chunks.length);
      expect(counts.pairs).toBe(pairs.length);
      expect(Object.values(counts.dropped).reduce((a, b) => a + b, 0)).toBe(dropped.length);
    }
  });

  it('gives the same pairs wherever it was cut, and the same total counts', async () => {
    const total = whole.reduce((sum, result) => addCounts(sum, result.counts), NO_COUNTS);
    for (let cut = 1; cut < documents.length; cut += 1) {
      const stop = new AbortController();
      const first: DocumentResult[] = [];
      const counts = { value: NO_COUNTS };
      const partial = synthesize(jobWith({ signal: stop.signal }), {
        document: async (result) => {
          first.push(result);
          counts.value = addCounts(counts.value, result.counts);
          if (first.length === cut) stop.abort();
        },
      });
      await expect(partial).rejects.toMatchObject({ code: 'cancelled' });
      const finished = new Set(first.map((result) => result.documentId));
      const second: DocumentResult[] = [];
      const resumed = jobWith({ resume: { finished, counts: counts.value } });
      const end = await synthesize(resumed, {
        document: async (result) => {
          second.push(result);
        },
      });
      expect([...first, ...second]).toEqual(whole);
      expect(end).toEqual(total);
    }
  });

  it('does not batch differently when a part of a group is already done', async () => {
    const batches = async (finished: readonly string[]): Promise<string[]> => {
      runner.calls.length = 0;
      await collect(jobWith({ resume: { finished: new Set(finished), counts: NO_COUNTS } }));
      const short = runner.calls.filter((call) => call.prefix.length < 200);
      expect(short.length).toBeGreaterThan(3);
      return short.map((call) => [call.prefix, ...call.prompts].map((ids) => ids.join()).join('|'));
    };
    const group = documents.slice(0, 3).map((document) => document.id);
    expect(await batches(group.slice(0, 2))).toEqual(await batches([]));
    const later = await batches(group);
    expect((await batches([])).slice(-later.length)).toEqual(later);
  });

  it('writes other questions with another seed', async () => {
    const other = await collect(jobWith({}, { seed: 1 }));
    const questions = (results: DocumentResult[]): string[] =>
      results.flatMap((result) => result.pairs.map((pair) => pair.question));
    expect(questions(other)).not.toEqual(questions(whole));
  });

  it('joins the kept chunks where they are the long context', async () => {
    const chunking = { minTokens: 1, maxTokens: 80, maxChunksPerDocument: 2, short: 'keep' as const };
    runner.calls.length = 0;
    const [result] = await collect(jobWith({ documents: documents.slice(0, 1) }, { chunking, longContext: 'chunks' }));
    const text = (await documents[0]?.read()) ?? '';
    const context = result?.chunks.map((chunk) => text.slice(chunk.start, chunk.end)).join('\n\n\n');
    expect(result?.chunks.length).toBe(2);
    expect(result?.counts.dropped.not_sampled).toBeGreaterThan(2);
    const call = runner.calls.at(-1);
    expect(codec.decode(call?.prefix ?? new Int32Array(0))).toContain(`<|user|>${context}\n`);
  });

  it('leaves out and counts what does not fit or is empty', async () => {
    const empty = { id: 'empty', markdown: false, read: async () => ' \n' };
    const long = await collect(jobWith({ documents: [empty, ...documents.slice(0, 1)] }, { maxLongTokens: 300 }));
    expect(long.map((result) => result.counts.dropped)).toEqual([{ empty_document: 1 }, { document_too_long: 1 }]);
    const short = await collect(
      jobWith({ documents: documents.slice(0, 1), generator: { runner, codec, state: stateOf(100) } }),
    );
    expect(short[0]?.counts.dropped.chunk_too_long).toBeGreaterThan(2);
    expect(short[0]?.dropped.every((item) => item.chunk !== null)).toBe(true);
  });

  it('reports progress and the remaining time', async () => {
    let clock = 0;
    const events: SynthesisProgress[] = [];
    await synthesize(
      jobWith({ now: () => clock, resume: { finished: new Set([documents[0]?.id ?? '']), counts: NO_COUNTS } }),
      {
        document: async () => {
          clock += 2000;
        },
        progress: (event) => events.push(event),
      },
    );
    expect(events[0]).toMatchObject({ stage: 'questions', done: 1, total: 7, etaSeconds: null });
    expect(events.find((event) => event.done === 3)).toMatchObject({ etaSeconds: 8 });
    expect(events.at(-1)).toMatchObject({ done: 7, etaSeconds: 0 });
  });
});

it('cuts the demo documents as the reference run does: 1,201 chunks in 300 documents', () => {
  let chunks = 0;
  for (const name of readdirSync(folder)) {
    const text = readFileSync(`${folder}/${name}`, 'utf8').trim();
    const { chunking } = parseSynthesisConfig(synthesisPresets.demo);
    const input = {
      text,
      markdown: false,
      countTokens: (part: string) => codec.count(part),
      seed: 0,
      documentId: name,
    };
    const result = chunkDocument(input, chunking);
    expect(result.dropped).toEqual([]);
    expect(result.chunks.map((chunk) => text.slice(chunk.start, chunk.end))).toEqual(referenceChunks(text));
    chunks += result.chunks.length;
  }
  expect(chunks).toBeGreaterThanOrEqual(1201);
});

/** `split_chunks` of the demo's reference.py. */
function referenceChunks(text: string): string[] {
  const out: string[] = [];
  let current: string[] = [];
  let tokens = 0;
  for (const sentence of text.split(/(?<=[.!?]) /)) {
    const count = codec.count(` ${sentence}`);
    if (current.length > 0 && tokens + count > 112) {
      out.push(current.join(' '));
      current = [];
      tokens = 0;
    }
    current.push(sentence);
    tokens += count;
  }
  return current.length > 0 ? [...out, current.join(' ')] : out;
}
