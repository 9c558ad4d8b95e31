import { expect, test } from 'vitest';
import { parquetCompressors } from '../../../src/main/files/parquet-compressors.ts';

const snappy = (bytes: readonly number[], length: number): string =>
  Buffer.from(parquetCompressors.SNAPPY?.(Uint8Array.from(bytes), length) ?? []).toString('latin1');
const text = (value: string): number[] => [...Buffer.from(value, 'latin1')];

// Bytes after google/snappy, format_description.txt: the length, then literals and copies.
test('Snappy: literals, copies with one, two and four bytes of distance, copies into themselves', () => {
  expect(snappy([3, 2 << 2, ...text('abc')], 3)).toBe('abc');
  expect(snappy([12, 2 << 2, ...text('abc'), ((9 - 4) << 2) | 1, 3], 12)).toBe('abcabcabcabc');
  expect(snappy([5, 0, ...text('a'), (3 << 2) | 2, 1, 0], 5)).toBe('aaaaa');
  expect(snappy([6, 2 << 2, ...text('abc'), (2 << 2) | 3, 3, 0, 0, 0], 6)).toBe('abcabc');
  expect(snappy([0xac, 2, 61 << 2, 43, 1, ...text('x'.repeat(300))], 300)).toBe('x'.repeat(300));
});

test.each([
  ['a literal whose length is negative in 32 bits', [5, 63 << 2, 0xf0, 0xff, 0xff, 0xff, 1, 2, 3]],
  ['a literal longer than the input', [5, 4 << 2, 1, 2]],
  ['a copy from before the start', [5, 0, 1, (3 << 2) | 2, 9, 0]],
  ['a copy from nowhere', [5, 0, 1, (3 << 2) | 2, 0, 0]],
  ['more than the page says', [9, 2 << 2, 1, 2, 3, (8 << 2) | 2, 1, 0]],
  ['less than the page says', [5, 2 << 2, 1, 2, 3]],
  ['nothing', []],
])('Snappy refuses %s', (_, bytes) => {
  expect(() => snappy(bytes, 5)).toThrow('Snappy block');
});
