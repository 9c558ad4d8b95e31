import { readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  openSafetensors,
  readTensor,
  readTensorBytes,
  writeSafetensors,
} from '../../../../src/main/engine/model/safetensors.ts';
import { UserError } from '../../../../src/shared/errors.ts';
import { ADAPTER_NAMES, expectUserError, goldenAdapter, goldenModel, temporaryFolder } from './model-folder.ts';

/** A file with a header given as text or as an object, and `dataBytes` bytes of data. */
function fileWith(header: unknown, dataBytes: number, headerLength?: bigint): string {
  const path = join(temporaryFolder(), 'case.safetensors');
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(headerLength ?? BigInt(text.length));
  writeFileSync(path, Buffer.concat([prefix, text, Buffer.alloc(dataBytes)]));
  return path;
}
const entry = (start: number, end: number, shape = [(end - start) / 4], dtype = 'F32'): unknown => ({
  dtype,
  shape,
  data_offsets: [start, end],
});

describe('openSafetensors', () => {
  it('reads the header of a golden model', async () => {
    const path = join(goldenModel('llama'), 'model.safetensors');
    const file = await openSafetensors(path);
    expect(file.tensors.size).toBe(21);
    expect(file.metadata).toEqual({ format: 'pt' });
    expect(file.tensors.get('model.embed_tokens.weight')).toMatchObject({
      dtype: 'F32',
      shape: [320, 64],
      length: 81920,
    });
    const norm = await readTensor(file, 'model.norm.weight');
    expect(norm.length).toBe(64);
    const { offset } = file.tensors.get('model.norm.weight') ?? { offset: 0 };
    expect(norm[3]).toBe(readFileSync(path).readFloatLE(offset + 12));
  });

  it('accepts an empty tensor, a scalar, metadata, padding and types that cannot be read as floats', async () => {
    const header = {
      __metadata__: { format: 'pt' },
      empty: entry(0, 0, [0, 7]),
      scalar: entry(0, 4, []),
      ints: entry(4, 20, [2], 'I64'),
      fp4: entry(20, 22, [4], 'F4'),
    };
    const file = await openSafetensors(fileWith(`${JSON.stringify(header)}   `, 22));
    expect([...file.tensors.keys()]).toEqual(['empty', 'scalar', 'ints', 'fp4']);
    expect([...(await readTensor(file, 'scalar'))]).toEqual([0]);
    expect((await readTensor(file, 'empty')).length).toBe(0);
    await expectUserError(readTensor(file, 'ints'), 'invalid_input', 'case.safetensors', '"ints"', 'I64');
    await expectUserError(readTensor(file, 'fp4'), 'invalid_input', '"fp4"', 'F4');
    expect((await readTensorBytes(file, 'ints')).length).toBe(16);
    await expectUserError(readTensor(file, 'none'), 'invalid_input', '"none"');
  });

  it.each<[string, unknown, number, bigint | undefined, string]>([
    ['a header length beyond the file', {}, 0, 1000n, 'beyond the end'],
    ['a huge header length', {}, 0, 2n ** 63n, '100 MB'],
    ['a header length over 100 MB', {}, 0, 100_000_001n, '100 MB'],
    ['text that is not JSON', '{"a": ', 0, undefined, 'not JSON'],
    ['a list', [], 0, undefined, 'not a JSON object'],
    ['metadata that is not text', { __metadata__: { a: 1 } }, 0, undefined, '__metadata__'],
    ['an entry that is no object', { w: 3 }, 0, undefined, '"w"'],
    ['an entry without a type', { w: { shape: [1], data_offsets: [0, 4] } }, 4, undefined, 'dtype'],
    ['a negative dimension', { w: entry(0, 4, [-1]) }, 4, undefined, '"w"'],
    ['a fractional offset', { w: entry(0, 4.5, [1]) }, 4, undefined, '"w"'],
    ['an unknown type', { w: entry(0, 4, [1], 'F33') }, 4, undefined, 'F33'],
    ['offsets beyond the file', { w: entry(0, 400) }, 40, undefined, 'beyond the file'],
    ['a tensor that ends before it starts', { w: entry(8, 4, [1]) }, 8, undefined, 'before it starts'],
    ['the wrong size for type and shape', { w: entry(0, 8, [3]) }, 8, undefined, 'needs 12'],
    ['the wrong type for the size', { w: entry(0, 8, [2], 'BF16') }, 8, undefined, 'needs 4'],
    ['a shape whose product overflows', { w: entry(0, 4, [2 ** 40, 2 ** 40]) }, 4, undefined, '"w"'],
    ['overlapping tensors', { a: entry(0, 8), b: entry(4, 12) }, 12, undefined, 'overlaps'],
    ['the same bytes for two tensors', { a: entry(0, 8), b: entry(0, 8) }, 8, undefined, 'overlaps'],
    ['a gap between tensors', { a: entry(0, 4), b: entry(8, 12) }, 12, undefined, 'gap before the tensor "b"'],
    ['a gap before the first tensor', { a: entry(4, 8) }, 8, undefined, 'gap'],
    ['bytes after the last tensor', { a: entry(0, 4) }, 8, undefined, 'end at byte'],
    ['a name twice', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{}}', 4, undefined, '"a" twice'],
    [
      'a field twice',
      '{"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}',
      4,
      undefined,
      '"dtype" twice',
    ],
  ])('refuses %s', async (_what, header, bytes, length, words) => {
    await expectUserError(openSafetensors(fileWith(header, bytes, length)), 'invalid_input', 'case.safetensors', words);
  });

  it('refuses a missing, an empty and a cut file, a folder and a header that is not UTF-8', async () => {
    const dir = temporaryFolder();
    await expectUserError(openSafetensors(join(dir, 'none')), 'not_found', 'none');
    await expectUserError(openSafetensors(dir), 'invalid_input', dir);
    const path = join(dir, 'cut');
    for (const size of [0, 7, 8, 100, 3000]) {
      writeFileSync(path, readFileSync(join(goldenModel('llama'), 'model.safetensors')));
      truncateSync(path, size);
      await expectUserError(openSafetensors(path), 'invalid_input', 'cut');
    }
    writeFileSync(path, Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe]));
    await expectUserError(openSafetensors(path), 'invalid_input', 'UTF-8');
  });

  it('finds a file that was cut after it was opened', async () => {
    const path = fileWith({ w: entry(0, 400) }, 400);
    const file = await openSafetensors(path);
    truncateSync(path, 300);
    await expectUserError(readTensor(file, 'w'), 'invalid_input', 'case.safetensors', 'ends at byte');
  });

  it('answers any damage to a header with a header or a UserError', async () => {
    const original = readFileSync(join(goldenAdapter('qwen3'), 'adapter_model.safetensors'));
    const path = join(temporaryFolder(), 'damaged.safetensors');
    const headerEnd = 8 + Number(original.readBigUInt64LE());
    const change = fc.record({
      at: fc.integer({ min: 0, max: headerEnd - 1 }),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 3 }),
        fc.nat(original.length),
        async (changes, cut) => {
          const damaged = Buffer.from(original);
          for (const { at, bytes } of changes) damaged.set(bytes.subarray(0, headerEnd - at), at);
          writeFileSync(path, cut % 4 === 0 ? damaged.subarray(0, cut) : damaged);
          const result = await openSafetensors(path).catch((error: unknown) => error);
          if (result instanceof Error) expect(result).toBeInstanceOf(UserError);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('answers any header object with a header or a UserError, and never reads outside the data', async () => {
    const offset = fc.oneof(fc.nat(40), fc.jsonValue());
    const tensor = fc.record({
      dtype: fc.oneof(fc.constantFrom('F32', 'BF16', 'I64', 'F4'), fc.jsonValue()),
      shape: fc.oneof(fc.array(fc.nat(5), { maxLength: 3 }), fc.jsonValue()),
      data_offsets: fc.oneof(fc.tuple(offset, offset), fc.jsonValue()),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string(), fc.oneof(tensor, fc.jsonValue())),
        fc.nat(40),
        async (header, bytes) => {
          const path = fileWith(header, bytes);
          const result = await openSafetensors(path).catch((error: unknown) => error);
          if (result instanceof Error) {
            expect(result).toBeInstanceOf(UserError);
            return;
          }
          const file = result as Awaited<ReturnType<typeof openSafetensors>>;
          for (const { offset: at, length } of file.tensors.values())
            expect(at + length).toBeLessThanOrEqual(file.size);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('writeSafetensors', () => {
  it.each(ADAPTER_NAMES)('writes the bytes that the reference library wrote: adapter %s', async (name) => {
    const source = join(goldenAdapter(name), 'adapter_model.safetensors');
    const file = await openSafetensors(source);
    const names = [...file.tensors.keys()].reverse();
    const tensors = await Promise.all(
      names.map(async (tensor) => ({
        name: tensor,
        dtype: 'F32' as const,
        shape: file.tensors.get(tensor)?.shape ?? [],
        data: await readTensor(file, tensor),
      })),
    );
    const target = join(temporaryFolder(), 'written.safetensors');
    await writeSafetensors(target, tensors);
    expect(readFileSync(target).equals(readFileSync(source))).toBe(true);
  });

  it('gives back what it wrote in every type, from values, bytes and functions', async () => {
    const path = join(temporaryFolder(), 'out.safetensors');
    const values = fc.array(fc.float({ noNaN: true }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string({ minLength: 1 }), values), async (byName) => {
        const entries = Object.entries(byName).filter(([name]) => name !== '__metadata__');
        await writeSafetensors(
          path,
          entries.flatMap(([name, list]) => {
            const data = Float32Array.from(list);
            return [
              { name: `${name}/f32`, dtype: 'F32' as const, shape: [list.length], data: () => Promise.resolve(data) },
              { name: `${name}/f16`, dtype: 'F16' as const, shape: [1, list.length], data },
              {
                name: `${name}/bf16`,
                dtype: 'BF16' as const,
                shape: [list.length],
                data: new Uint8Array(2 * list.length),
              },
            ];
          }),
          {},
        );
        const file = await openSafetensors(path);
        expect(file.tensors.size).toBe(3 * entries.length);
        for (const [name, list] of entries) {
          expect([...(await readTensor(file, `${name}/f32`))]).toEqual(list);
          expect([...(await readTensor(file, `${name}/bf16`))]).toEqual(list.map(() => 0));
          expect((await readTensor(file, `${name}/f16`)).length).toBe(list.length);
        }
        for (const { dtype, offset } of file.tensors.values()) expect(offset % (dtype === 'F32' ? 4 : 2)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('pads the header to 8 bytes', async () => {
    const path = join(temporaryFolder(), 'out.safetensors');
    for (const name of ['a', 'ab', 'abc', 'abcd']) {
      await writeSafetensors(path, [{ name, dtype: 'F32', shape: [1], data: Float32Array.of(1) }]);
      expect(Number(readFileSync(path).readBigUInt64LE()) % 8).toBe(0);
    }
  });

  it('leaves the old file and no temporary one when a tensor fails', async () => {
    const dir = temporaryFolder();
    const path = join(dir, 'out.safetensors');
    await writeSafetensors(path, [{ name: 'w', dtype: 'F32', shape: [1], data: Float32Array.of(1) }]);
    const { size } = statSync(path);
    const failing = () => Promise.reject(new Error('the source is gone'));
    await expect(writeSafetensors(path, [{ name: 'w', dtype: 'F32', shape: [9], data: failing }])).rejects.toThrow(
      'gone',
    );
    expect(readdirSync(dir)).toEqual(['out.safetensors']);
    expect(statSync(path).size).toBe(size);
    const short = writeSafetensors(path, [{ name: 'w', dtype: 'F32', shape: [9], data: Float32Array.of(1) }]);
    await expect(short).rejects.toThrow('9 expected');
  });
});
