import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countTokens, encodeStream, safePieces } from '../../../../src/main/engine/text/stream.ts';
import { CUTTABLE_PATTERNS } from '../../../../src/main/engine/text/tokenizer-json.ts';
import { loadTokenizer, type Tokenizer } from '../../../../src/main/engine/text/tokenizer.ts';
import { modelFolder, readJson, TOKENIZERS } from './fixtures.ts';

const KINDS = ['llama3', 'qwen2', 'mistral', 'mistral_metaspace', 'gpt2_added', 'gpt2_prefixed'];

/** Pieces that meet in every way a cut could go wrong: words, marks, spaces, special tokens and their parts. */
const PIECES = [
  'the', 'mill', 'Müller', 'e\u0301', '\u0301', '你好', '。', 'カ', '\u1112\u1161\u11ab', '1984', '3', "'s", "'", '.', ',', '?!', '-',
  ' ', ' ', ' ', ' ', ' ', ' the', ' mill', ' 12 ', '  ', '\n', '\r\n', '\t', '\u00a0', '\u3000', '▁', '👍', '<|im_end|>', '<|eot_id|>', '</s>', '[INST]', '<mask>', '<left>',
  'MARK', '<', '|>', '<0x0A>', '\ufeff', '\u{323b0}',
]; // prettier-ignore
const text = (): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...PIECES), { maxLength: 60, size: 'max' }).map((parts) => parts.join(''));

/** The fixture; `gpt2_prefixed` is the GPT-2 one without its added tokens that end in a letter, which forbid cuts. */
function load(kind: string): Promise<Tokenizer> {
  if (kind !== 'gpt2_prefixed') return loadTokenizer(path.join(TOKENIZERS, kind));
  const json = readJson<{ added_tokens: { content: string }[] }>(TOKENIZERS, 'gpt2_added/tokenizer.json');
  const kept = json.added_tokens.filter(({ content }) => !/[A-Za-z]$/.test(content));
  return loadTokenizer(modelFolder({ 'tokenizer.json': { ...json, added_tokens: kept } }));
}

function joined(parts: readonly Int32Array[]): number[] {
  return parts.flatMap((part) => [...part]);
}

async function streamed(tokenizer: Tokenizer, chunks: Iterable<string>): Promise<Int32Array[]> {
  const parts: Int32Array[] = [];
  for await (const part of encodeStream(tokenizer, chunks)) parts.push(part);
  return parts;
}

/** Cuts a text at every place where it may be cut, found as the stream finds them. */
function finest(tokenizer: Tokenizer, whole: string): string[] {
  const pieces: string[] = [];
  let rest = whole;
  for (let at = tokenizer.lastSafeCut(rest); at > 0; at = tokenizer.lastSafeCut(rest)) {
    pieces.unshift(rest.slice(at));
    rest = rest.slice(0, at);
  }
  return [rest, ...pieces];
}

describe.each(KINDS)('with the %s tokenizer', (kind) => {
  it('every safe cut keeps the ids', async () => {
    const tokenizer = await load(kind);
    let cuts = 0;
    fc.assert(
      fc.property(text(), (whole) => {
        const pieces = finest(tokenizer, whole);
        cuts += pieces.length - 1;
        const ids = pieces.map((piece, i) => (i === 0 ? tokenizer.encode(piece) : tokenizer.encodeContinuation(piece)));
        expect(joined(ids)).toEqual([...tokenizer.encode(whole)]);
      }),
      { numRuns: 400 },
    );
    // The GPT-2 one has an added token that ends in a letter and a prefix: no cut is safe.
    if (kind === 'gpt2_added') expect(cuts).toBe(0);
    else expect(cuts).toBeGreaterThan(500);
  });

  it('a cut stays safe whatever follows', async () => {
    const tokenizer = await load(kind);
    fc.assert(
      fc.property(text(), text(), (known, following) => {
        const at = tokenizer.lastSafeCut(known);
        const whole = known + following;
        expect([
          ...tokenizer.encode(whole.slice(0, at)),
          ...(at > 0 ? tokenizer.encodeContinuation(whole.slice(at)) : tokenizer.encode(whole)),
        ]).toEqual([...tokenizer.encode(whole)]);
      }),
      { numRuns: 400 },
    );
  });

  it('a stream in random chunks gives the ids of the whole text', async () => {
    const tokenizer = await load(kind);
    await fc.assert(
      fc.asyncProperty(text(), fc.array(fc.nat({ max: 300_000 }), { maxLength: 8 }), async (part, places) => {
        const whole = `${part} `.repeat(Math.ceil(250_000 / (part.length + 1)));
        const at = [0, ...places.filter((place) => place < whole.length).sort((a, b) => a - b), whole.length];
        const chunks = at.slice(1).map((end, i) => whole.slice(at[i], end));
        const parts = await streamed(tokenizer, chunks);
        expect(
          Buffer.from(Int32Array.from(joined(parts)).buffer).equals(Buffer.from(tokenizer.encode(whole).buffer)),
        ).toBe(true);
      }),
      { numRuns: 6 },
    );
  });

  it('counts without keeping the ids', async () => {
    const tokenizer = await load(kind);
    const whole = "It's the mill, 世界 and 1984. ".repeat(20_000);
    expect(countTokens(tokenizer, whole)).toBe(tokenizer.count(whole));
    expect(countTokens(tokenizer, '')).toBe(0);
  });
});

describe('the pattern list of sure cuts', () => {
  it.each([...CUTTABLE_PATTERNS])('%s', async (regex) => {
    const json = readJson<Record<string, unknown>>(TOKENIZERS, 'llama3/tokenizer.json');
    const split = { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false };
    const main = [...CUTTABLE_PATTERNS].at(-1) ?? '';
    // The two short patterns of DeepSeek only occur before its main one.
    const pretokenizers = [
      split,
      ...(regex.includes('\\s+') ? [] : [{ ...split, pattern: { Regex: main } }]),
      { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
    ];
    const pre_tokenizer = { type: 'Sequence', pretokenizers };
    const tokenizer = await loadTokenizer(modelFolder({ 'tokenizer.json': { ...json, pre_tokenizer } }));
    let cuts = 0;
    fc.assert(
      fc.property(text(), (whole) => {
        const pieces = finest(tokenizer, whole);
        cuts += pieces.length - 1;
        const ids = pieces.map((piece, i) => (i === 0 ? tokenizer.encode(piece) : tokenizer.encodeContinuation(piece)));
        expect(joined(ids)).toEqual([...tokenizer.encode(whole)]);
      }),
      { numRuns: 300 },
    );
    expect(cuts).toBeGreaterThan(300);
  });
});

describe('encodeStream', () => {
  it('yields bounded parts as the text arrives', async () => {
    const tokenizer = await loadTokenizer(path.join(TOKENIZERS, 'llama3'));
    const parts = await streamed(
      tokenizer,
      (function* () {
        for (let i = 0; i < 500; i++) yield 'The mill by the river grinds rye. '.repeat(100);
      })(),
    );
    expect(parts.length).toBeGreaterThan(20);
    expect(Math.max(...parts.map((part) => part.length))).toBeLessThan(100_000);
  });

  it('takes the whole text where nothing proves a cut safe', async () => {
    const json = readJson<Record<string, unknown>>(TOKENIZERS, 'llama3/tokenizer.json');
    const pattern = { Regex: '[a-z ]+|[^a-z ]+' };
    const folder = modelFolder({
      'tokenizer.json': {
        ...json,
        pre_tokenizer: {
          type: 'Sequence',
          pretokenizers: [
            { type: 'Split', pattern, behavior: 'Isolated', invert: false },
            { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
          ],
        },
      },
    });
    const tokenizer = await loadTokenizer(folder);
    const whole = 'the mill by the river. '.repeat(8000);
    expect(tokenizer.lastSafeCut(whole)).toBe(0);
    expect([...safePieces(tokenizer, whole)]).toEqual([whole]);
    const parts = await streamed(tokenizer, [whole.slice(0, 100_000), whole.slice(100_000)]);
    expect(parts).toHaveLength(1);
    expect(joined(parts)).toEqual([...tokenizer.encode(whole)]);
  });

  it('gives nothing for an empty stream', async () => {
    const tokenizer = await loadTokenizer(path.join(TOKENIZERS, 'llama3'));
    expect(await streamed(tokenizer, [])).toEqual([]);
    expect(await streamed(tokenizer, ['', ''])).toEqual([]);
  });
});
