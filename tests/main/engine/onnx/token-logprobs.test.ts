import { describe, expect, it } from 'vitest';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import type { Value } from '../../../../src/main/engine/onnx/graph.ts';
import * as o from '../../../../src/main/engine/onnx/ops.ts';
import { tokenLogProbs } from '../../../../src/main/engine/onnx/token-logprobs.ts';
import type { Input } from './finite-difference.ts';
import { checkGradients, uniform } from './finite-difference.ts';
import { runGraph } from './run-graph.ts';

const x = (...shape: number[]): Input => ({ shape });
const int64 = (g: Graph, ...data: number[]): Value => g.constant('int64', data);

describe('log-probabilities of tokens by chunks', () => {
  it.each([1, 2, 5, 9])('chunks of %i rows, trained head', async (chunk) => {
    const { gradients } = await checkGradients({
      inputs: [x(5, 3), { shape: [6, 3], range: [-2, 2] }],
      build: (g, hidden, head = hidden) =>
        tokenLogProbs(g, {
          hidden,
          head,
          target: int64(g, 0, 5, 5, 2, 0),
          chunk: o.full(g, 'bool', [chunk]),
          trainHead: true,
        }),
    });
    expect(gradients).not.toContain(undefined);
  });

  it.each([1, 2, 5, 9])('chunks of %i rows, frozen head', async (chunk) => {
    await checkGradients({
      inputs: [x(5, 3)],
      build: (g, hidden) => {
        const head = g.constant('float64', uniform(18, 9, [-2, 2]), [6, 3]);
        const target = int64(g, 0, 5, 5, 2, 0);
        return o.exp(
          g,
          tokenLogProbs(g, { hidden, head, target, chunk: o.full(g, 'bool', [chunk]), trainHead: false }),
        );
      },
    });
  });

  it('are log-softmax at the target', async () => {
    const g = new Graph('logprobs');
    const [hidden, head] = [
      g.constant('float64', uniform(15, 1), [5, 3]),
      g.constant('float64', uniform(18, 2), [6, 3]),
    ];
    const target = int64(g, 0, 5, 5, 2, 0);
    g.output(tokenLogProbs(g, { hidden, head, target, chunk: o.full(g, 'bool', [2]), trainHead: false }), 'chunked');
    const all = o.logSoftmax(g, o.fusedMatMul(g, hidden, head, { transB: true }));
    g.output(o.squeeze(g, g.op('GatherElements', [all, o.unsqueeze(g, target, 1)], { axis: 1 }), 1), 'plain');
    const [result] = await runGraph(g, {});
    expect(result?.['chunked']?.dims).toEqual([5]);
    result?.['chunked']?.data.forEach((value, i) => expect(value).toBeCloseTo(result['plain']?.data[i] ?? NaN, 12));
  });
});
