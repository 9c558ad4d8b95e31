import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeText } from '../../../src/main/importers/decode-text.ts';

const lineBreaks = fc.constantFrom('\n', '\r\n', '\r', '');
/** Text without NUL and without a byte order mark at its start. */
const text = fc
  .array(fc.tuple(fc.string({ unit: 'binary' }), lineBreaks))
  .map((lines) => lines.flat().join('').replaceAll('\0', ''))
  .filter((value) => !value.startsWith('\uFEFF'));
const normalised = (value: string) => value.replaceAll('\r\n', '\n').replaceAll('\r', '\n');

function utf16(value: string, bigEndian: boolean): Buffer {
  const bytes = Buffer.from(`\uFEFF${value}`, 'utf16le');
  return bigEndian ? bytes.swap16() : bytes;
}

test('any text comes back from UTF-8 and UTF-16, with line ends as LF and without the mark', () => {
  fc.assert(
    fc.property(text, (value) => {
      const expected = { ok: true, text: normalised(value) };
      expect(decodeText(Buffer.from(value), 'auto')).toEqual(expected);
      expect(decodeText(Buffer.from(`\uFEFF${value}`), 'auto')).toEqual(expected);
      expect(decodeText(utf16(value, false), 'auto')).toEqual(expected);
      expect(decodeText(utf16(value, true), 'auto')).toEqual(expected);
    }),
  );
});

test('any bytes are decoded exactly or refused, and what was decoded is well-formed and clean', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom('auto', 'latin-1', 'windows-1252'), (bytes, as) => {
      const decoded = decodeText(bytes, as);
      if (!decoded.ok) {
        expect(decoded.reason).not.toBe('');
        return;
      }
      expect(decoded.text.isWellFormed()).toBe(true);
      expect(decoded.text).not.toMatch(/\r|\0|^\uFEFF/);
      const isUtf8 = as === 'auto' && !(bytes[0] === 0xff || bytes[0] === 0xfe);
      if (isUtf8 && !bytes.includes(0x0d)) {
        const withoutMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
        expect(Buffer.from(decoded.text).equals(withoutMark)).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

test('the one-byte encodings differ where they should and are used only when asked', () => {
  const bytes = new Uint8Array([0x63, 0x61, 0x66, 0xe9, 0x20, 0x92, 0x80]);
  expect(decodeText(bytes, 'windows-1252')).toEqual({ ok: true, text: 'café ’€' });
  expect(decodeText(bytes, 'latin-1')).toEqual({ ok: true, text: 'café \u0092\u0080' });
  expect(decodeText(bytes, 'auto')).toMatchObject({ ok: false, line: 1 });
});

test('the line of a bad byte, of a NUL and of half a surrogate pair is found', () => {
  expect(decodeText(Buffer.from([0x61, 0x0a, 0x0a, 0xc3, 0x28]), 'auto')).toMatchObject({ ok: false, line: 3 });
  expect(decodeText(Buffer.from('a\r\nb\0'), 'auto')).toMatchObject({ ok: false, line: 2 });
  expect(decodeText(Buffer.from('a\0'), 'latin-1')).toMatchObject({ ok: false, line: 1 });
  expect(decodeText(Buffer.from([0xff, 0xfe, 0x41, 0x00, 0x3d, 0xd8]), 'auto')).toMatchObject({
    ok: false,
    line: null,
  });
  expect(decodeText(Buffer.from([0xff, 0xfe, 0x41]), 'auto')).toMatchObject({ ok: false });
});
