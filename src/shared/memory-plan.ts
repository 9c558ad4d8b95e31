import type { ModelReport } from './model-report.ts';
import type { RunConfig } from './run-config.ts';

/** What a plan needs to know of a model; a ModelReport has it. */
export type PlanModel = Pick<
  ModelReport,
  | 'parameters'
  | 'layers'
  | 'hiddenSize'
  | 'intermediateSize'
  | 'heads'
  | 'kvHeads'
  | 'headDim'
  | 'vocabSize'
  | 'tiedEmbeddings'
  | 'dtypes'
>;

/** What the memory of a step itself depends on. */
export type PlanShape = Omit<PlanModel, 'dtypes'>;

/** A LongPO step as a run does it. */
export interface PlanRequest {
  readonly device: 'cpu' | 'cuda';
  /** Tokens of the packed pair: document, questions and both answers. */
  readonly tokens: number;
  readonly trainable: RunConfig['trainable'];
  readonly checkpointing: RunConfig['gradientCheckpointing'];
  /** Default: the model's own precision. */
  readonly baseBits?: RunConfig['baseBits'];
  /** Layers in one run of the step; left out, 0 or all of them: one run. */
  readonly segmentLayers?: number;
}

/** The step of a run whose longest row has `tokens`. */
export function stepRequest(config: RunConfig, tokens: number): PlanRequest {
  const { device, trainable, gradientCheckpointing: checkpointing, baseBits, segmentLayers } = config;
  return { device, tokens, trainable, checkpointing, baseBits, segmentLayers };
}

export interface MemoryPart {
  readonly name:
    | 'runtime'
    | 'pieces'
    | 'loading'
    | 'weights'
    | 'trained'
    | 'layerInputs'
    | 'activations'
    | 'workspace'
    | 'scores'
    | 'lossHead';
  readonly bytes: number;
  /** What it is, and what makes it smaller. */
  readonly about: string;
}

export interface MemoryPlan {
  readonly device: PlanRequest['device'];
  readonly tokens: number;
  /** The highest that is in use at once, in bytes: the machine's memory on the CPU, the card's on CUDA. */
  readonly peak: number;
  readonly parts: readonly MemoryPart[];
  /** Layers in one run of the step, and the computer's memory that holds what lies between; null and 0 for one run. */
  readonly segmentLayers: number | null;
  readonly hostBytes: number;
  /** What a run takes of the card in large pieces before it begins, whole GiB; 0 on the CPU. It is in the peak. */
  readonly reserveBytes: number;
}

const MiB = 2 ** 20;
const GiB = 2 ** 30;

/** Bytes of a weight in 4 bits: two a byte, and a bfloat16 scale for each 32. */
const INT4 = 0.5 + 2 / 32;

/**
 * The CPU's terms, fitted to 50 measured points (bench/cpu/planner-measure.ts: five random models of 17 to 80 million
 * parameters, 1,024 to 3,072 tokens, both kinds of checkpointing, LoRA r=16 and r=128, full) and two of SmolLM2-135M. Bytes
 * are 4 a number. What every layer keeps at least is counted, not fitted.
 */
const CPU = {
  /** Node and ONNX Runtime; one more layer's nodes. */
  base: 130 * MiB,
  layer: 1.54 * MiB,
  /** Linear layers: as mapped, and packed for the products; half precision is widened into memory of its own. */
  linear: 2.23,
  linearWidened: 2.75,
  /** All half-precision weights while they are widened and copied. */
  loading: 2.96,
  /** Vector, gradient and its sum, AdamW's moments, and their copies inside the graph. */
  adapter: 8.92,
  full: 10.78,
  /** Numbers a token and layer that checkpointing keeps; without it those of hidden states, heads and MLP. */
  inputs: 1,
  keptHidden: 3,
  keptHeads: 3.4,
  keptMlp: 3.38,
  /** One layer at work, in units of its MLP. */
  work: 13.54,
  /** Chunks of logits. */
  logits: 3.85,
  chunk: 256,
} as const;

/**
 * CUDA's terms. Context and what the first run leaves behind are measured on one H100 with 4 and 32 layers; the rest is counted:
 * what is alive when a layer's attention goes its way back, where the peak is. `holes` is empirical (docs/decisions, 12).
 */
const CUDA = {
  context: 624 * MiB,
  /** Handles of cuBLAS and cuDNN, one each for every Loop and Scan body: seven a layer. */
  layer: 80 * MiB,
  /**
   * bfloat16 numbers a token that lie about then. In units of the hidden size: the layer's normed input, the gradient that came
   * and the one kept for the sum. Of the queries: themselves, the attention's output and its gradient, in rows and by head. Of
   * keys: rotated keys and values, those that each of the two passes sees, and the two that single out a first key.
   */
  workHidden: 3,
  workHeads: 6,
  workKeys: 8,
  /**
   * The same for the heads of one pass: queries and gradients with eight more channels (136 for 128); keys and values so for
   * both passes, as they were sliced for the second one, and their gradients' sums in float32.
   */
  passHeads: 2.13,
  passKeys: 10.5,
  block: 1024,
  scores: 1.2e9,
  scoresInt4: 1.5e8,
  /** P, dP and dS in bfloat16. */
  scoreBytes: 6,
  chunk: 1024,
  logitBytes: 10,
  /** Bytes a trained number: vector, gradient and its parts in float32, a copy in bfloat16. All weights: without the parts. */
  adapter: 14,
  full: 12,
  /** Holes between what is alive, as a share of what does not stay from layer to layer. */
  holes: 0.1,
} as const;

interface Sizes {
  readonly q: number;
  readonly k: number;
  /** Weights of all linear layers, and of embedding and head. */
  readonly linear: number;
  readonly outer: number;
  readonly trained: number;
}

function sizes(model: PlanShape, trainable: PlanRequest['trainable']): Sizes {
  const { layers, hiddenSize: h, intermediateSize: f, vocabSize } = model;
  const q = model.heads * model.headDim;
  const k = model.kvHeads * model.headDim;
  const shapes: Readonly<Record<string, readonly [number, number]>> = {
    q_proj: [h, q],
    k_proj: [h, k],
    v_proj: [h, k],
    o_proj: [q, h],
    gate_proj: [h, f],
    up_proj: [h, f],
    down_proj: [f, h],
  };
  const linear = layers * Object.values(shapes).reduce((sum, [a, b]) => sum + a * b, 0);
  const adapter = (rank: number, targets: readonly string[]): number =>
    layers * targets.reduce((sum, name) => sum + rank * ((shapes[name]?.[0] ?? 0) + (shapes[name]?.[1] ?? 0)), 0);
  return {
    q,
    k,
    linear,
    outer: vocabSize * h * (model.tiedEmbeddings ? 1 : 2),
    trained: trainable.kind === 'full' ? model.parameters : adapter(trainable.rank, trainable.targets),
  };
}

/** Predicts the peak of a training step, part by part. Optimizer, reference pass and gradients are in it. */
export function planMemory(model: PlanModel, request: PlanRequest): MemoryPlan {
  const all = request.device === 'cpu' ? cpuParts(model, request) : cudaParts(model, request);
  const parts = all.filter(({ bytes }) => bytes > 0);
  const { device, tokens } = request;
  const segmentLayers = segmentsIn(model, request);
  return {
    ...{ device, tokens, peak: parts.reduce((sum, { bytes }) => sum + bytes, 0), parts, segmentLayers },
    hostBytes: segmentLayers === null ? 0 : hostBytes(model, { ...request, segmentLayers }),
    reserveBytes: reserveBytes(model, request),
  };
}

/** Layers in a segment, or null where the step is one run. */
function segmentsIn({ layers }: PlanShape, { segmentLayers = 0 }: PlanRequest): number | null {
  return segmentLayers > 0 && segmentLayers < layers ? segmentLayers : null;
}

/**
 * What of the computer's memory a step in segments holds: the rows between them, the gradient that enters one and the one
 * that leaves it; float16 with a scale a row on CUDA, float32 on the CPU.
 */
export function hostBytes(
  { layers, hiddenSize }: Pick<PlanModel, 'layers' | 'hiddenSize'>,
  { device, tokens, segmentLayers }: Pick<PlanRequest, 'device' | 'tokens'> & { readonly segmentLayers: number },
): number {
  return (Math.ceil(layers / segmentLayers) + 1) * tokens * ((device === 'cuda' ? 2 : 4) * hiddenSize + 4);
}

/** Memory that a step may use: the card's (or, on the CPU, the computer's), and the computer's beside a card. */
export interface Room {
  readonly memory: number;
  readonly host: number;
}

/** Share of the computer's free memory that segments may take. */
const HOST_SHARE = 0.8;

/**
 * The request with the segments that a step needs: none where one run fits comfortably, else the fewest that do (or that fit
 * at all). Fewer segments cross between card and computer less often, which costs more than the layers that they compute once
 * more (measured at 256K). Unchanged where segments do not help, on the CPU (they take the same memory there), and where the
 * request says how many.
 */
export function withSegments<Request extends PlanRequest>(model: PlanModel, request: Request, room: Room): Request {
  if (request.device === 'cpu' || (request.segmentLayers ?? 0) > 0) return request;
  if (planMemory(model, request).peak <= COMFORTABLE * room.memory) return request;
  const cuts = Array.from({ length: model.layers - 1 }, (_, i) => Math.ceil(model.layers / (i + 2)));
  const fitting = (share: number): Request | undefined =>
    cuts
      .map((segmentLayers) => ({ ...request, segmentLayers }))
      .find((cut) => {
        const { peak, hostBytes: host } = planMemory(model, cut);
        return peak <= share * room.memory && host <= HOST_SHARE * room.host;
      });
  return fitting(COMFORTABLE) ?? fitting(1) ?? request;
}

function cpuParts(model: PlanModel, { tokens, trainable, checkpointing, baseBits }: PlanRequest): MemoryPart[] {
  const { layers, hiddenSize, intermediateSize, vocabSize } = model;
  const { q, k, linear, outer, trained } = sizes(model, trainable);
  const runtime = CPU.base + CPU.layer * layers;
  const full = trainable.kind === 'full';
  const half = Object.keys(model.dtypes).some((name) => name !== 'F32');
  const perLayer = CPU.keptHidden * hiddenSize + CPU.keptHeads * (q + 2 * k) + CPU.keptMlp * intermediateSize;
  const layerwise = checkpointing === 'layer';
  const int4 = baseBits === '4' && !full;
  // One weight and its copy packed for the product; counted, not fitted.
  const unpacked = 2 * 4 * hiddenSize * intermediateSize;
  const parts: MemoryPart[] = [
    { name: 'runtime', bytes: runtime, about: 'Node and ONNX Runtime, the graph' },
    {
      name: 'weights',
      bytes: full ? 0 : int4 ? INT4 * linear + unpacked : 4 * (half ? CPU.linearWidened : CPU.linear) * linear,
      about: int4
        ? 'linear weights in 4 bits, and one at a time in float32'
        : 'frozen weights in float32, and packed for the products',
    },
    {
      name: 'trained',
      bytes: 4 * (full ? CPU.full : CPU.adapter) * trained,
      about: full
        ? 'all weights, their gradients and AdamW; an adapter needs far less'
        : 'the adapter, its gradients and AdamW; smaller with a lower rank',
    },
    {
      name: 'layerInputs',
      bytes: layerwise ? 4 * CPU.inputs * layers * tokens * hiddenSize : 0,
      about: "every layer's input, kept for the way back; grows with the length",
    },
    {
      name: 'activations',
      bytes: layerwise ? 0 : 4 * layers * tokens * perLayer,
      about: 'all that every layer computes; gradient checkpointing keeps its input only',
    },
    {
      name: 'workspace',
      bytes: 4 * tokens * CPU.work * intermediateSize,
      about: 'one layer at work',
    },
    {
      name: 'lossHead',
      bytes: 4 * CPU.logits * Math.min(CPU.chunk, tokens) * vocabSize,
      about: 'a chunk of logits and their gradient',
    },
  ];
  // Half-precision weights need more while they are loaded than short inputs do later, in the same memory.
  const step = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const load =
    half && !full ? runtime + 4 * CPU.loading * ((int4 ? 0 : linear) + outer) + (int4 ? 2 * INT4 * linear : 0) : 0;
  return [
    ...parts,
    { name: 'loading', bytes: Math.max(0, load - step), about: 'weights while they are widened to float32' },
  ];
}

/** What a step on CUDA takes of the arena, beside the trained vector. */
function stepParts(model: PlanShape, request: PlanRequest): MemoryPart[] {
  const { tokens, trainable, checkpointing, baseBits } = request;
  const { layers, hiddenSize, intermediateSize, kvHeads, heads, vocabSize } = model;
  const { q, k } = sizes(model, trainable);
  const int4 = baseBits === '4' && trainable.kind !== 'full';
  const perHead = (heads / kvHeads) * Math.min(tokens < 65_536 ? CUDA.block : 2 * CUDA.block, tokens) * tokens;
  const divisors = Array.from({ length: kvHeads }, (_, i) => i + 1).filter((n) => kvHeads % n === 0);
  const atOnce = divisors.findLast((n) => n * perHead <= (int4 ? CUDA.scoresInt4 : CUDA.scores)) ?? 1;
  const kept = segmentsIn(model, request) ?? layers;
  const layer = CUDA.workHidden * hiddenSize + CUDA.workHeads * q + CUDA.workKeys * k;
  const pass = (atOnce / kvHeads) * (CUDA.passHeads * q + CUDA.passKeys * k);
  // In 4 bits, an MLP's three weights are unpacked together.
  const workspace = 2 * tokens * (layer + pass) + (int4 ? 2 * 3 * hiddenSize * intermediateSize : 0);
  const scores = CUDA.scoreBytes * atOnce * perHead;
  return [
    {
      name: 'layerInputs',
      // A segment's rows and their gradient as they came from the computer's memory stay to the end of its run.
      bytes: 2 * tokens * hiddenSize * ((checkpointing === 'layer' ? kept : 0) + (kept < layers ? 2 : 0)),
      about: "every layer's input, kept for the way back; grows with the length",
    },
    {
      name: 'activations',
      bytes:
        checkpointing === 'layer' ? 0 : 2 * kept * tokens * (4 * hiddenSize + 3 * q + 4 * k + 4 * intermediateSize),
      about: 'all that every layer computes; gradient checkpointing keeps its input only',
    },
    { name: 'workspace', bytes: workspace, about: "one layer's way back" },
    { name: 'scores', bytes: scores, about: 'a block of attention scores; fewer at a time are slower' },
    {
      name: 'lossHead',
      // Gone when the layers go their way back: only what it needs more than they do.
      bytes: Math.max(0, CUDA.logitBytes * Math.min(CUDA.chunk, tokens) * vocabSize - workspace - scores),
      about: 'a chunk of logits and their gradient',
    },
    {
      name: 'pieces',
      bytes: CUDA.holes * (workspace + scores),
      about: 'holes between what is in use, and whole GiB',
    },
  ];
}

/**
 * What a run on CUDA takes of the card in large pieces before it begins: all that its longest step needs, in pairs of GiB. The
 * pieces that the runtime takes as it goes cannot be joined, and would be more. Nothing where they fit into one of these, and
 * nothing with weights in 4 bits, which are for cards that are nearly full: there it asks for exact pieces.
 */
export function reserveBytes(model: PlanShape, request: PlanRequest): number {
  if (request.device === 'cpu' || (request.baseBits === '4' && request.trainable.kind !== 'full')) return 0;
  const need = stepParts(model, request).reduce((sum, { bytes }) => sum + bytes, 0);
  return need <= GiB ? 0 : 2 * GiB * Math.ceil(need / (2 * GiB));
}

/** What the arena has when it has given `bytes` in small tensors: its pieces are 1, 2, 4, ... MiB, from 1 GiB on 1 GiB each. */
function firstPieces(bytes: number): number {
  return bytes < GiB ? 2 ** Math.ceil(Math.log2(bytes / MiB + 1)) * MiB - MiB : Math.ceil(bytes / GiB) * GiB;
}

function cudaParts(model: PlanModel, request: PlanRequest): MemoryPart[] {
  const { linear, trained } = sizes(model, request.trainable);
  const full = request.trainable.kind === 'full';
  const int4 = request.baseBits === '4' && !full;
  const parts = stepParts(model, request);
  const need = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const rounded = Math.max(0, reserveBytes(model, request) - need);
  return [
    {
      name: 'runtime',
      bytes: CUDA.context + CUDA.layer * model.layers,
      about: "the CUDA context, and its libraries' handles",
    },
    {
      name: 'weights',
      bytes: int4 ? 2 * (model.parameters - linear) + INT4 * linear : 2 * model.parameters,
      about: int4 ? 'linear weights in 4 bits, the others in bfloat16' : 'weights in bfloat16',
    },
    {
      name: 'trained',
      bytes: full ? CUDA.full * trained : firstPieces(CUDA.adapter * trained),
      about: full ? 'all weights and gradients in float32; an adapter needs far less' : 'the adapter and its gradient',
    },
    ...parts.map((part) => (part.name === 'pieces' ? { ...part, bytes: part.bytes + rounded } : part)),
  ];
}

/** The longest packed pair whose step fits, in segments where that helps; 0 where not even one token does. */
export function longestThatFits(model: PlanModel, request: Omit<PlanRequest, 'tokens'>, room: Room): number {
  const fits = (tokens: number): boolean => {
    const { peak, hostBytes: host } = planMemory(model, withSegments(model, { ...request, tokens }, room));
    return peak <= room.memory && host <= room.host;
  };
  if (!fits(1)) return 0;
  let [low, high] = [1, 2];
  while (high < 2 ** 30 && fits(high)) [low, high] = [high, high * 2];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Share of the memory above which a plan is tight: the prediction is off by some per cent, and pieces do not fill it wholly. */
const COMFORTABLE = 0.85;

export interface MemoryVerdict {
  readonly verdict: 'fits' | 'tight' | 'does_not_fit';
  /** What to change, where it is not `fits`. */
  readonly advice: string | null;
}

/** Whether a plan fits, and what would help most. Segments are those of the request, see withSegments. */
export function judgePlan(model: PlanModel, request: PlanRequest, room: Room): MemoryVerdict {
  const { memory } = room;
  const { peak, hostBytes: host, segmentLayers } = planMemory(model, request);
  if (segmentLayers !== null && host > room.host) {
    const advice = `Use more layers a segment (segmentLayers): ${gigabytes(host)} of the computer's memory are needed, and ${gigabytes(room.host)} are free.`;
    return { verdict: 'does_not_fit', advice };
  }
  if (peak <= COMFORTABLE * memory) return { verdict: 'fits', advice: null };
  const verdict = peak <= memory ? 'tight' : 'does_not_fit';
  const checkpointed = { ...request, checkpointing: 'layer' as const };
  if (request.checkpointing === 'none' && planMemory(model, checkpointed).peak < 0.9 * peak) {
    return { verdict, advice: 'Turn gradient checkpointing on.' };
  }
  if (request.trainable.kind === 'full') return { verdict, advice: 'Train a LoRA adapter instead of all weights.' };
  const packed = { ...request, baseBits: '4' as const };
  if (request.baseBits !== '4' && planMemory(model, packed).peak <= memory) {
    return { verdict, advice: 'Use base weights in 4 bits (baseBits 4), which are a little less exact.' };
  }
  const longest = longestThatFits(model, request, { ...room, memory: COMFORTABLE * memory });
  if (longest >= 256) {
    const shown = longest.toLocaleString('en');
    return { verdict, advice: `Use pairs of at most ${shown} tokens (maxLength), or leave out the longest documents.` };
  }
  return { verdict, advice: 'Use a smaller model or a machine with more memory.' };
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** How a step is computed, for people: in one run, or in segments with what they hold in the computer's memory. */
export function segmentsText({
  segmentLayers,
  hostBytes: host,
}: Pick<MemoryPlan, 'segmentLayers' | 'hostBytes'>): string {
  if (segmentLayers === null) return 'in one run';
  const layers = segmentLayers === 1 ? 'one layer' : `${segmentLayers} layers`;
  return `in segments of ${layers}, with ${gigabytes(host)} of the computer's memory`;
}
