import fc from 'fast-check';
import { expect, it } from 'vitest';
import { attendPages, placesOf } from '../../../../src/main/engine/generation/page-attention.ts';
import { PAGE, pageLayout, placesOfPages } from '../../../../src/main/engine/generation/page-table.ts';
import type { ModelConfig } from '../../../../src/main/engine/model/config.ts';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import { Session } from '../../../../src/main/engine/onnx/session.ts';

const [KV, GR, D] = [2, 3, 8];
const config = { numHeads: KV * GR, numKvHeads: KV, headDim: D } as ModelConfig;

function attention(): Graph {
  const g = new Graph('pages');
  const cache = (name: string): ReturnType<Graph['input']> => g.input(name, 'float32', ['pages', PAGE, KV, D]);
  const q = g.input('q', 'float32', ['B', KV * GR * D]);
  const [k, v] = [cache('k'), cache('v')];
  const places = placesOf(g, g.input('places', 'int32', ['B', 'T']), g.input('last', 'int32', ['B']), q, config);
  g.output(attendPages(g, q, { k, v }, places, config), 'out');
  return g;
}

/** The same with plain numbers: the places of one sequence in order, found by its row of the page table. */
function expected(
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
  row: Int32Array,
  last: number,
  sequence: number,
): number[] {
  const placeOf = (position: number): number => (row[Math.floor(position / PAGE)] ?? NaN) * PAGE + (position % PAGE);
  return Array.from({ length: KV * GR }, (_, head) => {
    const kv = Math.floor(head / GR);
    const at = (x: Float32Array, position: number, d: number): number =>
      x[(placeOf(position) * KV + kv) * D + d] ?? NaN;
    const scores = Array.from({ length: last + 1 }, (_, j) => {
      let sum = 0;
      for (let d = 0; d < D; d++) sum += (q[(sequence * KV * GR + head) * D + d] ?? NaN) * at(k, j, d);
      return sum / Math.sqrt(D);
    });
    const highest = Math.max(...scores);
    const weights = scores.map((s) => Math.exp(s - highest));
    const total = weights.reduce((a, b) => a + b, 0);
    return Array.from({ length: D }, (_, d) => weights.reduce((sum, w, j) => sum + w * at(v, j, d), 0) / total);
  }).flat();
}

it('attends over the shared pages and those of each sequence up to its newest key, and over nothing else', async () => {
  const session = await Session.create(attention(), { device: 'cpu', threads: 1 });
  const sizes = [fc.nat(600), fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 4 }), fc.nat()] as const;
  const property = fc.asyncProperty(...sizes, async (prefix, own, batch, seed) => {
    const layout = pageLayout(prefix, own, batch);
    const pages = layout.shared + batch * (layout.pages - layout.shared);
    const noise = (n: number, salt: number): Float32Array =>
      Float32Array.from({ length: n }, (_, i) => 2 * Math.sin((i + 1) * 12.9898 + salt + (seed % 1000)));
    const [q, k, v] = [noise(batch * KV * GR * D, 1), noise(pages * PAGE * KV * D, 2), noise(pages * PAGE * KV * D, 3)];
    const last = Int32Array.from({ length: batch }, (_, b) => prefix + Math.floor(((b + 1) * (own - 1)) / batch));
    const places = placesOfPages(layout, batch);
    const { out } = await session.run({
      q: { data: q, dims: [batch, KV * GR * D] },
      k: { data: k, dims: [pages, PAGE, KV, D] },
      v: { data: v, dims: [pages, PAGE, KV, D] },
      places: { data: places, dims: [batch, places.length / batch] },
      last: { data: last, dims: [batch] },
    });
    const found = Array.from(out?.data as Float32Array);
    for (let b = 0; b < batch; b++) {
      const row = layout.table.subarray(b * layout.pages, (b + 1) * layout.pages);
      expected(q, k, v, row, last[b] ?? 0, b).forEach((x, i) => {
        expect(found[b * KV * GR * D + i]).toBeCloseTo(x, 4);
      });
    }
  });
  await fc.assert(property, { numRuns: 12 });
  await session.release();
});
