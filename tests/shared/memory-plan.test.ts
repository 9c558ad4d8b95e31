import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judgePlan, longestThatFits, planMemory, segmentsText, withSegments } from '../../src/shared/memory-plan.ts';
import type { PlanModel, PlanRequest, Room } from '../../src/shared/memory-plan.ts';
import { GRID_MODELS, GRID_POINTS } from '../../bench/cpu/planner-grid.ts';

const MiB = 2 ** 20;
const targets = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;
const lora = (rank: number): PlanRequest['trainable'] => ({
  kind: 'lora',
  ...{ rank, alpha: 32, rslora: false, targets: [...targets] },
});

/** Memory of a card in a computer with little of its own. */
function room(memory: number): Room {
  return { memory, host: 2 ** 30 };
}

function model(config: Readonly<Record<string, unknown>>): PlanModel {
  const [h, f, layers, heads, kvHeads, headDim, vocabSize] = [
    'hidden_size',
    'intermediate_size',
    'num_hidden_layers',
    'num_attention_heads',
    'num_key_value_heads',
    'head_dim',
    'vocab_size',
  ].map((name) => Number(config[name])) as [number, number, number, number, number, number, number];
  const tied = config['tie_word_embeddings'] === true;
  const linear = layers * (2 * h * heads * headDim + 2 * h * kvHeads * headDim + 3 * h * f + 2 * h);
  return {
    ...{ layers, heads, kvHeads, headDim, vocabSize },
    hiddenSize: h,
    intermediateSize: f,
    tiedEmbeddings: tied,
    parameters: linear + h + vocabSize * h * (tied ? 1 : 2),
    dtypes: { [config['torch_dtype'] === 'bfloat16' ? 'BF16' : 'F32']: 1 },
  };
}

interface Measured {
  readonly model: string;
  readonly tokens: number;
  readonly rank: number;
  readonly checkpointing: 'none' | 'layer';
  readonly peak: number;
}
const measured = JSON.parse(
  readFileSync(new URL('../../bench/results/planner-cpu.json', import.meta.url), 'utf8'),
) as readonly Measured[];

test('on the CPU every measured point of the grid is predicted within 7%', () => {
  expect(measured).toHaveLength(GRID_MODELS.length * GRID_POINTS.length);
  const errors = measured.map((point) => {
    const found = GRID_MODELS.find(({ name }) => name === point.model);
    if (found === undefined) throw new Error(point.model);
    const trainable: PlanRequest['trainable'] = point.rank === 0 ? { kind: 'full' } : lora(point.rank);
    const { tokens, checkpointing } = point;
    const { peak } = planMemory(model(found.config), { device: 'cpu', tokens, trainable, checkpointing });
    return peak / MiB / point.peak - 1;
  });
  expect(Math.max(...errors.map(Math.abs))).toBeLessThan(0.07);
  expect(Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length)).toBeLessThan(0.04);
});

test.each([
  [1024, 1727],
  [2048, 1820],
])('SmolLM2-135M in bfloat16, LoRA r=16, %i tokens: within 7%% of the measured %i MiB', (tokens, peak) => {
  const shape = { hidden_size: 576, intermediate_size: 1536, num_hidden_layers: 30, num_attention_heads: 9 };
  const rest = { num_key_value_heads: 3, head_dim: 64, vocab_size: 49152, tie_word_embeddings: true };
  const smollm2 = model({ ...shape, ...rest, torch_dtype: 'bfloat16' });
  const plan = planMemory(smollm2, { device: 'cpu', tokens, trainable: lora(16), checkpointing: 'layer' });
  expect(Math.abs(plan.peak / MiB / peak - 1)).toBeLessThan(0.07);
});

const MISTRAL: PlanModel = {
  ...{ parameters: 7_241_732_096, layers: 32, hiddenSize: 4096, intermediateSize: 14336, heads: 32, kvHeads: 8 },
  ...{ headDim: 128, vocabSize: 32000, tiedEmbeddings: false, dtypes: { BF16: 14_483_464_192 } },
};

const LLAMA: PlanModel = { ...MISTRAL, parameters: 8_030_261_248, vocabSize: 128_256 };

/** Mistral-7B's shape with fewer layers. */
function shallow(layers: number): PlanModel {
  return { ...MISTRAL, layers, parameters: 262_148_096 + layers * 218_112_000 };
}

function onCard(document: number, more: Partial<PlanRequest> = {}): PlanRequest {
  return { device: 'cuda', tokens: document + 512, trainable: lora(16), checkpointing: 'layer', ...more };
}

// H100, docs/results/gpu-2026-11.md.
test.each([
  { shape: '4 layers', model: shallow(4), rank: 16, measured: 3237 },
  { shape: '4 layers', model: shallow(4), rank: 64, measured: 3621 },
  { shape: '8 layers', model: shallow(8), rank: 16, measured: 5345 },
  { shape: '32 layers', model: MISTRAL, rank: 16, measured: 18_021 },
  { shape: '8B', model: LLAMA, rank: 16, measured: 19_525 },
])('on CUDA, $shape with rank $rank are loaded in $measured MiB', ({ model: loaded, rank, measured: mib }) => {
  const { parts } = planMemory(loaded, onCard(8192, { trainable: lora(rank) }));
  const level = parts.filter(({ name }) => ['runtime', 'weights', 'trained'].includes(name));
  expect(Math.abs(level.reduce((sum, { bytes }) => sum + bytes, 0) / MiB / mib - 1)).toBeLessThan(0.01);
});

// What was taken in advance by hand was enough there: the peak is what the plan says beside its own.
test.each([
  { layers: 32, document: 65_536, segments: 0, reserved: 32, measured: 50_791 },
  { layers: 32, document: 130_560, segments: 0, reserved: 48, measured: 67_177 },
  { layers: 8, document: 261_632, segments: 2, reserved: 48, measured: 54_687 },
])('$layers layers at $document tokens', ({ layers, document, segments, reserved, measured: mib }) => {
  const plan = planMemory(shallow(layers), onCard(document, { segmentLayers: segments }));
  const byHand = plan.peak - plan.reserveBytes + reserved * 2 ** 30;
  expect(Math.abs(byHand / MiB / mib - 1)).toBeLessThan(0.01);
});

// Least that a step took of the arena in the simulation (the CUDA provider over a stubbed runtime), in GiB.
test.each([
  { layers: 4, document: 16_384, least: 7 },
  { layers: 4, document: 32_768, least: 13 },
  { layers: 4, document: 49_152, least: 14 },
  { layers: 4, document: 65_536, least: 16 },
  { layers: 4, document: 130_560, least: 22 },
  { layers: 32, document: 8192, least: 5 },
  { layers: 32, document: 32_768, least: 20 },
  { layers: 32, document: 65_536, least: 30 },
  { layers: 32, document: 130_560, least: 50 },
])('$layers layers at $document tokens: $least GiB are enough', ({ layers, document, least }) => {
  const plan = planMemory(shallow(layers), onCard(document));
  expect(plan.reserveBytes / 2 ** 30).toBeGreaterThanOrEqual(least);
  expect(plan.reserveBytes / 2 ** 30).toBeLessThanOrEqual(least + 2);
  const inArena = plan.parts.filter(({ name }) => !['runtime', 'weights', 'trained'].includes(name));
  expect(inArena.reduce((sum, { bytes }) => sum + bytes, 0)).toBeCloseTo(plan.reserveBytes, -1);
});

test('nothing is taken in advance on the CPU, for short rows of a small model, and with 4-bit weights', () => {
  const small = { ...shallow(2), hiddenSize: 256, heads: 4, kvHeads: 2, intermediateSize: 512, headDim: 64 };
  for (const [planned, request] of [
    [MISTRAL, onCard(32_768, { device: 'cpu' })],
    [MISTRAL, onCard(32_768, { baseBits: '4' })],
    [small, onCard(1024)],
  ] as const)
    expect(planMemory(planned, request).reserveBytes).toBe(0);
});

const requests = fc.record({
  device: fc.constantFrom('cpu' as const, 'cuda' as const),
  tokens: fc.integer({ min: 1, max: 200_000 }),
  checkpointing: fc.constantFrom('none' as const, 'layer' as const),
  trainable: fc.oneof(
    fc.constant<PlanRequest['trainable']>({ kind: 'full' }),
    fc.integer({ min: 1, max: 256 }).map(lora),
  ),
});

test('parts are positive and add up; a longer pair never needs less; the longest that fits does, and one more does not', () => {
  fc.assert(
    fc.property(requests, fc.integer({ min: 1, max: 5000 }), (request, more) => {
      const plan = planMemory(MISTRAL, request);
      expect(plan.parts.every(({ bytes }) => bytes > 0)).toBe(true);
      expect(plan.parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(plan.peak);
      const longer = { ...request, tokens: request.tokens + more };
      // More tokens can mean fewer heads at a time, with what lies about for each; nothing else shrinks.
      const scores = plan.parts.find(({ name }) => name === 'scores')?.bytes ?? 0;
      expect(planMemory(MISTRAL, longer).peak).toBeGreaterThanOrEqual(plan.peak - 1.4 * scores - 2 ** 31);
      const longest = longestThatFits(MISTRAL, request, { memory: plan.peak, host: 0 });
      expect(planMemory(MISTRAL, { ...request, tokens: longest }).peak).toBeLessThanOrEqual(plan.peak);
      expect(planMemory(MISTRAL, { ...request, tokens: longest + 1 }).peak).toBeGreaterThan(plan.peak);
    }),
  );
});

test('the advice is what helps: checkpointing, an adapter, shorter pairs, another machine', () => {
  const cuda = { device: 'cuda', tokens: 32_768, trainable: lora(16), checkpointing: 'layer' } as const;
  expect(judgePlan(MISTRAL, cuda, room(80 * 2 ** 30))).toEqual({ verdict: 'fits', advice: null });
  expect(judgePlan(MISTRAL, { ...cuda, checkpointing: 'none' }, room(80 * 2 ** 30))).toEqual({
    verdict: 'does_not_fit',
    advice: 'Turn gradient checkpointing on.',
  });
  expect(judgePlan(MISTRAL, { ...cuda, trainable: { kind: 'full' } }, room(80 * 2 ** 30)).advice).toMatch(
    /LoRA adapter/,
  );
  expect(judgePlan(MISTRAL, { ...cuda, tokens: 200_000 }, room(80 * 2 ** 30))).toMatchObject({
    verdict: 'does_not_fit',
    advice: expect.stringMatching(/at most [\d,]+ tokens/) as string,
  });
  expect(judgePlan(MISTRAL, { ...cuda, baseBits: '4' }, room(8 * 2 ** 30)).advice).toMatch(/smaller model/);
});

test.each(['cpu', 'cuda'] as const)('4-bit weights of a 7B model need less memory than its own on %s', (device) => {
  const request: PlanRequest = { device, tokens: 4096, trainable: lora(16), checkpointing: 'layer' };
  const part = (bits: 'own' | '4'): number =>
    planMemory(MISTRAL, { ...request, baseBits: bits }).parts.find(({ name }) => name === 'weights')?.bytes ?? NaN;
  expect(part('4')).toBeLessThan(part('own') / 3);
  expect(planMemory(MISTRAL, { ...request, baseBits: 'own' })).toEqual(planMemory(MISTRAL, request));
  expect(planMemory(MISTRAL, { ...request, trainable: { kind: 'full' }, baseBits: '4' })).toEqual(
    planMemory(MISTRAL, { ...request, trainable: { kind: 'full' } }),
  );
});

test('where memory is short, 4-bit weights are the next thing to try', () => {
  const request: PlanRequest = { device: 'cuda', tokens: 4096, trainable: lora(16), checkpointing: 'layer' };
  expect(judgePlan(MISTRAL, request, room(16e9)).advice).toContain('4 bits');
  expect(judgePlan(MISTRAL, { ...request, baseBits: '4' }, room(9e9)).advice ?? '').not.toContain('4 bits');
});

// Measured with 24,562 MiB of an H100 left free: 8B, 4-bit weights, document of 32,768 + 2 x 256 tokens, LoRA r=16.
test('the step of an 8B model in 24 GiB is predicted within 7%', () => {
  const request = {
    device: 'cuda',
    tokens: 33_280,
    trainable: lora(16),
    checkpointing: 'layer',
    baseBits: '4',
  } as const;
  expect(Math.abs(planMemory(LLAMA, request).peak / MiB / 24_340 - 1)).toBeLessThan(0.07);
  expect(judgePlan(LLAMA, request, room(24_564 * MiB)).verdict).toBe('tight');
});

const GiB = 2 ** 30;
const pair = (tokens: number): PlanRequest => ({
  ...{ device: 'cuda', tokens, trainable: lora(16), checkpointing: 'layer' },
});

test('segments: none where one run fits, else the fewest that do, and the computer has to hold what lies between', () => {
  const chosen = (tokens: number, card: number, host = 100e9) => {
    const place = { memory: card * GiB, host };
    const request = withSegments(MISTRAL, pair(tokens), place);
    return { ...planMemory(MISTRAL, request), ...judgePlan(MISTRAL, request, place) };
  };
  expect(chosen(32_768, 80)).toMatchObject({ segmentLayers: null, hostBytes: 0, verdict: 'fits' });
  const long = chosen(131_072, 80);
  expect(long.segmentLayers).toBeGreaterThan(4);
  expect(long.verdict).toBe('fits');
  // The rows that wait, and two gradients, in float16.
  const count = Math.ceil(32 / (long.segmentLayers ?? NaN));
  expect(long.hostBytes).toBe((count + 1) * 131_072 * (2 * 4096 + 4));
  expect(segmentsText(long)).toMatch(/^in segments of \d+ layers, with 3\.2 GB of the computer's memory$/);
  expect(chosen(131_072, 80, 3e9)).toMatchObject({ segmentLayers: null, verdict: 'tight' });
  expect(chosen(262_144, 80).segmentLayers).not.toBeNull();
  expect(chosen(131_072, 24)).toMatchObject({ segmentLayers: null, verdict: 'does_not_fit' });
});

test('segments lengthen what fits, are kept where asked for, and do nothing on the CPU', () => {
  const { tokens: _, ...step } = pair(0);
  const place = { memory: 80 * GiB, host: 100e9 };
  const alone = longestThatFits(MISTRAL, step, { ...place, host: 0 });
  expect(longestThatFits(MISTRAL, step, place)).toBeGreaterThan(2 * alone);
  const asked = { ...pair(8192), segmentLayers: 4 };
  expect(withSegments(MISTRAL, asked, place)).toBe(asked);
  expect(planMemory(MISTRAL, { ...asked, segmentLayers: 32 })).toEqual(planMemory(MISTRAL, pair(8192)));
  expect(judgePlan(MISTRAL, asked, { ...place, host: 1e8 })).toMatchObject({
    verdict: 'does_not_fit',
    advice: expect.stringContaining('segmentLayers') as string,
  });
  const cpu: PlanRequest = { ...pair(200_000), device: 'cpu' };
  expect(withSegments(MISTRAL, cpu, { memory: GiB, host: GiB })).toBe(cpu);
});
