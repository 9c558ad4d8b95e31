import { afterEach, expect, test } from 'vitest';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import { outOfMemory } from '../../../../src/main/engine/onnx/out-of-memory.ts';
import { Session } from '../../../../src/main/engine/onnx/session.ts';

const sessions: Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) await session.release();
});

test('an allocation that fails is an error about memory; the same session and new ones go on', async () => {
  const g = new Graph('big');
  const size = g.input('size', 'int64', [1]);
  const zeros = g.scope('grad/layers.2', () =>
    g.op('ConstantOfShape', [size], { value: { dtype: 'float32', shape: [1], data: [0] } }),
  );
  g.output(g.op('Shape', [zeros]), 'shape');
  const session = await Session.create(g, { device: 'cpu', threads: 1 });
  sessions.push(session);
  const run = (n: bigint) => session.run({ size: { data: BigInt64Array.of(n), dims: [1] } });
  await expect(run(2n ** 46n)).rejects.toMatchObject({
    code: 'no_memory',
    message:
      "This machine's memory is not enough to run the model (in layer 3 on the way back, at ConstantOfShape, asking for 262144.00 GiB).",
  });
  expect((await run(3n))['shape']?.data).toEqual(BigInt64Array.of(3n));
});

// What onnxruntime 1.30 said on an H100 (docs/results/gpu-2026-11.md and the feasibility measurements before it).
test.each([
  [
    "Non-zero status code returned while running FusedMatMul node. Name:'layers.7/FusedMatMul.node_91' Status Message: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:360 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory for requested buffer of size 4294967296",
    "The card's memory is not enough to run the model (in layer 8, at FusedMatMul, asking for 4.00 GiB).",
  ],
  [
    "Non-zero status code returned while running Scan node. Name:'loss_head/Scan.node_3' Status Message: CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; expr=cublasCreate(&cublas_handle)",
    "The card's memory is not enough to run the model (in the loss head, at Scan).",
  ],
  ['CUDA failure 2: out of memory ; GPU=0', "The card's memory is not enough to run the model."],
])('what CUDA says is understood', (text, message) => {
  expect(outOfMemory(new Error(text), 'cuda', 'running')?.message).toBe(message);
});

test('other errors are left alone', () => {
  expect(outOfMemory(new Error('CUBLAS failure 13: execution failed'), 'cuda', 'running')).toBeUndefined();
  expect(outOfMemory(new Error('CUDA failure 35: driver version'), 'cuda', 'loading')).toBeUndefined();
});
