import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';
import { writeFileAtomicStream } from '../../files/atomic-write.ts';
import type { WritePiece } from '../../files/atomic-write.ts';
import { FLOAT_BYTES, decodeFloats, encodeFloats } from './float-conversion.ts';
import type { FloatDtype } from './float-conversion.ts';
import { fileError } from './json-file.ts';
import { findDuplicateKey } from './json-keys.ts';

/** Bits of one element, for every type of the format (safetensors 0.8, tensor.rs). */
const DTYPE_BITS: ReadonlyMap<string, number> = new Map([
  ...['F4'].map((name) => [name, 4] as const),
  ...['F6_E2M3', 'F6_E3M2'].map((name) => [name, 6] as const),
  ...['BOOL', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'F8_E8M0'].map((name) => [name, 8] as const),
  ...['I16', 'U16', 'F16', 'BF16'].map((name) => [name, 16] as const),
  ...['I32', 'U32', 'F32'].map((name) => [name, 32] as const),
  ...['C64', 'F64', 'I64', 'U64'].map((name) => [name, 64] as const),
]);

/** The reference library's limit. */
const MAX_HEADER_BYTES = 100_000_000;
/** Node reads and writes less than 2 GiB a call. */
const PIECE_BYTES = 64 * 1024 * 1024;

export interface SafetensorsTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Absolute byte offset in the file. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/** The header of a safetensors file. */
export interface SafetensorsFile {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Size of the whole file in bytes. */
  readonly size: number;
  /** The header's JSON as it stands in the file. */
  readonly header: string;
}

/** A tensor to write: float32 values are rounded to `dtype`, bytes are taken as they are (already in `dtype`). */
export interface TensorToWrite {
  readonly name: string;
  /** Whole bytes (U8) are given as bytes. */
  readonly dtype: FloatDtype | 'U8';
  readonly shape: readonly number[];
  /** A function is called when the tensor's turn comes, so that only one tensor is in memory. */
  readonly data: Float32Array | Uint8Array | (() => Promise<Float32Array | Uint8Array>);
}

const naturals = z.array(z.int().nonnegative());
const tensorEntry = z.object({
  dtype: z.string(),
  shape: naturals,
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
const metadataEntry = z.record(z.string(), z.string());

/**
 * Reads and checks the header of a safetensors file; no tensor data is read. As strict as the reference library: the
 * tensors fill the data part without gaps or overlaps, each with exactly the bytes of its type and shape.
 * @throws UserError invalid_input (not_found) that names the file and the tensor at fault
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const { header, size } = await readHeader(path);
  const entries = parseHeader(path, header);
  const dataStart = 8 + Buffer.byteLength(header);
  const tensors = new Map<string, SafetensorsTensor>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of entries) {
    if (name === '__metadata__') metadata = checkEntry(path, name, value, metadataEntry);
    else tensors.set(name, readEntry(path, name, value, dataStart));
  }
  checkCoverage(path, tensors, dataStart, size);
  return { path, tensors, metadata, size, header };
}

/**
 * Values of a tensor [product of its shape], F32, F16, BF16 and F64 as float32.
 * @throws UserError invalid_input for a name that is not in the file, integers, 8-bit floats and smaller
 */
export async function readTensor(file: SafetensorsFile, name: string): Promise<Float32Array> {
  const { dtype } = tensorNamed(file, name);
  if (!Object.hasOwn(FLOAT_BYTES, dtype)) {
    throw bad(file.path, `the tensor "${name}" holds ${dtype} values, not floating-point numbers of 16 to 64 bits`);
  }
  return decodeFloats(await readTensorBytes(file, name), dtype as FloatDtype);
}

/** The bytes of a tensor as they stand in the file, at the start of a buffer of their own. */
export async function readTensorBytes(file: SafetensorsFile, name: string): Promise<Uint8Array> {
  const { offset, length } = tensorNamed(file, name);
  return readBytes(file.path, offset, length);
}

/**
 * `length` bytes of a file from `offset`, in a buffer of their own.
 * @throws UserError where the file ends before them
 */
export async function readBytes(path: string, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await withFile(path, async (handle) => {
    for (let at = 0; at < length;) {
      const { bytesRead } = await handle.read(bytes, at, Math.min(PIECE_BYTES, length - at), offset + at);
      if (bytesRead === 0) throw bad(path, `it ends at byte ${offset + at}, before byte ${offset + length}`);
      at += bytesRead;
    }
  });
  return bytes;
}

/**
 * Writes a safetensors file, one tensor at a time, to a temporary name that replaces `path` at the end. The same bytes
 * as the reference library's: tensors by type (widest first) and name, the header padded with spaces to 8 bytes.
 * @param metadata `__metadata__`; {format: 'pt'} is what transformers and PEFT write
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorToWrite>,
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Promise<void> {
  const rank: Readonly<Record<TensorToWrite['dtype'], number>> = { F64: 4, F32: 3, BF16: 2, F16: 1, U8: 0 };
  const ordered = [...tensors].sort((a, b) => rank[b.dtype] - rank[a.dtype] || (a.name < b.name ? -1 : 1));
  const header = new Map<string, unknown>(Object.keys(metadata).length === 0 ? [] : [['__metadata__', metadata]]);
  let end = 0;
  for (const { name, dtype, shape } of ordered) {
    if (header.has(name)) throw new Error(`two tensors named ${name}`);
    const start = end;
    end += elements(shape) * WRITTEN_BYTES[dtype];
    header.set(name, { dtype, shape, data_offsets: [start, end] });
  }
  await writeFileAtomicStream(path, (write) => writeContent(write, stringifyMap(header), ordered));
}

/** Bytes an element of what is written. */
export const WRITTEN_BYTES: Readonly<Record<TensorToWrite['dtype'], number>> = { ...FLOAT_BYTES, U8: 1 };

function encoded(values: Float32Array, dtype: TensorToWrite['dtype']): Uint8Array {
  if (dtype === 'U8') throw new Error('bytes are not made from numbers');
  return encodeFloats(values, dtype);
}

async function writeContent(write: WritePiece, json: string, tensors: readonly TensorToWrite[]): Promise<void> {
  const text = Buffer.from(json);
  const headerBytes = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, ' ');
  headerBytes.writeBigUInt64LE(BigInt(headerBytes.length - 8));
  text.copy(headerBytes, 8);
  await write(headerBytes);
  for (const tensor of tensors) {
    const data = typeof tensor.data === 'function' ? await tensor.data() : tensor.data;
    const count = elements(tensor.shape);
    const wanted = data instanceof Float32Array ? count : count * WRITTEN_BYTES[tensor.dtype];
    if (data.length !== wanted) throw new Error(`${tensor.name}: ${data.length} elements or bytes, ${wanted} expected`);
    for (let at = 0; at < data.length; at += PIECE_BYTES / 4) {
      const piece = data.subarray(at, at + PIECE_BYTES / 4);
      await write(piece instanceof Float32Array ? encoded(piece, tensor.dtype) : piece);
    }
  }
}

async function readHeader(path: string): Promise<{ header: string; size: number }> {
  const { size, length } = await withFile(path, async (handle) => {
    const stats = await handle.stat();
    if (!stats.isFile()) throw bad(path, 'it is not a file');
    if (stats.size < 8) throw bad(path, `it has ${stats.size} bytes, too few for the length of its header`);
    const prefix = Buffer.alloc(8);
    await handle.read(prefix, 0, 8, 0);
    return { size: stats.size, length: prefix.readBigUInt64LE() };
  });
  if (length > MAX_HEADER_BYTES) throw bad(path, `its header would have ${length} bytes, more than 100 MB`);
  if (BigInt(size) < length + 8n) throw bad(path, `its header of ${length} bytes goes beyond the end of the file`);
  const bytes = await readBytes(path, 8, Number(length));
  try {
    return { header: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), size };
  } catch {
    throw bad(path, 'its header is not UTF-8 text');
  }
}

function parseHeader(path: string, header: string): [string, unknown][] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(header);
  } catch {
    throw bad(path, 'its header is not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw bad(path, 'its header is not a JSON object');
  }
  const duplicate = findDuplicateKey(header);
  if (duplicate !== undefined) throw bad(path, `its header names "${duplicate}" twice`);
  return Object.entries(parsed);
}

function checkEntry<T>(path: string, name: string, value: unknown, schema: z.ZodType<T>): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path.map(String).join('.');
  throw bad(path, `the header's entry "${name}" is not usable${field ? ` (${field})` : ''}: ${issue?.message}`);
}

function readEntry(path: string, name: string, value: unknown, dataStart: number): SafetensorsTensor {
  const { dtype, shape, data_offsets } = checkEntry(path, name, value, tensorEntry);
  const bits = DTYPE_BITS.get(dtype);
  if (bits === undefined) throw bad(path, `the tensor "${name}" has the unknown type "${dtype}"`);
  const [start, end] = data_offsets;
  if (end < start) throw bad(path, `the tensor "${name}" ends (${end}) before it starts (${start})`);
  const wanted = (elements(shape) * bits) / 8;
  if (end - start !== wanted) {
    throw bad(
      path,
      `the tensor "${name}" has ${end - start} bytes, but ${dtype} [${shape.join(', ')}] needs ${wanted}`,
    );
  }
  return { dtype, shape, offset: dataStart + start, length: end - start };
}

/** The tensors must follow each other without gaps or overlaps from the header's end to the file's. */
function checkCoverage(
  path: string,
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  dataStart: number,
  size: number,
): void {
  let end = dataStart;
  const byOffset = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.length - b.length);
  for (const [name, { offset, length }] of byOffset) {
    if (offset + length > size) {
      throw bad(path, `the tensor "${name}" goes to byte ${offset + length}, beyond the file's ${size} bytes`);
    }
    if (offset < end) throw bad(path, `the tensor "${name}" overlaps the one before it (byte ${offset} of the file)`);
    if (offset > end) throw bad(path, `there is a gap before the tensor "${name}" (bytes ${end} to ${offset})`);
    end = offset + length;
  }
  if (end !== size) throw bad(path, `its tensors end at byte ${end}, but the file has ${size} bytes`);
}

function tensorNamed(file: SafetensorsFile, name: string): SafetensorsTensor {
  const tensor = file.tensors.get(name);
  if (tensor === undefined) throw bad(file.path, `it has no tensor "${name}"`);
  return tensor;
}

async function withFile<T>(path: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    return await use(handle);
  } catch (error) {
    throw error instanceof UserError ? error : fileError(path, error);
  } finally {
    await handle?.close();
  }
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** JSON.stringify of a map in its own order (an object would move names like "0" to the front). */
function stringifyMap(map: ReadonlyMap<string, unknown>): string {
  return `{${[...map].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
}

function bad(path: string, problem: string): UserError {
  return new UserError('invalid_input', `${path} is not a usable safetensors file: ${problem}.`, {
    hint: 'Download the file again; it may be cut off or damaged.',
    place: { file: path },
  });
}
