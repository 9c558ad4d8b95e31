import { isUtf8 } from 'node:buffer';

/**
 * `auto`: UTF-8, or UTF-16 where the file starts with its byte order mark. The one-byte encodings fit any file, so they
 * are used only when a person says so.
 */
export const textEncodings = ['auto', 'latin-1', 'windows-1252'] as const;
export type TextEncoding = (typeof textEncodings)[number];

export type Decoded =
  | { readonly ok: true; readonly text: string }
  /** `line` counts from 1; null where the place is not known. */
  | { readonly ok: false; readonly line: number | null; readonly reason: string };

/** Decodes a text file and normalises it, or says why it is none. Nothing is ever replaced or left out. */
export function decodeText(bytes: Uint8Array, encoding: TextEncoding): Decoded {
  const decoded = decodeBytes(bytes, encoding);
  return decoded.ok ? normaliseText(decoded.text) : decoded;
}

/**
 * The form in which texts are stored and hashed: no byte order mark at the start, LF at line ends. Refuses what is not
 * text: NUL characters and halves of surrogate pairs.
 */
export function normaliseText(raw: string): Decoded {
  const text = raw.replace(/^\uFEFF/, '').replaceAll(/\r\n?/g, '\n');
  const nul = text.indexOf('\0');
  if (nul !== -1) return { ok: false, line: lineAt(text, nul), reason: 'holds a NUL character, so it is not text' };
  if (!text.isWellFormed()) {
    const line = text.split('\n').findIndex((part) => !part.isWellFormed()) + 1;
    return { ok: false, line, reason: 'holds half of a surrogate pair, which is no character' };
  }
  return { ok: true, text };
}

function decodeBytes(bytes: Uint8Array, encoding: TextEncoding): Decoded {
  if (encoding === 'latin-1') return { ok: true, text: Buffer.from(bytes).toString('latin1') };
  if (encoding === 'windows-1252') return { ok: true, text: new TextDecoder('windows-1252').decode(bytes) };
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return decodeUtf16(bytes, 'utf-16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return decodeUtf16(bytes, 'utf-16be');
  if (isUtf8(bytes)) return { ok: true, text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) };
  return { ok: false, line: firstLineNotUtf8(bytes), reason: 'is not valid UTF-8' };
}

function decodeUtf16(bytes: Uint8Array, label: 'utf-16le' | 'utf-16be'): Decoded {
  try {
    return { ok: true, text: new TextDecoder(label, { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { ok: false, line: null, reason: `starts like ${label.toUpperCase()} but is not valid` };
  }
}

/** A line feed is never part of a longer UTF-8 sequence, so lines can be checked one by one. */
function firstLineNotUtf8(bytes: Uint8Array): number | null {
  let line = 1;
  for (let start = 0; start <= bytes.length; line++) {
    const found = bytes.indexOf(0x0a, start);
    const end = found === -1 ? bytes.length : found;
    if (!isUtf8(bytes.subarray(start, end))) return line;
    start = end + 1;
  }
  return null;
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
