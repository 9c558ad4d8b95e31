import type { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import type { HostTensor } from '../../../../src/main/engine/onnx/session.ts';
import { Session } from '../../../../src/main/engine/onnx/session.ts';

/** A one-dimensional (or, with `dims`, any) tensor for a graph input. */
export const float32 = (data: readonly number[], dims: readonly number[] = [data.length]): HostTensor => ({
  data: Float32Array.from(data),
  dims,
});
export const int64 = (data: readonly number[], dims: readonly number[] = [data.length]): HostTensor => ({
  data: BigInt64Array.from(data, BigInt),
  dims,
});
export const bool = (value: boolean): HostTensor => ({ data: Uint8Array.of(Number(value)), dims: [] });

/** Compiles a graph for the CPU, runs it for each of the feeds and gives the outputs as plain numbers with their dims. */
export async function runGraph(
  graph: Graph,
  ...feeds: readonly Readonly<Record<string, HostTensor>>[]
): Promise<Record<string, { readonly data: number[]; readonly dims: readonly number[] }>[]> {
  const session = await Session.create(graph, { device: 'cpu', threads: 1 });
  try {
    const all = [];
    for (const feed of feeds) {
      const results = Object.entries(await session.run(feed));
      all.push(
        Object.fromEntries(results.map(([name, { data, dims }]) => [name, { data: Array.from(data, Number), dims }])),
      );
    }
    return all;
  } finally {
    await session.release();
  }
}
