import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadChatTemplate } from '../../../../src/main/engine/text/chat-template.ts';
import { ConversationBuilder } from '../../../../src/main/engine/text/conversation.ts';
import { loadTokenizer } from '../../../../src/main/engine/text/tokenizer.ts';
import {
  buildExample,
  buildExamples,
  countExamples,
  type TrainingSample,
} from '../../../../src/main/engine/training/samples.ts';
import { GOLDEN_ROOT, goldenTree, readGoldenCase, type GoldenExample } from './golden-longpo.ts';

const CASES = ['llama-full', 'mistral-full', 'qwen2-full', 'qwen3-full'] as const;

const builderOf = async (model: string): Promise<ConversationBuilder> => {
  const dir = path.join(GOLDEN_ROOT, model);
  return new ConversationBuilder(await loadTokenizer(dir), await loadChatTemplate(dir));
};

/** The golden example as the store has it. */
function sampleOf({ text }: GoldenExample, documentId: number): TrainingSample {
  return {
    documentId,
    documentTitle: `Document ${documentId}`,
    context: text.document,
    provenance: { separator: '\n\n' },
    turns: text.turns.map(({ chunk, question, chosen, rejected }, i) => ({
      pairId: 10 * documentId + i,
      chunkText: text.chunks[chunk] ?? expect.fail(),
      question,
      chosen,
      rejected,
    })),
  };
}

describe.each(CASES)('golden %s', (name) => {
  it('builds the golden packed rows and short pairs from the texts', async () => {
    const { inputs } = readGoldenCase(name);
    const builder = await builderOf(inputs.model);
    inputs.examples.forEach((golden, i) => {
      const example = buildExample(builder, sampleOf(golden, i));
      expect(example.tree).toEqual(goldenTree(golden));
      expect(example.short).toEqual(golden.turns.map(goldenTree));
    });
  });
});

describe('buildExamples', () => {
  const { inputs } = readGoldenCase('llama-full');
  const samples = inputs.examples.map(sampleOf);
  const pairs = samples.flatMap(({ turns }) => turns.map(({ pairId }) => pairId));
  let builder: ConversationBuilder;
  beforeAll(async () => {
    builder = await builderOf('models/llama');
  });
  const build = (given: TrainingSample[], turnsPerSample: number, seed = 1) => [
    ...buildExamples(builder, given, { turnsPerSample, seed, maxLength: 1000 }),
  ];
  const pairsOf = (id: string): number[] => (id.split(':')[1] ?? '').split('+').map(Number);

  it('uses every turn once, in groups of at most n of one document', () => {
    const examples = build(samples, 2);
    expect(examples.map(({ short }) => short.length)).toEqual([2, 2, 1]);
    expect(examples.flatMap(({ id }) => pairsOf(id)).sort((a, b) => a - b)).toEqual(pairs);
    for (const { id, document } of examples) {
      expect(pairsOf(id).every((pair) => Math.floor(pair / 10) === Number(document.id))).toBe(true);
    }
  });

  it('depends on the seed, and not on how the turns were stored', () => {
    const scattered = samples.flatMap((sample) => sample.turns.map((turn) => ({ ...sample, turns: [turn] }))).reverse();
    expect(build(scattered, 4)).toEqual(build(samples, 4));
    const orders = new Set(
      [1, 2, 3, 4, 5, 6, 7, 8].map((seed) =>
        build(samples, 4, seed)
          .map(({ id }) => id)
          .join(),
      ),
    );
    expect(orders.size).toBeGreaterThan(2);
  });

  it('does not mix two long texts of one document', () => {
    const other = {
      ...(samples[0] ?? expect.fail()),
      context: 'Another text.',
      turns: samples[0]?.turns.slice(0, 1) ?? [],
    };
    expect(build([...samples.slice(0, 1), other], 4)).toHaveLength(2);
  });

  it('refuses an example over the limit and names document, tokens and limit', () => {
    const longest = Math.max(...build(samples, 4).map(({ tree: { tokens } }) => tokens.prefix + tokens.first));
    expect(() => [...buildExamples(builder, samples, { turnsPerSample: 4, seed: 1, maxLength: 100 })]).toThrow(
      /"Document 0" .* \d+ tokens, more than the limit of 100/,
    );
    expect(longest).toBeGreaterThan(100);
  });

  it('counts what OPSDL samples: after the prompt there is room for the longest answer, or the example is refused', () => {
    const settings = { objective: 'opsdl', maxNewTokens: 300 } as const;
    const examples = build(samples, 1);
    const prompts = examples.map(({ tree }) => tree.tokens.prefix);
    expect(countExamples(examples, settings)).toMatchObject({
      packedTokens: prompts.reduce((sum, prompt) => sum + prompt + 300, 0),
      unpackedTokens: prompts.reduce((sum, prompt) => sum + prompt + 300, 0),
      longestTokens: Math.max(...prompts) + 300,
    });
    const within = (maxLength: number, maxNewTokens = 300) => [
      ...buildExamples(builder, samples, { turnsPerSample: 1, seed: 1, maxLength, ...settings, maxNewTokens }),
    ];
    const needed = Math.max(...prompts) + 300;
    expect(within(needed)).toHaveLength(examples.length);
    expect(() => within(needed - 1)).toThrow(
      new RegExp(`makes an example of ${needed} tokens, up to 300 of them sampled .maxNewTokens., more than the limit`),
    );
    expect(within(needed - 1, 299)).toHaveLength(examples.length);
    // A long stored answer counts too: held-out pairs are scored with it.
    expect(() => within(Math.max(...prompts), 1)).toThrow(/more than the limit/);
  });

  it('counts tokens', () => {
    const examples = build(samples, 4);
    const counts = countExamples(examples);
    const sequences = inputs.examples.reduce((sum, { chosen, rejected }) => {
      return sum + chosen.input_ids.length + rejected.input_ids.length;
    }, 0);
    expect(counts).toMatchObject({ documents: 2, examples: 2, turns: 5 });
    // The order of turns changes the prefix, not the two sequences' lengths.
    expect(counts.unpackedTokens).toBe(sequences);
    expect(counts.packedTokens).toBeLessThan(sequences);
    expect(counts.longestTokens).toBe(Math.max(...examples.map(({ tree }) => tree.tokens.ids.length)));
    expect(countExamples([])).toMatchObject({ examples: 0, packedTokens: 0, longestTokens: 0 });
  });
});
