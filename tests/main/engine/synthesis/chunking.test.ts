import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitFiner, splitIntoUnits } from '../../../../src/main/engine/synthesis/boundaries.ts';
import { chunkDocument } from '../../../../src/main/engine/synthesis/chunking.ts';
import type { ChunkResult } from '../../../../src/main/engine/synthesis/chunking.ts';
import type { ChunkOptions } from '../../../../src/shared/synthesis-config.ts';

/** Byte-level counting: one token for each word of up to 8 bytes with the space before it, more for longer ones. */
function countTokens(text: string): number {
  let tokens = 0;
  for (const piece of text.match(/ ?[^\s]+|\s+(?=\s|$)|\s/g) ?? []) tokens += Math.ceil(Buffer.byteLength(piece) / 9);
  return tokens;
}

const options = (given: Partial<ChunkOptions>): ChunkOptions => ({
  minTokens: 1,
  maxTokens: 100,
  maxChunksPerDocument: null,
  short: 'keep',
  ...given,
});

function cut(text: string, given: Partial<ChunkOptions>, markdown = false, seed = 0): ChunkResult {
  return chunkDocument({ text, markdown, countTokens, seed, documentId: 'd' }, options(given));
}

const texts = (text: string, result: ChunkResult): string[] =>
  result.chunks.map((chunk) => text.slice(chunk.start, chunk.end));

describe('splitIntoUnits', () => {
  const sentences = (text: string, markdown = false): string[] =>
    splitIntoUnits(text, markdown).map((unit) => text.slice(unit.start, unit.end));

  it('splits sentences and leaves abbreviations, initials and decimals alone', () => {
    expect(sentences('Dr. Smith met J. Doe, e.g. on Monday. It cost 3.5 euros! "Really?" Yes.')).toEqual([
      'Dr. Smith met J. Doe, e.g. on Monday.',
      'It cost 3.5 euros!',
      '"Really?"',
      'Yes.',
    ]);
    expect(sentences('你好。再见！')).toEqual(['你好。', '再见！']);
  });

  it('grades boundaries: heading, paragraph, sentence, line, and keeps a heading with its text', () => {
    const text = '# A\n\nOne line\ngoes on. Two.\n\nThree.\n## B\nFour.\n```\n# no heading\n```\n';
    expect(splitIntoUnits(text, true).map((unit) => [text.slice(unit.start, unit.end), unit.strength])).toEqual([
      ['# A', 0],
      ['One line', 9],
      ['goes on.', 8],
      ['Two.', 7],
      ['Three.', 6],
      ['## B', 1],
      ['Four.', 9],
      ['```', 7],
      ['# no heading', 8],
      ['```', 8],
    ]);
  });

  it('never cuts a surrogate pair', () => {
    const text = '😀'.repeat(20);
    const pieces = splitFiner(text, { start: 0, end: text.length, strength: 6 });
    expect(pieces.map((piece) => text.slice(piece.start, piece.end))).toEqual(['😀'.repeat(16), '😀'.repeat(4)]);
  });
});

describe('chunkDocument', () => {
  it('takes as many whole sentences as fit', () => {
    const text = 'One two three. Four five six. Seven eight nine ten eleven. Twelve thirteen.';
    expect(texts(text, cut(text, { maxTokens: 8 }))).toEqual([
      'One two three. Four five six.',
      'Seven eight nine ten eleven. Twelve thirteen.',
    ]);
  });

  it('ends a chunk before a heading or paragraph rather than at the last sentence that fits', () => {
    const text = '# A\nOne two three four five. Six.\n\n# B\nSeven eight. Nine ten eleven. Twelve thirteen fourteen.';
    expect(texts(text, cut(text, { maxTokens: 14 }, true))[0]).toBe('# A\nOne two three four five. Six.');
  });

  it('does not make a tiny chunk for the sake of a strong boundary', () => {
    const text = 'One two.\n\n# B\nThree four five six. Seven eight nine. Ten eleven twelve thirteen.';
    expect(texts(text, cut(text, { maxTokens: 14 }, true))[0]).toBe(
      'One two.\n\n# B\nThree four five six. Seven eight nine.',
    );
  });

  it('never ends a chunk with a heading', () => {
    const text = 'One two three four five six seven.\n\n## Title\n\nEight nine ten eleven twelve thirteen. Fourteen.';
    expect(texts(text, cut(text, { maxTokens: 12 }, true))[0]).toBe('One two three four five six seven.');
  });

  it('keeps the bound where the tokens of the whole exceed those of its parts', () => {
    const text = 'One two three. Four five six. Seven eight nine. Ten eleven twelve. Thirteen.';
    const count = (part: string): number => countTokens(part) + Math.floor(part.length / 25);
    const result = chunkDocument(
      { text, markdown: false, countTokens: count, seed: 0, documentId: 'd' },
      options({ maxTokens: 12 }),
    );
    for (const chunk of result.chunks) expect(count(text.slice(chunk.start, chunk.end))).toBeLessThanOrEqual(12);
    expect(texts(text, result).join(' ')).toBe(text);
  });

  it('splits a long sentence between words and a long word only where it must', () => {
    const text = 'alpha beta gamma delta epsilon zeta eta theta iota kappa ' + 'x'.repeat(120) + ' end';
    const result = cut(text, { maxTokens: 8 });
    expect(texts(text, result)[0]).toBe('alpha beta gamma delta epsilon zeta eta theta');
    expect(texts(text, result).join('').replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''));
    for (const chunk of result.chunks) expect(chunk.tokens).toBeLessThanOrEqual(8);
  });

  it('drops, merges or keeps a short tail, and says which', () => {
    const text = 'One two three. Four five six. Seven eight nine. Ten.';
    const given = { minTokens: 3, maxTokens: 9 };
    expect(texts(text, cut(text, { ...given, short: 'keep' }))).toEqual([
      'One two three. Four five six. Seven eight nine.',
      'Ten.',
    ]);
    const dropped = cut(text, { ...given, short: 'drop' });
    expect(dropped.dropped).toEqual([{ index: 1, start: 48, end: 52, tokens: 1, reason: 'short_chunk' }]);
    const merged = cut(text, { ...given, short: 'merge' });
    expect(texts(text, merged)).toEqual(['One two three. Four five six.', 'Seven eight nine. Ten.']);
    expect(merged.dropped).toEqual([]);
    const far = cut(text, { minTokens: 4, maxTokens: 9, short: 'merge' });
    expect(texts(text, far)).toEqual(['One two three. Four five six.', 'Seven eight nine. Ten.']);
    const further = cut('A b c. D e. F g. H i. J.', { minTokens: 5, maxTokens: 9, short: 'merge' });
    expect(further.chunks.map((chunk) => chunk.tokens)).toEqual([5, 5]);
    const impossible = cut(text, { minTokens: 6, maxTokens: 9, short: 'merge' });
    expect(impossible.dropped.map((chunk) => chunk.reason)).toEqual(['short_chunk']);
  });

  it('chooses chunks at random by seed, in document order, and lists those left out', () => {
    const text = Array.from({ length: 40 }, (_, i) => `Sentence number ${i} here.`).join(' ');
    const chosen = (seed: number): number[] =>
      cut(text, { maxTokens: 8, maxChunksPerDocument: 4 }, false, seed).chunks.map((chunk) => chunk.index);
    expect(chosen(1)).toEqual(chosen(1));
    expect(chosen(1)).toEqual([...chosen(1)].sort((a, b) => a - b));
    expect(new Set([1, 2, 3, 4].map((seed) => chosen(seed).join())).size).toBeGreaterThan(1);
    const result = cut(text, { maxTokens: 8, maxChunksPerDocument: 4 });
    expect(result.dropped.map((chunk) => chunk.reason)).toEqual(Array.from({ length: 16 }, () => 'not_sampled'));
  });

  it('returns nothing for white space', () => {
    expect(cut(' \n\n\t', {})).toEqual({ chunks: [], dropped: [] });
  });

  it('covers every character, in order, within bounds, the same each time (property)', () => {
    const word = fc.oneof(
      fc.stringMatching(/^[a-zA-Z]{1,14}$/),
      fc.constantFrom('end.', 'What?', 'No!', '# Title', '```', 'e.g.', '\n', '\n\n', '\t', '   ', '你好。'),
      fc.string({ unit: 'grapheme', maxLength: 30 }),
    );
    const document = fc.array(word, { maxLength: 80 }).map((words) => words.join(' '));
    const bounds = fc.record({
      minTokens: fc.integer({ min: 1, max: 12 }),
      maxTokens: fc.integer({ min: 12, max: 40 }),
      short: fc.constantFrom('keep' as const, 'drop' as const, 'merge' as const),
    });
    fc.assert(
      fc.property(document, bounds, fc.boolean(), (text, given, markdown) => {
        const result = cut(text, given, markdown);
        expect(cut(text, given, markdown)).toEqual(result);
        const all = [...result.chunks, ...result.dropped].sort((a, b) => a.start - b.start);
        let at = 0;
        for (const [i, chunk] of all.entries()) {
          expect(chunk.index).toBe(i);
          expect(text.slice(at, chunk.start).trim()).toBe('');
          const part = text.slice(chunk.start, chunk.end);
          expect(part).toBe(part.trim());
          expect(part.isWellFormed() || !text.isWellFormed()).toBe(true);
          expect(chunk.tokens).toBe(countTokens(part));
          expect(chunk.tokens).toBeLessThanOrEqual(given.maxTokens);
          at = chunk.end;
        }
        expect(text.slice(at).trim()).toBe('');
        if (given.short !== 'keep')
          for (const chunk of result.chunks) expect(chunk.tokens).toBeGreaterThanOrEqual(given.minTokens);
      }),
      { numRuns: 500 },
    );
  });

  it('counts a text of 5 MB only a few times over', () => {
    const paragraph = 'The river was opened on Monday. Ida met Tilda at the dock, and it rained all day long.\n\n';
    const text =
      paragraph.repeat(Math.ceil(5e6 / paragraph.length)) + 'x'.repeat(200_000) + ' ' + 'word '.repeat(200_000);
    let counted = 0;
    const count = (part: string): number => {
      counted += part.length;
      return countTokens(part);
    };
    const result = chunkDocument(
      { text, markdown: true, countTokens: count, seed: 0, documentId: 'd' },
      options({ minTokens: 200, maxTokens: 500, short: 'merge' }),
    );
    expect(result.chunks.length).toBeGreaterThan(2000);
    expect(counted).toBeLessThan(8 * text.length);
  });
});
