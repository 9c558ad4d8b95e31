import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTrace, type KernelRun } from '../../../../bench/cpu/trace.ts';
import { loadModelConfig } from '../../../../src/main/engine/model/config.ts';
import { decoder } from '../../../../src/main/engine/model/decoder.ts';
import { commonFolder, parameterValues } from '../../../../src/main/engine/model/parameter-values.ts';
import { fullLayout, loraLayout } from '../../../../src/main/engine/model/parameters.ts';
import type { ModelRunner, ModelState } from '../../../../src/main/engine/model/runner.ts';
import { openWeights } from '../../../../src/main/engine/model/weights.ts';
import { rowLogits } from '../../../../src/main/engine/model/score-program.ts';
import { Graph, type Value } from '../../../../src/main/engine/onnx/graph.ts';
import * as o from '../../../../src/main/engine/onnx/ops.ts';
import { Session } from '../../../../src/main/engine/onnx/session.ts';
import { residentGraph, type Program } from '../../../../src/main/engine/resident/resident-graph.ts';
import { RESERVED_PIECES } from '../../../../src/main/engine/resident/reserved-pieces.ts';
import { loadResidentModel } from '../../../../src/main/engine/resident/resident-model.ts';
import type { ResidentOptions } from '../../../../src/main/engine/resident/resident-options.ts';
import { buildTargets, type AnswerTree } from '../../../../src/main/engine/training/objectives.ts';
import { ropeForModel } from '../../../../src/main/engine/training/rope-for.ts';
import { GOLDEN_ROOT } from '../training/golden-longpo.ts';
import { allValues, forbiddenValues, grownValues, growth } from './value-growth.ts';

const MODEL = path.join(GOLDEN_ROOT, 'models/llama');
const VOCABULARY = 320; // no other size of this model
const LORA = { rank: 4, alpha: 8, rslora: false, targets: ['q_proj', 'v_proj', 'o_proj', 'down_proj'] };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'longhand-memory-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('inferred shapes', () => {
  it('measures how a dimension grows', () => {
    const bounded = new Set(['block']);
    const cases: [string | number, number][] = [
      [64, 0],
      ['T', 1],
      ['2*T+3', 1],
      ['T*T', 2],
      ['3*M*T-1', 2],
      ['((T+7)/8)', 1],
      ['((T+block-1)/block)*block', 1],
      ['2*block', 0],
      ['?12', 0],
      ['-T+64', 1],
    ];
    for (const [dim, power] of cases) expect(growth(dim, bounded), String(dim)).toBe(power);
  });

  async function graphOf(
    programs: readonly Program[],
    kind: 'full' | 'lora',
    checkpointing: 'none' | 'layer',
  ): Promise<Graph> {
    const config = await loadModelConfig(MODEL);
    const weights = await openWeights(MODEL, config);
    const source = { weights, folder: commonFolder([...weights.tensors.values()].map((tensor) => tensor.path)) };
    const layout = kind === 'full' ? fullLayout(config) : loraLayout(config, LORA);
    const kinds = { dtype: 'float32', attention: 'blocks' } as const;
    return residentGraph({ config, layout, source, checkpointing, programs, ...kinds });
  }

  /**
   * What does not grow with a document: B sequences of a batch, E stop tokens, the number of the program, and the rows of
   * a chunk of the loss head (its limit is the runner's; the sizes at run time below show that it keeps to it); and memory
   * that is asked for in advance.
   */
  const reserve = Array.from({ length: RESERVED_PIECES + 1 }, (_, i) => `reserve_${i}`);
  const BOUNDED = new Set(['B', 'E', 'program', 'chunk', ...reserve]);

  it.each([
    ['lora', 'none'],
    ['lora', 'layer'],
    ['full', 'none'],
    ['full', 'layer'],
  ] as const)(
    'training and scoring, %s, checkpointing %s: nothing has two growing dimensions, nor [M, vocab]',
    async (kind, checkpointing) => {
      const graph = await graphOf(['score', 'gradients'], kind, checkpointing);
      expect([...allValues(graph)].some(({ place }) => place.split('/').length > 3)).toBe(true); // Loops inside programs
      expect(forbiddenValues(graph, BOUNDED, VOCABULARY)).toEqual([]);
    },
  );

  it('hands the gradient out without a copy: ONNX Runtime copies what passes an Identity on its way out', async () => {
    const graph = await graphOf(['gradients'], 'full', 'none');
    const copied = graph.nodes.filter(({ opType }) => opType === 'Identity').flatMap(({ outputs }) => outputs);
    expect(graph.outputs.map(({ name }) => name)).toContain('gradient');
    expect(graph.outputs.filter(({ value }) => copied.includes(value))).toEqual([]);
  });

  it('hidden states: nothing has two growing dimensions', async () => {
    expect(forbiddenValues(await graphOf(['hiddenStates'], 'lora', 'none'), BOUNDED, VOCABULARY)).toEqual([]);
  });

  it('logits that a caller asks for are [M, vocab], and nothing else grows twice', async () => {
    const graph = await graphOf(['logits', 'logProbabilities'], 'lora', 'none');
    const found = forbiddenValues(graph, BOUNDED, VOCABULARY);
    expect(found.length).toBeGreaterThan(0);
    for (const value of found) expect(value).toMatch(/\[M, 320\]$/);
  });

  it('generation: nothing has two growing dimensions, prompts after the prefix included', async () => {
    expect(forbiddenValues(await graphOf(['generate'], 'lora', 'none'), BOUNDED, VOCABULARY)).toEqual([]);
  });

  /** The same model with attention as one product and all logits at once. */
  async function quadraticGraph(): Promise<Graph> {
    const config = await loadModelConfig(MODEL);
    const weights = await openWeights(MODEL, config);
    const source = { weights, folder: commonFolder([...weights.tensors.values()].map((tensor) => tensor.path)) };
    const layout = loraLayout(config, LORA);
    const root = new Graph('quadratic');
    const floats = (name: string, ...shape: (string | number)[]): Value => root.input(name, 'float32', shape);
    const parameters = parameterValues(root, layout, floats('parameters', layout.total), source);
    const rotary = {
      cos: floats('cos', 'L', config.headDim / 2),
      sin: floats('sin', 'L', config.headDim / 2),
      positions: root.input('positions', 'int64', ['T']),
    };
    const perHead = (g: Graph, x: Value): Value => o.transpose(g, o.reshape(g, x, [-1, 2, 16]), [1, 0, 2]);
    const g = new Graph('inside', root);
    const input = {
      config,
      parameters,
      rotary,
      attend: (graph: Graph, q: Value, k: Value, v: Value): Value => {
        const queries = perHead(graph, o.slice(graph, q, 0, 32, 1)); // half the heads will do
        const p = o.softmax(graph, o.fusedMatMul(graph, queries, perHead(graph, k), { transB: true }));
        const half = o.reshape(graph, o.transpose(graph, o.matmul(graph, p, perHead(graph, v)), [1, 0, 2]), [-1, 32]);
        return o.concat(graph, [half, half], 1);
      },
    };
    const ids = root.input('ids', 'int32', ['T']);
    g.output(o.reduceSum(g, decoder(g, ids, input)));
    g.output(o.reduceSum(g, rowLogits(g, input, { ids, from: root.input('from', 'int32', ['M']) })));
    const outputs = root.ops(
      'If',
      [root.input('yes', 'bool', [])],
      { then_branch: g, else_branch: twoZeros(root) },
      { outputs: 2 },
    );
    outputs.forEach((value, i) => root.output(value, `sum${i}`));
    return root;
  }

  function twoZeros(root: Graph): Graph {
    const g = new Graph('zeros', root);
    for (const value of [0, 0]) g.output(o.identity(g, g.constant('float32', value)));
    return g;
  }

  it('finds [T, T] and [M, vocab] in a subgraph of a graph that has them', async () => {
    const graph = await quadraticGraph();
    const found = forbiddenValues(graph, BOUNDED, VOCABULARY);
    expect(found.some((value) => /^quadratic\/inside: layers\.0\/FusedMatMul_\d+ \[2, T, T\]$/.test(value))).toBe(true);
    expect(found.some((value) => /^quadratic\/inside: Gemm_\d+ \[M, 320\]$/.test(value))).toBe(true);

    // And the same graph as it runs.
    const { total } = loraLayout(await loadModelConfig(MODEL), LORA);
    const trace = async (length: number): Promise<KernelRun[]> => {
      const profile = path.join(folder, `quadratic${length}-`);
      const session = await Session.create(graph, { device: 'cpu', threads: 1, weightFolder: MODEL, profile });
      const floats = (n: number, dims: number[]) => ({ data: new Float32Array(n), dims });
      await session.run({
        yes: { data: Uint8Array.of(1), dims: [] },
        parameters: floats(total, [total]),
        cos: floats(length * 8, [length, 8]),
        sin: floats(length * 8, [length, 8]),
        positions: { data: new BigInt64Array(length), dims: [length] },
        ids: { data: new Int32Array(length), dims: [length] },
        from: { data: new Int32Array(length), dims: [length] },
      });
      session.endProfiling();
      await session.release();
      return readTrace(profile);
    };
    const grown = grownValues(await trace(128), await trace(256), VOCABULARY);
    expect(grown.some((value) => /FusedMatMul.*: \[2, 128, 128\] to \[2, 256, 256\]$/.test(value))).toBe(true);
    expect(grown.some((value) => /Gemm.*: \[128, 320\] to \[256, 320\]$/.test(value))).toBe(true);
  });
});

// Inference loses some lengths inside Loops (slices by computed bounds), so the sizes that really occur are checked too.
describe('sizes at run time, document doubled', () => {
  let runs = 0;

  async function trace(
    options: Partial<ResidentOptions>,
    run: (runner: ModelRunner, state: ModelState) => Promise<unknown>,
  ): Promise<KernelRun[]> {
    const profile = path.join(folder, `run${(runs += 1)}-`);
    const runner = await loadResidentModel(MODEL, {
      device: 'cpu',
      threads: 1,
      trainable: { kind: 'lora', ...LORA },
      attentionBlock: 16,
      lossChunk: 16,
      profile,
      ...options,
    });
    await run(runner, { parameters: await runner.initialParameters(0), rope: ropeForModel(runner.config, null)(1024) });
    runner.endProfiling();
    await runner.release();
    return readTrace(profile);
  }

  /** A pair whose trunk is `trunk` tokens long; only the document differs. */
  function pair(trunk: number): AnswerTree {
    const ids = Int32Array.from({ length: trunk + 16 }, (_, i) => (i * 37) % VOCABULARY);
    const tokens = { ids, prefix: trunk - 16, first: 16, second: 16 };
    return { tokens, chosen: [[trunk - 16, trunk]], rejected: [[trunk, trunk + 16]] };
  }

  const train =
    (trunk: number) =>
    async (runner: ModelRunner, state: ModelState): Promise<unknown> => {
      const { tokens, ...spans } = pair(trunk);
      const settings = { objective: 'longpo', beta: 0.1, lambda: 1, nllDocument: 1, nllAnswers: 0 } as const;
      const targets = buildTargets({ tokens, ...spans }, settings);
      const input = { ...targets, referenceChosen: -80, referenceRejected: -80, beta: 0.1, lambda: 1, odds: false };
      return runner.gradients(tokens, targets.targets, input, state);
    };

  it.each([
    ['lora', 'none'],
    ['lora', 'layer'],
    ['full', 'none'],
    ['full', 'layer'],
  ] as const)('gradients, %s, checkpointing %s', async (kind, checkpointing) => {
    const options: Partial<ResidentOptions> = {
      trainable: kind === 'full' ? { kind } : { kind, ...LORA },
      checkpointing,
      programs: ['gradients'],
    };
    const long = await trace(options, train(512));
    expect(long.length).toBeGreaterThan(1000);
    expect(grownValues(await trace(options, train(256)), long, VOCABULARY)).toEqual([]);
  });

  it('generation: a longer prefix, a longer prompt, more new tokens', async () => {
    const generate =
      (prefix: number, prompt: number, maxNewTokens: number) => async (runner: ModelRunner, state: ModelState) => {
        const { ids } = pair(512).tokens;
        const prompts = [ids.slice(0, prompt), Int32Array.of(5)];
        const greedy = { temperature: 0, topK: 0, topP: 1, uniforms: new Float32Array(), stopIds: [] };
        return runner.generate({ prefix: ids.slice(0, prefix), prompts, maxNewTokens, ...greedy }, state);
      };
    const options: Partial<ResidentOptions> = { programs: ['generate'] };
    const base = await trace(options, generate(256, 48, 24));
    expect(grownValues(base, await trace(options, generate(512, 48, 24)), VOCABULARY)).toEqual([]);
    expect(grownValues(base, await trace(options, generate(256, 96, 24)), VOCABULARY)).toEqual([]);
    expect(grownValues(base, await trace(options, generate(256, 48, 48)), VOCABULARY)).toEqual([]);
  });
});
