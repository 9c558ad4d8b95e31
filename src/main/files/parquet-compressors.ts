import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { Compressors } from 'hyparquet';

/** Decompressors for Parquet pages, which never give more bytes than a page says it has: Node's own, and ours of Snappy. */
export const parquetCompressors: Compressors = {
  UNCOMPRESSED: (input) => input,
  SNAPPY: snappy,
  GZIP: (input, length) => gunzipSync(input, { maxOutputLength: Math.max(1, length) }),
  ZSTD: (input, length) => zstdDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
};

/**
 * Unpacks a raw Snappy block (google/snappy, format_description.txt). hyparquet's own goes back in its input where a
 * literal's length has its highest bit set, and then never ends.
 */
function snappy(input: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length);
  let [at, done] = [0, 0];
  const bytes = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i += 1) value += (input[at + i] ?? 0) * 256 ** i;
    at += count;
    return value;
  };
  while ((input[at] ?? 0) > 127) at += 1; // the length, which the page says, too
  at += 1;
  while (at < input.length) {
    const tag = bytes(1);
    const high = tag >> 2;
    const kind = tag & 3;
    const size = kind === 1 ? (high & 7) + 4 : kind === 0 && high > 59 ? bytes(high - 59) + 1 : high + 1;
    const back = kind === 1 ? ((tag >> 5) << 8) + bytes(1) : kind === 0 ? 0 : bytes(kind === 2 ? 2 : 4);
    if (size > length - done || (kind === 0 ? size > input.length - at : back === 0 || back > done))
      throw new Error('a Snappy block points outside of itself');
    if (kind === 0) {
      output.set(input.subarray(at, at + size), done);
      at += size;
      done += size;
      continue;
    }
    // What is copied may reach into what the copy makes: it repeats.
    for (const end = done + size; done < end;) {
      const piece = Math.min(end - done, back);
      output.copyWithin(done, done - back, done - back + piece);
      done += piece;
    }
  }
  if (done !== length) throw new Error('a Snappy block ends too early');
  return output;
}
