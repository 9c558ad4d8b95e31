import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import { fromHost, toHost } from '../../../../src/main/engine/onnx/half-rows.ts';
import * as o from '../../../../src/main/engine/onnx/ops.ts';
import { Session } from '../../../../src/main/engine/onnx/session.ts';

const WIDTH = 8;

/** float32 values rounded to bfloat16 go out of one session and into another. */
async function bridge() {
  const [out, back] = [new Graph('out'), new Graph('back')];
  const x = out.input('x', 'float32', ['T', WIDTH]);
  const given = toHost(out, o.cast(out, x, 'bfloat16'));
  out.output(given.rows, 'rows');
  out.output(given.scales, 'scales');
  out.output(o.cast(out, o.cast(out, x, 'bfloat16'), 'float32'), 'rounded');
  const rows = back.input('rows', 'float16', ['T', WIDTH]);
  const scales = back.input('scales', 'float32', ['T', 1]);
  back.output(o.cast(back, fromHost(back, { rows, scales }, 'bfloat16'), 'float32'), 'x');
  const sessions = [
    await Session.create(out, { device: 'cpu' }),
    await Session.create(back, { device: 'cpu' }),
  ] as const;
  return async (values: readonly number[]) => {
    const there = await sessions[0].run({
      x: { data: Float32Array.from(values), dims: [values.length / WIDTH, WIDTH] },
    });
    const { rows: half, scales: by } = there;
    if (half === undefined || by === undefined) throw new Error('rows and scales');
    const here = await sessions[1].run({ rows: half, scales: by });
    return { rounded: there['rounded']?.data as Float32Array, found: here['x']?.data as Float32Array, half };
  };
}

describe('bfloat16 rows through host memory as float16', () => {
  it('are the same bits, whatever their size', async () => {
    const cross = await bridge();
    const digits = fc.oneof(fc.constant(0), fc.double({ min: 0.5, max: 1, noNaN: true }));
    const number = fc.tuple(digits, fc.integer({ min: -25, max: 0 }));
    // Rows of their own size, from gradients to the largest activations, whose elements differ by 2^25.
    const row = fc.tuple(fc.integer({ min: -40, max: 40 }), fc.array(number, { minLength: WIDTH, maxLength: WIDTH }));
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 4, maxLength: 4 }), async (rows) => {
        const values = rows.flatMap(([size, list]) =>
          list.map(([m, e], i) => (i % 2 === 0 ? m : -m) * 2 ** (size + e)),
        );
        const most = rows.map(([size]) => 2 ** size);
        const { rounded, found, half } = await cross(values);
        expect(half.data).toBeInstanceOf(Uint16Array);
        rounded.forEach((x, i) => {
          const largest = Math.max(...rounded.subarray(i - (i % WIDTH), i - (i % WIDTH) + WIDTH).map(Math.abs));
          // Exact, but for what is nothing beside its row.
          if (Math.abs(x) >= largest * 2 ** -28) expect(Object.is(found[i], x) || found[i] === x).toBe(true);
          else
            expect(Math.abs((found[i] ?? NaN) - x)).toBeLessThanOrEqual((most[Math.floor(i / WIDTH)] ?? 0) * 2 ** -35);
        });
      }),
      { numRuns: 200 },
    );
  });

  it('keep what is not a number, and rows of zeros', async () => {
    const cross = await bridge();
    const rows = [
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      NaN,
      1,
      1,
      1,
      1,
      1,
      1,
      1,
      Infinity,
      1,
      1,
      1,
      1,
      1,
      1,
      1,
      3,
      0,
      0,
      0,
      0,
      0,
      0,
      -3,
    ];
    const { found } = await cross(rows);
    expect([...found.subarray(0, 8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(found[8]).toBeNaN();
    expect(found[16]).toBeNaN();
    expect([...found.subarray(24)]).toEqual([3, 0, 0, 0, 0, 0, 0, -3]);
  });
});
