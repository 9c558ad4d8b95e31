import { describe, expect, it } from 'vitest';
import { checkpoint } from '../../../../src/main/engine/onnx/checkpoint.ts';
import type { Graph, Value } from '../../../../src/main/engine/onnx/graph.ts';
import * as o from '../../../../src/main/engine/onnx/ops.ts';
import type { Input } from './finite-difference.ts';
import { checkGradients } from './finite-difference.ts';

const x = (...shape: number[]): Input => ({ shape });

describe('checkpoint', () => {
  const layer = (g: Graph, [h]: readonly Value[], [w, table]: readonly Value[]): Value => {
    if (h === undefined || w === undefined || table === undefined) throw new Error('three inputs');
    return o.add(g, h, o.silu(g, o.matmul(g, o.mul(g, h, table), w)));
  };

  it('gives the gradients of its inputs, carried and shared', async () => {
    const { gradients } = await checkGradients({
      inputs: [x(2, 3), x(3, 3), x(1, 3)],
      build: (g, h, w = h, table = h) => {
        const first = checkpoint(g, layer, [h], [w, table]);
        return checkpoint(g, layer, [o.mul(g, first, h)], [w, table]);
      },
    });
    expect(gradients).not.toContain(undefined);
  });

  it('may stand in a checkpoint', async () => {
    const { gradients } = await checkGradients({
      inputs: [x(2, 3), x(3, 3), x(1, 3)],
      build: (g, h, w = h, table = h) =>
        checkpoint(
          g,
          (inner, carried, shared) => {
            const once = checkpoint(inner, layer, carried, shared);
            return layer(inner, [checkpoint(inner, layer, [o.exp(inner, once)], shared)], shared);
          },
          [h],
          [w, table],
        ),
    });
    expect(gradients).not.toContain(undefined);
  });
});
