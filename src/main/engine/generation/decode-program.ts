import type { Dim } from '../onnx/dim.ts';
import { unknownDim } from '../onnx/dim.ts';
import { wide } from '../onnx/dtype.ts';
import type { Value } from '../onnx/graph.ts';
import { Graph } from '../onnx/graph.ts';
import * as o from '../onnx/ops.ts';
import type { ModelConfig } from '../model/config.ts';
import { decoderLayer, embed, finalNorm, headName, layerCache } from '../model/decoder.ts';
import type { Attend, DecoderInput } from '../model/decoder.ts';
import { rotate } from '../model/rotary.ts';
import type { RotaryValues } from '../model/rotary.ts';
import { tokenDecoder } from '../model/token-decoder.ts';
import { sampleToken } from './sampling.ts';
import type { SamplingValues } from './sampling.ts';

export interface DecodeInput extends SamplingValues {
  /** Rotary tables by position [L, headDim / 2], for prompts and new tokens. */
  readonly tables: { readonly cos: Value; readonly sin: Value };
  /** Tokens that all sequences share, in whole attention blocks, read once; may be empty. */
  readonly prefix: Value;
  /** How many of them are real, P: an int64 vector of length 1. The rest is padding behind them. */
  readonly prefixLength: Value;
  /** What follows in each sequence [B, S], padded on the right, and the number of real tokens [B] int64. */
  readonly prompts: Value;
  readonly lengths: Value;
  /** Rows of each prompt that are read at a time, an int64 vector of length 1; S is a multiple of it. */
  readonly promptBlock: Value;
  /** Scalar int64, at least 1. */
  readonly maxNewTokens: Value;
  /** Uniform numbers [B, maxNewTokens]. */
  readonly uniforms: Value;
  /** Ids that end a sequence [E] int32. */
  readonly stopIds: Value;
}

/** Keys and values of one part of the context: [KV, P, D] shared, or [KV, B, n, D] by sequence. */
interface CachePart {
  readonly k: Value;
  readonly v: Value;
}

/** The same for all layers. */
type Cache = CachePart[];

/** Names of the head sizes, short because they fill the shapes below. */
interface Sizes {
  readonly KV: number;
  readonly GR: number;
  readonly D: number;
  readonly layers: number;
}

function sizesOf(config: ModelConfig): Sizes {
  const { numHeads, numKvHeads: KV, headDim: D, numLayers: layers } = config;
  return { KV, GR: numHeads / KV, D, layers };
}

/** [P, KV * D] as [KV, P, D]. */
function byHead(g: Graph, x: Value, { KV, D }: Sizes): Value {
  return o.transpose(g, o.reshape(g, x, [-1, KV, D]), [1, 0, 2]);
}

/** [B * n, KV * D] as [KV, B, n, D]. */
function bySequence(g: Graph, x: Value, batch: Value, { KV, D }: Sizes): Value {
  return o.transpose(g, o.reshape(g, x, o.shapeVector(g, batch, -1, KV, D)), [2, 0, 1, 3]);
}

/** One part of the keys that a query may see, with an additive mask for its scores where needed. */
interface Part extends CachePart {
  readonly shared: boolean;
  readonly mask?: (g: Graph, scores: Value) => Value;
}

/** Softmax attention of [KV, B, GR * n, D] queries over several parts side by side; [KV, B, GR * n, D] out. */
function attendParts(g: Graph, q: Value, parts: readonly Part[], batch: Value, { KV, D }: Sizes): Value {
  const merged = o.reshape(g, q, [KV, -1, D]);
  const rows = o.dimOf(g, q, 2);
  const back = (x: Value, last: Value | number): Value => o.reshapeExact(g, x, o.shapeVector(g, KV, batch, rows, last));
  const scores = parts.map(({ k, shared, mask }) => {
    const options = { transB: true, alpha: D ** -0.5 };
    const product = o.fusedMatMul(g, shared ? merged : q, k, options);
    const own = shared ? back(product, o.dimOf(g, k, 1)) : product;
    return mask === undefined ? own : mask(g, own);
  });
  const p = o.softmax(g, o.concat(g, scores, 3));
  const sizes = o.concat(
    g,
    scores.map((score) => o.dimOf(g, score, 3)),
    0,
  );
  const pieces = parts.length === 1 ? [p] : o.split(g, p, sizes, 3);
  return parts
    .map(({ v, shared }, i) => {
      const piece = pieces[i];
      if (piece === undefined) throw new Error('a piece for each part');
      if (!shared) return o.matmul(g, piece, v);
      const flat = o.reshapeExact(g, piece, o.shapeVector(g, KV, o.mul(g, batch, rows), o.dimOf(g, v, 1)));
      return back(o.matmul(g, flat, v), D);
    })
    .reduce((a, b) => o.add(g, a, b));
}

/**
 * Keys of the shared prefix in one part of P V. Its rows are few and its keys many: one product would leave most of the card
 * idle (1 ms a layer at 32K on an H100), sixteen side by side fill it.
 */
const KEY_PARTS = 16;
/** The shared prefix's keys that are read side by side are a multiple of this; the rest counts as each sequence's own. */
const KEY_UNIT = 8 * KEY_PARTS;

/** The shared prefix of one layer: P keys, a multiple of KEY_UNIT, and the fewer ones behind them; all [KV, *, D]. */
interface SharedPart {
  readonly whole: CachePart;
  readonly rest: CachePart;
}

/** Keys and values of the shared prefix, all layers; `input` has the attention and positions of the prefix's rows. */
function readPrefix(g: Graph, input: DecoderInput, { prefix, prefixLength }: DecodeInput, sizes: Sizes): SharedPart[] {
  const cache: SharedPart[] = [];
  const border = o.mul(g, o.div(g, prefixLength, KEY_UNIT), KEY_UNIT);
  const keep = (keys: Value, values: Value): void => {
    const [k, v] = [byHead(g, keys, sizes), byHead(g, values, sizes)];
    const part = (from: Value | number, to: Value): CachePart => ({
      k: o.slice(g, k, from, to, 1),
      v: o.slice(g, v, from, to, 1),
    });
    cache.push({ whole: part(0, border), rest: part(border, prefixLength) });
  };
  const attend: Attend = (graph, q, k, v, layer) => {
    keep(k, v);
    return input.attend(graph, q, k, v, layer);
  };
  const own: DecoderInput = { ...input, attend };
  let x = embed(g, prefix, input.parameters);
  for (let layer = 0; layer + 1 < sizes.layers; layer++) x = decoderLayer(g, x, layer, own);
  const { k, v } = layerCache(g, x, sizes.layers - 1, own);
  keep(k, v);
  return cache;
}

/**
 * Causal attention of the prompts' queries [B * S, KV * GR * D] over the shared prefix and their own sequence, a block of
 * rows of every sequence at a time, so that the scores grow with the context and not with its square.
 */
function attendPrompts(
  g: Graph,
  q: Value,
  shared: SharedPart,
  own: CachePart,
  { batch, width, block }: { batch: Value; width: Value; block: Value },
  sizes: Sizes,
): Value {
  const { KV, GR, D } = sizes;
  const byRow = o.transpose(g, o.reshape(g, q, o.shapeVector(g, batch, width, KV, GR, D)), [2, 0, 3, 1, 4]);
  const b = new Graph('prompt_block', g);
  const iteration = b.anonymousInput('block', 'int64', []);
  const condition = b.anonymousInput('condition', 'bool', []);
  const start = o.mul(b, o.unsqueeze(b, iteration, 0), block);
  const end = o.add(b, start, block);
  const rows = o.reshape(b, o.slice(b, byRow, start, end, 3), o.shapeVector(b, KV, batch, -1, D));
  // A row sees its sequence up to itself; padding comes after every real token.
  const later = o.greater(
    b,
    o.unsqueeze(b, o.arange(b, end), 0),
    o.unsqueeze(b, o.add(b, o.arange(b, block), start), 1),
  );
  const hidden = o.full(b, q.dtype, o.shapeOf(b, later), -Infinity);
  const causal = o.where(b, later, hidden, 0);
  const mask = (inner: Graph, scores: Value): Value => {
    const byGroup = o.reshape(inner, scores, o.shapeVector(inner, KV, o.mul(inner, batch, GR), block, end));
    return o.reshape(inner, o.add(inner, byGroup, causal), o.shapeOf(inner, scores));
  };
  const seen = { k: o.slice(b, own.k, 0, end, 2), v: o.slice(b, own.v, 0, end, 2) };
  const parts: Part[] = [
    { ...shared.whole, shared: true },
    { ...shared.rest, shared: true },
    { ...seen, shared: false, mask },
  ];
  const attended = attendParts(b, rows, parts, batch, sizes);
  const split = o.reshape(b, attended, o.shapeVector(b, KV, batch, GR, block, D));
  b.output(condition);
  b.output(o.reshape(b, o.transpose(b, split, [1, 3, 0, 2, 4]), o.shapeVector(b, batch, block, KV * GR * D)));
  const blocks = g.op('Loop', [o.squeeze(g, o.div(g, width, block), 0), undefined], { body: b });
  return o.reshape(g, o.transpose(g, blocks, [1, 0, 2, 3]), [-1, KV * GR * D]);
}

/** Keys and values of the prompts [KV, B, S, D], and the final hidden states of each prompt's last token [B, H]. */
function readPrompts(
  g: Graph,
  input: DecoderInput,
  decode: DecodeInput,
  shared: readonly SharedPart[],
  sizes: Sizes,
): { cache: Cache; last: Value } {
  const { prompts, promptBlock, tables } = decode;
  const batch = o.dimOf(g, prompts, 0);
  const width = o.dimOf(g, prompts, 1);
  const cache: Cache = [];
  const attend: Attend = (graph, q, k, v, layer) => {
    const own = { k: bySequence(graph, k, batch, sizes), v: bySequence(graph, v, batch, sizes) };
    cache.push(own);
    return attendPrompts(graph, q, at(shared, layer), own, { batch, width, block: promptBlock }, sizes);
  };
  const own = byToken(input, attend, { ...tables, positions: promptPositions(g, decode) });
  let x = embed(g, o.reshape(g, prompts, [-1]), input.parameters);
  for (let layer = 0; layer < sizes.layers; layer++) x = decoderLayer(g, x, layer, own);
  return { cache, last: finalNorm(g, promptsLast(g, x, decode), input) };
}

/** Positions of the prompts' rows [B * S]. Padding may reach beyond the rotary tables; its position does not matter. */
export function promptPositions(g: Graph, { prompts, prefixLength, tables }: DecodeInput): Value {
  const end = o.sub(g, o.dimOf(g, tables.cos, 0), 1);
  const row = o.min(g, o.add(g, o.arange(g, o.dimOf(g, prompts, 1)), prefixLength), end);
  return o.reshape(g, o.expand(g, o.unsqueeze(g, row, 0), o.shapeOf(g, prompts)), [-1]);
}

/** The row of each prompt's last token [B, H] out of all rows [B * S, H]. */
export function promptsLast(g: Graph, x: Value, { prompts, lengths }: DecodeInput): Value {
  const [batch, width] = [o.dimOf(g, prompts, 0), o.dimOf(g, prompts, 1)];
  return o.gather(g, x, o.sub(g, o.add(g, o.mul(g, o.arange(g, batch), width), lengths), 1));
}

/** The decoder for few rows, each a token of its own. */
export function byToken({ config, parameters }: DecoderInput, attend: Attend, rotary: RotaryValues): DecoderInput {
  return { config, parameters, attend, rotary };
}

function at<Part>(cache: readonly Part[], layer: number): Part {
  const found = cache[layer];
  if (found === undefined) throw new Error(`no cache for layer ${layer}`);
  return found;
}

/** True where the token is one of the stop ids, [B]. */
export function isStop(g: Graph, token: Value, stopIds: Value): Value {
  const hits = o.cast(g, o.equal(g, o.unsqueeze(g, token, 1), o.unsqueeze(g, stopIds, 0)), 'int32');
  // The axis is kept at first: CUDA cannot sum over no stop ids at all otherwise.
  return o.squeeze(g, o.greater(g, o.reduceSum(g, hits, [1], true), 0), 1);
}

/** What all layers read while one token a sequence is made. */
interface Reading {
  /** By layer: keys [KV, P, D] and values [KV, KEY_PARTS, P / KEY_PARTS, D] that all sequences share. */
  readonly shared: Cache;
  /** By layer: what each sequence has of its own before the new tokens [KV, B, S, D]. */
  readonly before: Cache;
  /** Added to its scores [B, 1, S]: -inf for padding. */
  readonly padding: Value;
}

/** Sizes that are the same for all layers of a token, made once. */
interface TokenShapes {
  /** [KV, B, GR, P] */
  readonly shared: Value;
  /** [KV, B * GR, KEY_PARTS, P / KEY_PARTS] */
  readonly parts: Value;
  /** Keys of the three parts, int64 vector. */
  readonly keys: Value;
}

/** @param fresh a cache of new tokens before this one [KV, B, n, D] */
function tokenShapes(b: Graph, token: Value, { shared, before }: Reading, fresh: Value, sizes: Sizes): TokenShapes {
  const { KV, GR } = sizes;
  // From the shapes of tensors: numbers of an outer scope would be copied from the card, each time with a wait.
  const batch = o.dimOf(b, token, 0);
  const { k, v } = at(shared, 0);
  const keys = o.dimOf(b, k, 1);
  return {
    shared: o.shapeVector(b, KV, batch, GR, keys),
    parts: o.shapeVector(b, KV, o.mul(b, batch, GR), KEY_PARTS, o.dimOf(b, v, 2)),
    keys: o.concat(b, [keys, o.dimOf(b, at(before, 0).k, 2), o.add(b, o.dimOf(b, fresh, 2), 1)], 0),
  };
}

/**
 * Attention of one new token a sequence, rows [B, KV * GR * D] in and out, over the shared prefix, the sequence's own keys
 * and the new tokens `own` [KV, B, n, D]. Few operators with few sizes: each costs about 10 us a layer and token.
 */
function attendToken(
  b: Graph,
  q: Value,
  layer: number,
  own: CachePart,
  { shared, before, padding }: Reading,
  shapes: TokenShapes,
  { KV, GR, D }: Sizes,
): Value {
  const [prefix, prompt] = [at(shared, layer), at(before, layer)];
  const byHeads = o.transpose(b, o.reshape(b, q, [-1, KV, GR * D]), [1, 0, 2]);
  const [together, apart] = [o.reshape(b, byHeads, [KV, -1, D]), o.reshape(b, byHeads, [KV, -1, GR, D])];
  const options = { transB: true, alpha: D ** -0.5 };
  const scores = [
    o.reshapeExact(b, o.fusedMatMul(b, together, prefix.k, options), shapes.shared),
    o.add(b, o.fusedMatMul(b, apart, prompt.k, options), padding),
    o.fusedMatMul(b, apart, own.k, options),
  ];
  const [p0, p1, p2] = o.split(b, o.softmax(b, o.concat(b, scores, 3)), shapes.keys, 3);
  if (p0 === undefined || p1 === undefined || p2 === undefined) throw new Error('three parts');
  const parts = o.transpose(b, o.reshapeExact(b, p0, shapes.parts), [0, 2, 1, 3]);
  const partial = o.reshape(b, o.matmul(b, parts, prefix.v), [KV, KEY_PARTS, -1]);
  // Summed by a product, which sums in single precision.
  const ones = b.constant(q.dtype, new Array<number>(KV * KEY_PARTS).fill(1), [KV, 1, KEY_PARTS]);
  const sum = o.reshape(b, o.matmul(b, ones, partial), [KV, -1, GR, D]);
  const attended = o.add(b, o.add(b, sum, o.matmul(b, p1, prompt.v)), o.matmul(b, p2, own.v));
  return o.reshape(b, o.transpose(b, o.reshape(b, attended, [KV, -1, GR * D]), [1, 0, 2]), [-1, KV * GR * D]);
}

/** A new token's keys or values [B, KV * D] as [KV, B, 1, D]. */
function oneToken(b: Graph, x: Value, { KV, D }: Sizes): Value {
  return o.reshape(b, o.transpose(b, o.reshape(b, x, [-1, KV, D]), [1, 0, 2]), [KV, -1, 1, D]);
}

/** The prefix as the loop over new tokens reads it; the keys that fill no KEY_UNIT are joined with each prompt's. */
function readingOf(g: Graph, shared: readonly SharedPart[], prompts: Cache, real: Value, { KV, D }: Sizes): Reading {
  const batch = o.dimOf(g, real, 0);
  const first = at(shared, 0);
  const rest = o.dimOf(g, first.rest.k, 1);
  const shape = o.shapeVector(g, KV, batch, rest, D);
  const joined = (x: Value, own: Value): Value => o.concat(g, [o.expand(g, o.unsqueeze(g, x, 1), shape), own], 2);
  const inParts = o.shapeVector(g, KV, KEY_PARTS, o.div(g, o.dimOf(g, first.whole.v, 1), KEY_PARTS), D);
  const dtype = first.rest.k.dtype;
  const zeros = (like: Value): Value => o.full(g, dtype, o.shapeOf(g, like));
  const padding = o.where(g, real, zeros(real), -Infinity);
  const open = o.full(g, dtype, o.shapeVector(g, batch, rest));
  return {
    shared: shared.map(({ whole }) => ({ k: whole.k, v: o.reshapeExact(g, whole.v, inParts) })),
    before: prompts.map(({ k, v }, layer) => {
      const part = at(shared, layer).rest;
      return { k: joined(part.k, k), v: joined(part.v, v) };
    }),
    padding: o.unsqueeze(g, o.concat(g, [open, padding], 1), 1),
  };
}

export function nextToken(g: Graph, input: DecoderInput, hidden: Value, uniform: Value, decode: DecodeInput): Value {
  const head = input.parameters.get(headName(input.config));
  const logits = o.gemm(g, hidden, head, undefined, { transB: true });
  return o.cast(g, sampleToken(g, o.cast(g, logits, wide(logits.dtype)), uniform, decode), 'int32');
}

export function someAreOpen(g: Graph, done: Value): Value {
  const open = o.reduceSum(g, o.cast(g, o.not(g, done), 'int32'), [0]);
  return o.greater(g, open, 0);
}

/**
 * Decodes in one run: the prefix is read once, the prompts as one batch, then a Loop makes one token a sequence and a
 * turn until all have ended. Keys and values of prefix and prompts stay where they are; only the new tokens' are
 * carried. Returns tokens [steps, B] int32; -1 where a sequence had already ended.
 */
export function decodeProgram(g: Graph, input: DecoderInput, decode: DecodeInput): Value {
  const sizes = sizesOf(input.config);
  const { KV, D, layers } = sizes;
  const { dtype } = decode.tables.cos;
  const shared = g.scope('prefix', () => readPrefix(g, input, decode, sizes));
  const prompt = g.scope('prompts', () => readPrompts(g, input, decode, shared, sizes));
  const batch = o.dimOf(g, decode.prompts, 0);
  const column = (graph: Graph, step: Value): Value => o.slice(graph, decode.uniforms, step, o.add(graph, step, 1), 1);

  const first = nextToken(g, input, prompt.last, column(g, g.constant('int64', [0])), decode);
  const firstDone = isStop(g, first, decode.stopIds);
  // Scores of a prompt's padding must not count.
  const slots = o.unsqueeze(g, o.arange(g, o.dimOf(g, decode.prompts, 1)), 0);
  const isReal = o.less(g, slots, o.unsqueeze(g, decode.lengths, 1));
  const reading = readingOf(g, shared, prompt.cache, isReal, sizes);
  const start = o.add(g, decode.lengths, decode.prefixLength);

  const b = new Graph('decode', g);
  b.anonymousInput('step', 'int64', []);
  b.anonymousInput('condition', 'bool', []);
  const B: Dim = unknownDim();
  const token = b.anonymousInput('token', 'int32', [B]);
  const done = b.anonymousInput('done', 'bool', [B]);
  const carried = (stem: string): Value => b.anonymousInput(stem, dtype, [KV, B, unknownDim(), D]);
  const before = Array.from({ length: layers }, () => ({ k: carried('k'), v: carried('v') }));
  const fresh: Cache = [];
  const made = o.dimOf(b, at(before, 0).k, 2);
  const shapes = tokenShapes(b, token, reading, at(before, 0).k, sizes);
  const positions = o.unsqueeze(b, o.add(b, start, made), 1);
  const rotary = { ...decode.tables, positions };
  const { config, parameters } = input;
  const attend: Attend = (graph, q0, k0, v, layer) => {
    const [q, k] = [rotate(graph, q0, config.numHeads, rotary), rotate(graph, k0, config.numKvHeads, rotary)];
    const old = at(before, layer);
    const own = {
      k: o.concat(graph, [old.k, oneToken(graph, k, sizes)], 2),
      v: o.concat(graph, [old.v, oneToken(graph, v, sizes)], 2),
    };
    fresh.push(own);
    return attendToken(graph, q, layer, own, reading, shapes, sizes);
  };
  const hidden = tokenDecoder(b, token, { config, parameters, attend });
  const drawn = nextToken(b, input, hidden, column(b, o.add(b, made, 1)), decode);
  const nowDone = o.or(b, done, isStop(b, drawn, decode.stopIds));
  b.output(someAreOpen(b, nowDone));
  b.output(drawn);
  b.output(nowDone);
  for (const { k, v } of fresh) {
    b.output(k);
    b.output(v);
  }
  b.output(o.where(b, done, o.full(b, 'int32', o.shapeOf(b, drawn), -1), drawn));

  const empty = o.full(g, dtype, o.shapeVector(g, KV, batch, 0, D));
  const caches = Array.from({ length: 2 * layers }, () => empty);
  const rest = g.ops(
    'Loop',
    [o.sub(g, decode.maxNewTokens, 1), someAreOpen(g, firstDone), first, firstDone, ...caches],
    { body: b },
    { outputs: 3 + 2 * layers },
  );
  const scanned = rest.at(-1);
  if (scanned === undefined) throw new Error('the loop gives tokens');
  const steps = o.reshape(g, scanned, o.shapeVector(g, o.dimOf(g, scanned, 0), batch));
  return o.concat(g, [o.unsqueeze(g, first, 0), steps], 0);
}
