import { describe, expect, it } from 'vitest';
import type { AnswerLogps } from '../../../../src/main/engine/training/objectives.ts';
import { parseRunConfig } from '../../../../src/shared/run-config.ts';
import {
  longReferenceTheta,
  referenceContexts,
  referenceKey,
  scoreReferences,
  type ReferenceCache,
} from '../../../../src/main/engine/training/reference.ts';
import { bigramExamples } from './bigram-examples.ts';
import { BigramRunner, NO_ROPE } from './bigram-runner.ts';

const MODEL = { fingerprint: 'bigram', rope: { type: 'default', theta: 10000 }, ropeFor: () => NO_ROPE } as const;

class MapCache implements ReferenceCache {
  readonly entries = new Map<string, AnswerLogps>();
  async get(key: string): Promise<AnswerLogps | undefined> {
    return this.entries.get(key);
  }
  async set(key: string, logps: AnswerLogps): Promise<void> {
    this.entries.set(key, logps);
  }
}

describe('scoreReferences', () => {
  it('scores each turn on its short context and, for DPO, the answers on the long input', async () => {
    const runner = new BigramRunner();
    const [example] = await scoreReferences(runner, bigramExamples(1), MODEL, new MapCache(), {
      contexts: referenceContexts({ objective: 'dpo' }),
    });
    const { short, long } = example?.reference ?? expect.fail();
    expect(short?.chosen.map((turn) => turn.length)).toEqual([3, 3]);
    expect(short?.rejected.map((turn) => turn.length)).toEqual([3, 3]);
    expect(long?.chosen.map((turn) => turn.length)).toEqual([3, 3]);
    expect(long).not.toEqual(short); // the model reads far positions differently

    const parameters = await runner.referenceParameters();
    const tree = example?.short[1] ?? expect.fail();
    const start = tree.rejected[0]?.[0] ?? expect.fail();
    const targets = { from: Int32Array.of(tree.tokens.prefix - 1), target: tree.tokens.ids.slice(start, start + 1) };
    const [expected] = await runner.score(tree.tokens, targets, { parameters, rope: NO_ROPE });
    expect(short?.rejected[1]?.[0]).toBe(expected);
    expect(referenceContexts({ objective: 'longpo' })).toEqual({ short: true, long: false });
  });

  it("reads the long input with the policy's RoPE base where the run says so, and keeps that apart", async () => {
    const runner = new BigramRunner();
    const read: string[] = [];
    const reading = (name: string) => ({
      ...MODEL,
      ropeFor: () => {
        read.push(name);
        return NO_ROPE;
      },
    });
    const [cache, longCache] = [new MapCache(), new MapCache()];
    const long = { model: { ...reading('policy'), rope: { type: 'default', theta: 1e6 } as const }, cache: longCache };
    const contexts = referenceContexts({ objective: 'dpo' });
    await scoreReferences(runner, bigramExamples(1), reading('own'), cache, { contexts, long });
    expect(read).toEqual(['own', 'own', 'policy']);
    expect([cache.entries.size, longCache.entries.size]).toEqual([2, 1]);
    expect([...cache.entries.keys()]).not.toContain([...longCache.entries.keys()][0]);
  });

  it.each([
    [{ objective: 'dpo', ropeTheta: 1e6 }, 1e6],
    [{ objective: 'solopo', ropeTheta: 1e6 }, 1e6],
    [{ objective: 'dpo', ropeTheta: 1e6, referenceRope: 'own' }, null],
    [{ objective: 'dpo' }, null],
    [{ objective: 'longpo', ropeTheta: 1e6 }, null],
  ] as const)('%o: base of the reference on the long input', (input, theta) => {
    expect(longReferenceTheta(parseRunConfig(input))).toBe(theta);
  });

  it('a run stored before there was the setting keeps the own base', () => {
    const { referenceRope, ...before } = parseRunConfig({ objective: 'dpo', ropeTheta: 1e6 });
    expect(referenceRope).toBe('policy');
    expect(longReferenceTheta(before)).toBe(null);
  });

  it('never scores a known row again', async () => {
    const runner = new BigramRunner();
    const cache = new MapCache();
    const contexts = { short: true, long: true };
    const first = await scoreReferences(runner, bigramExamples(3), MODEL, cache, { contexts });
    const rows = runner.scored;
    expect(rows).toBe(3 * 2 * 12);
    expect(await scoreReferences(runner, bigramExamples(3), MODEL, cache, { contexts })).toEqual(first);
    expect(runner.scored).toBe(rows);
    await scoreReferences(runner, bigramExamples(4), MODEL, cache, { contexts });
    expect(runner.scored).toBe(rows + 24);
  });

  it('refuses a model whose log-probabilities are not finite, by the document', async () => {
    const runner = new BigramRunner();
    const score = runner.score.bind(runner);
    runner.score = async (...given) => (await score(...given)).fill(Number.NaN);
    const cache = new MapCache();
    const scored = scoreReferences(runner, bigramExamples(1), MODEL, cache, { contexts: { short: true, long: false } });
    const name = bigramExamples(1)[0]?.document.name ?? expect.fail();
    await expect(scored).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(name) as string,
    });
    expect(cache.entries.size).toBe(0);
  });

  it('stops when told to, with what was scored kept', async () => {
    const cache = new MapCache();
    const controller = new AbortController();
    const scoring = scoreReferences(new BigramRunner(), bigramExamples(3), MODEL, cache, {
      contexts: { short: true, long: false },
      onProgress: (done) => done === 1 && controller.abort(),
      signal: controller.signal,
    });
    await expect(scoring).rejects.toMatchObject({ code: 'cancelled' });
    expect(cache.entries.size).toBe(2);
  });
});

describe('referenceKey', () => {
  it('depends on model, RoPE, tokens and spans, and on nothing else', () => {
    const tree = bigramExamples(1)[0]?.tree ?? expect.fail();
    const ids = tree.tokens.ids.slice();
    ids[3] = (ids[3] ?? 0) + 1;
    const keys = [
      referenceKey(MODEL, tree),
      referenceKey({ ...MODEL, fingerprint: 'other' }, tree),
      referenceKey({ ...MODEL, rope: { type: 'default', theta: 1e6 } }, tree),
      referenceKey(MODEL, { ...tree, tokens: { ...tree.tokens, ids } }),
      referenceKey(MODEL, { ...tree, chosen: tree.chosen.slice(1) }),
      referenceKey(MODEL, { ...tree, tokens: { ...tree.tokens, prefix: 22, first: 10 } }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(referenceKey({ ...MODEL, rope: { theta: 10000, type: 'default' } }, structuredClone(tree))).toBe(keys[0]);
  });
});
