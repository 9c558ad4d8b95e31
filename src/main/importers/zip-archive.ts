import { crc32, inflateRawSync } from 'node:zlib';
import { FileProblem } from './reader.ts';

/** Bounds on what an archive may unpack to, so that a small file cannot fill the memory. */
export const zipLimits = {
  entries: 20_000,
  /** Unpacked bytes of all entries that are read, and of one of them. */
  totalBytes: 512 * 1024 * 1024,
  entryBytes: 256 * 1024 * 1024,
  /** Unpacked to packed, for entries above a mebibyte: text reaches 20, a deflate bomb 1,000. */
  ratio: 200,
};

interface Entry {
  readonly method: number;
  readonly encrypted: boolean;
  readonly crc: number;
  readonly packed: number;
  readonly unpacked: number;
  readonly offset: number;
}

/**
 * The entries of a zip file in memory, by name (PKWARE APPNOTE 6.3; no ZIP64, no split archives). Names are only keys:
 * nothing is ever written. Entries are unpacked when they are asked for, within `zipLimits`, and checked against their
 * CRC-32, so that a damaged file is an error and never a wrong text. fflate does neither check.
 * Errors: `FileProblem` (`unreadable`, `too_large`, `encrypted`).
 */
export class ZipArchive {
  readonly #bytes: Buffer;
  readonly #entries: ReadonlyMap<string, Entry>;
  #read = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    try {
      this.#entries = directory(this.#bytes);
    } catch (error) {
      if (error instanceof RangeError) throw damaged('its directory points outside of the file');
      throw error;
    }
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** The unpacked bytes of an entry, or undefined where there is none of this name. */
  get(name: string): Buffer | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    if (entry.encrypted) throw new FileProblem('encrypted', 'is protected with a password');
    this.#read += entry.unpacked;
    const { entryBytes, totalBytes, ratio } = zipLimits;
    const bomb = entry.unpacked > 1024 * 1024 && entry.unpacked > ratio * entry.packed;
    if (bomb || entry.unpacked > entryBytes || this.#read > totalBytes) {
      throw new FileProblem('too_large', `unpacks to far more than a document holds (${shown(name)})`);
    }
    const content = this.#unpack(name, entry);
    if (content.length !== entry.unpacked || crc32(content) !== entry.crc)
      throw damaged(`${shown(name)} fails its checksum`);
    return content;
  }

  #unpack(name: string, { offset, method, packed, unpacked }: Entry): Buffer {
    const bytes = this.#bytes;
    if (offset + 30 > bytes.length || bytes.readUInt32LE(offset) !== 0x04034b50)
      throw damaged(`${shown(name)} is missing`);
    const start = offset + 30 + bytes.readUInt16LE(offset + 26) + bytes.readUInt16LE(offset + 28);
    const content = bytes.subarray(start, start + packed);
    if (method === 0) return content;
    if (method !== 8) throw damaged(`${shown(name)} is packed in a way that is not read (method ${method})`);
    try {
      return inflateRawSync(content, { maxOutputLength: Math.max(1, unpacked) });
    } catch {
      throw damaged(`${shown(name)} cannot be unpacked`);
    }
  }
}

function directory(bytes: Buffer): Map<string, Entry> {
  // The end record is 22 bytes and a comment of up to 64 KiB.
  const end = bytes.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'), Math.max(0, bytes.length - 22));
  if (bytes.length < 22 || end === -1 || end < bytes.length - 22 - 0xffff) throw damaged('it is not a zip archive');
  const count = bytes.readUInt16LE(end + 10);
  if (count > zipLimits.entries) throw new FileProblem('too_large', `holds ${count.toLocaleString('en')} entries`);
  const entries = new Map<string, Entry>();
  let at = bytes.readUInt32LE(end + 16);
  for (let index = 0; index < count; index++) {
    if (bytes.readUInt32LE(at) !== 0x02014b50) throw damaged('its directory is broken');
    const nameLength = bytes.readUInt16LE(at + 28);
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLength);
    entries.set(name, {
      encrypted: (bytes.readUInt16LE(at + 8) & 1) === 1,
      method: bytes.readUInt16LE(at + 10),
      crc: bytes.readUInt32LE(at + 16),
      packed: bytes.readUInt32LE(at + 20),
      unpacked: bytes.readUInt32LE(at + 24),
      offset: bytes.readUInt32LE(at + 42),
    });
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return entries;
}

function damaged(what: string): FileProblem {
  return new FileProblem('unreadable', `is damaged: ${what}`);
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 120).toWellFormed());
}
