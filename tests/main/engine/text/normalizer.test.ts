import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalize, normalizeWithAlignment, type NormalizerStep } from '../../../../src/main/engine/text/normalizer.ts';

const NFC: NormalizerStep = { type: 'nfc' };
const MISTRAL: NormalizerStep[] = [
  { type: 'prepend', text: '▁' },
  { type: 'replace', pattern: / /gu, content: '▁' },
];

describe('normalize', () => {
  it.each([
    ['e\u0301', 'é'],
    ['\u1112\u1161\u11ab', '한'],
    ['\u212b', 'Å'],
    // From tokenizers 0.23.3: newer marks are not reordered, newer pairs not composed.
    ['a\u{897}\u{5b0}', 'a\u{897}\u{5b0}'],
    ['\u{105d2}\u{307}', '\u{105d2}\u{307}'],
    ['e\u{897}\u0301', 'e\u{897}\u0301'],
  ])('composes %j as the Rust library does', (text, expected) => {
    expect(normalize(text, [NFC])).toBe(expected);
  });

  it('does not prepend to an empty text', () => {
    expect(normalize('', MISTRAL)).toBe('');
    expect(normalize('a b', MISTRAL)).toBe('▁a▁b');
  });
});

describe('normalizeWithAlignment', () => {
  const unit = fc.constantFrom(
    'a',
    'e',
    ' ',
    '\u0301',
    '\u0323',
    '\u{897}',
    'ᄒ',
    'ᅡ',
    'ᆫ',
    '한',
    '👍',
    '\u212b',
    '世',
  );

  it.each([
    ['NFC', [NFC]],
    ['prepend and replace', MISTRAL],
    ['all', [NFC, ...MISTRAL]],
  ])('gives the same text, and ranges that cover the original in order: %s', (_, steps) => {
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 12 }), (text) => {
        const got = normalizeWithAlignment(text, steps);
        expect(got.text).toBe(normalize(text, steps));
        if (got.start === undefined || got.end === undefined) {
          expect(got.text).toBe(text);
          return;
        }
        expect(got.start).toHaveLength(got.text.length);
        expect([...got.start]).toEqual([...got.start].sort((a, b) => a - b));
        // A prefix covers the whole first character, so its end may lie after the first half of a surrogate pair.
        expect(got.end.every((end, i) => end > (got.start?.[i] ?? text.length))).toBe(true);
        expect(got.start[0]).toBe(0);
        expect(got.end.at(-1)).toBe(text.length);
      }),
    );
  });

  it('knows where each unit came from', () => {
    const got = normalizeWithAlignment('ae\u0301b', [NFC]);
    expect(got).toEqual({ text: 'aéb', start: Int32Array.of(0, 1, 3), end: Int32Array.of(1, 3, 4) });
  });
});
