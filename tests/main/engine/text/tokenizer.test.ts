import { existsSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../../src/shared/errors.ts';
import { loadTokenizer } from '../../../../src/main/engine/text/tokenizer.ts';
import { GOLDEN, modelFolder, readJson, TOKENIZERS } from './fixtures.ts';

interface Case {
  readonly text: string;
  readonly ids: number[];
  readonly decoded: string;
  readonly plain: string;
  readonly offsets?: [number, number][];
}

const KINDS = ['llama3', 'qwen2', 'mistral', 'mistral_metaspace', 'gpt2_added'];

interface TokenizerJson {
  model: { type: string; vocab: Record<string, number>; merges: [string, string][] };
  added_tokens: { id: number; content: string }[];
  pre_tokenizer: unknown;
  normalizer: unknown;
}

/** UTF-16 position of each code point, as Python counts code points. */
function utf16Positions(text: string): number[] {
  const positions = [0];
  for (const character of text) positions.push((positions.at(-1) ?? 0) + character.length);
  return positions;
}

describe.each(KINDS)('the %s tokenizer', (kind) => {
  const folder = path.join(TOKENIZERS, kind);
  const { cases } = readJson<{ cases: Case[] }>(folder, 'cases.json');

  it('gives the ids of Hugging Face tokenizers', async () => {
    const tokenizer = await loadTokenizer(folder);
    const wrong = cases.filter(
      ({ text, ids }) => !Buffer.from(tokenizer.encode(text).buffer).equals(Buffer.from(Int32Array.from(ids).buffer)),
    );
    expect(cases.length).toBeGreaterThan(300);
    expect(wrong.map(({ text }) => text)).toEqual([]);
    for (const { text, ids } of cases) expect(tokenizer.count(text)).toBe(ids.length);
  });

  it('decodes them as Hugging Face does', async () => {
    const tokenizer = await loadTokenizer(folder);
    for (const { ids, decoded, plain } of cases) {
      expect(tokenizer.decode(ids)).toBe(decoded);
      expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(plain);
    }
  });

  it('gives the same offsets, in UTF-16 units', async () => {
    const tokenizer = await loadTokenizer(folder);
    const withOffsets = cases.filter(({ offsets }) => offsets !== undefined);
    expect(withOffsets.length).toBeGreaterThan(50);
    for (const { text, ids, offsets = [] } of withOffsets) {
      const positions = utf16Positions(text);
      const got = tokenizer.encodeWithOffsets(text);
      expect([...got.ids]).toEqual(ids);
      expect([...got.offsets], JSON.stringify(text)).toEqual(offsets.flat().map((at) => positions[at]));
    }
  });

  it('gives with offsets the same ids as without, for any text', async () => {
    const tokenizer = await loadTokenizer(folder);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const { ids, offsets } = tokenizer.encodeWithOffsets(text);
        expect(ids).toEqual(tokenizer.encode(text));
        for (let i = 0; i < offsets.length; i += 2) {
          expect(offsets[i]).toBeLessThanOrEqual(offsets[i + 1] ?? -1);
          expect(offsets[i + 1]).toBeLessThanOrEqual(text.length);
        }
      }),
    );
  });
});

describe('the byte-level tokenizers', () => {
  it('give any text back', async () => {
    const tokenizer = await loadTokenizer(path.join(TOKENIZERS, 'llama3'));
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
    );
  });

  it('replace lone surrogates', async () => {
    const tokenizer = await loadTokenizer(path.join(TOKENIZERS, 'llama3'));
    expect(tokenizer.decode(tokenizer.encode('a\uD800b'))).toBe('a\u{FFFD}b');
  });

  it('take time in proportion to the text, also for one long word or run of spaces', async () => {
    const tokenizer = await loadTokenizer(path.join(TOKENIZERS, 'llama3'));
    for (const unit of ['abcdefghij', ' ', '\n', '=-', '世界', ' \n']) {
      const text = unit.repeat(1_000_000 / unit.length);
      const start = performance.now();
      tokenizer.encode(text);
      // About 0.2 s; a method that is quadratic in the word's length would take many minutes.
      expect(performance.now() - start, JSON.stringify(unit)).toBeLessThan(10_000);
    }
  });
});

describe('the golden models', () => {
  const names = ['llama', 'llama_rope_llama3', 'llama_rope_linear', 'llama_rope_yarn', 'mistral', 'qwen2', 'qwen3'];

  it.each(names)('%s: special tokens are those of its files', async (name) => {
    const tokenizer = await loadTokenizer(path.join(GOLDEN, 'models', name));
    expect(tokenizer.vocabSize).toBe(320);
    expect(tokenizer.eosToken).toBe('<|im_end|>');
    expect(tokenizer.eosTokenIds).toEqual([4]);
    expect(tokenizer.bosToken).toBe('<s>');
    expect(tokenizer.padToken).toBe('<pad>');
    expect(tokenizer.unkToken).toBe('<unk>');
    expect(tokenizer.idOf('<|im_start|>')).toBe(3);
    expect(tokenizer.idOf('<|nothing|>')).toBeUndefined();
    expect(tokenizer.tokenOf(4)).toBe('<|im_end|>');
    expect(() => tokenizer.tokenOf(320)).toThrow(RangeError);
    expect([...tokenizer.specialIds]).toEqual(Array.from({ length: 16 }, (_, id) => id));
    expect(tokenizer.decode([3, 4], { skipSpecialTokens: true })).toBe('');
  });
});

// The real model's tokenizer is not part of the repository; LONGHAND_SMOLLM2 names a folder that has it.
const smollm2 = process.env['LONGHAND_SMOLLM2'];
describe.skipIf(smollm2 === undefined || !existsSync(smollm2))('SmolLM2', () => {
  it('gives the golden ids', async () => {
    const tokenizer = await loadTokenizer(smollm2 ?? '');
    const { cases } = readJson<{ cases: Pick<Case, 'text' | 'ids'>[] }>(GOLDEN, 'smollm2/tokenizer_cases.json');
    for (const { text, ids } of cases) {
      expect([...tokenizer.encode(text)]).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(text);
    }
  });
});

describe('a class with a pre-tokenizer of its own', () => {
  // From transformers 5.23: GPT2Tokenizer drops the file's Digits step, every other class keeps it.
  const digits = { type: 'Digits', individual_digits: true };
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, use_regex: true };
  // Two characters and a merge that the Digits step keeps apart.
  const json = {
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [digits, byteLevel] },
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: { Ġ: 0, '1': 1, Ġ1: 2 }, merges: ['Ġ 1'] },
  };
  const tokens = async (tokenizer_class: string): Promise<number[]> => {
    const dir = modelFolder({ 'tokenizer.json': json, 'tokenizer_config.json': { tokenizer_class } });
    return [...(await loadTokenizer(dir)).encode(' 1')];
  };

  it.each(['GPT2Tokenizer', 'GPT2TokenizerFast'])('%s joins a space and a numeral', async (name) => {
    expect(await tokens(name)).toEqual([2]);
    expect(await tokens('PreTrainedTokenizerFast')).toEqual([0, 1]);
  });
});

describe('files that cannot be used', () => {
  const valid = (): TokenizerJson => readJson<TokenizerJson>(TOKENIZERS, 'llama3/tokenizer.json');
  const failure = async (files: Record<string, unknown>): Promise<UserError> => {
    const error: unknown = await loadTokenizer(modelFolder(files)).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(UserError);
    return error as UserError;
  };

  it('says that added tokens are too long to be looked for (found by fuzzing)', async () => {
    const json = valid();
    const [first] = json.added_tokens;
    if (first !== undefined) first.content = '<|{x}'.repeat(20_000);
    const error = await failure({ 'tokenizer.json': json });
    expect(error).toMatchObject({ code: 'unsupported', place: { field: 'added_tokens' } });
  });

  it('says that tokenizer.json is missing', async () => {
    const error = await failure({});
    expect(error.code).toBe('not_found');
    expect(error.message).toContain('tokenizer.json');
  });

  it('says that it is not JSON', async () => {
    expect((await failure({ 'tokenizer.json': '{"model":' })).code).toBe('invalid_input');
  });

  it('names the field that is wrong', async () => {
    const json = valid();
    json.model.merges[3] = ['Ġ', 'nowhere'];
    const error = await failure({ 'tokenizer.json': json });
    expect(error.place.field).toBe('model.merges.3');
    expect(error.message).toContain('nowhere');
  });

  it.each([
    ['model.type', (json: TokenizerJson) => (json.model.type = 'Unigram')],
    ['pre_tokenizer', (json: TokenizerJson) => (json.pre_tokenizer = { type: 'BertPreTokenizer' })],
    ['normalizer', (json: TokenizerJson) => (json.normalizer = { type: 'NFKC' })],
    [
      'pre_tokenizer.pattern',
      (json: TokenizerJson) =>
        (json.pre_tokenizer = { type: 'Split', pattern: { Regex: '\\w++' }, behavior: 'Isolated', invert: false }),
    ],
  ])('refuses what it cannot reproduce in %s', async (field, change) => {
    const json = valid();
    change(json);
    const error = await failure({ 'tokenizer.json': json });
    expect(error.code).toBe('unsupported');
    expect(error.place.field).toBe(field);
  });

  it('names a special token that the tokenizer lacks', async () => {
    const error = await failure({ 'tokenizer.json': valid(), 'tokenizer_config.json': { eos_token: '<|gone|>' } });
    expect(error.message).toMatch(/tokenizer_config\.json.*"eos_token".*<\|gone\|>/);
  });

  it('sees that two files do not belong together', async () => {
    const config = { added_tokens_decoder: { 5: { content: '<|eot_id|>' } } };
    const error = await failure({ 'tokenizer.json': valid(), 'tokenizer_config.json': config });
    expect(error.place.field).toBe('added_tokens_decoder.5');
  });

  it('reads special tokens given as objects, the map where the config is silent, and the generation config', async () => {
    const tokenizer = await loadTokenizer(
      modelFolder({
        'tokenizer.json': valid(),
        'tokenizer_config.json': { eos_token: { content: '<|eot_id|>', special: true }, bos_token: null },
        'special_tokens_map.json': { bos_token: '<|begin_of_text|>', pad_token: '<|end_of_text|>' },
        'generation_config.json': { eos_token_id: [700, 701] },
      }),
    );
    expect(tokenizer.bosToken).toBeNull();
    expect(tokenizer.padToken).toBe('<|end_of_text|>');
    const eot = tokenizer.idOf('<|eot_id|>');
    expect(tokenizer.eosTokenIds).toEqual([...new Set([eot, 700, 701])]);
  });

  it('keeps a token called __proto__', async () => {
    const text = JSON.stringify(valid()).replace('"vocab":{', '"vocab":{"__proto__":9000,');
    const tokenizer = await loadTokenizer(modelFolder({ 'tokenizer.json': text }));
    expect(tokenizer.idOf('__proto__')).toBe(9000);
  });
});
