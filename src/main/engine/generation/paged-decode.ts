import { unknownDim } from '../onnx/dim.ts';
import type { Value } from '../onnx/graph.ts';
import { Graph } from '../onnx/graph.ts';
import * as o from '../onnx/ops.ts';
import type { ModelConfig } from '../model/config.ts';
import { decoderLayer, embed, finalNorm, layerCache } from '../model/decoder.ts';
import type { Attend, DecoderInput } from '../model/decoder.ts';
import { rotate } from '../model/rotary.ts';
import { tokenDecoder } from '../model/token-decoder.ts';
import { byToken, isStop, nextToken, promptPositions, promptsLast, someAreOpen } from './decode-program.ts';
import type { DecodeInput } from './decode-program.ts';
import { attendPages, placesOf } from './page-attention.ts';
import type { PagedCache } from './page-attention.ts';
import { PAGE } from './page-table.ts';

export interface PagedDecodeInput extends DecodeInput {
  /** int32 [B, pages], see page-table.ts. */
  readonly pageTable: Value;
  /** An empty tensor [0, shared, rest]: pages that all sequences share, and rows of the prefix behind them (at least one). */
  readonly prefixPages: Value;
  /**
   * int32 [B, T]: the position of each place of the cache for each sequence, beyond all positions where it is not the
   * sequence's. With no places [0, 0], PagedAttention attends for each sequence on its own.
   */
  readonly places: Value;
}

/** What PagedAttention is told of the sequences. */
interface Sequences {
  /** Row at which each begins, and the number of rows: int32 [B + 1]. */
  readonly starts: Value;
  /** Keys that are there already, int32 [B]. */
  readonly past: Value;
  readonly pageTable: Value;
  /** At most so many rows and keys in one sequence, and how many keys may be split among processors: int32 [3]. */
  readonly bounds: Value;
}

function attend(
  g: Graph,
  [q, k, v]: readonly [Value, Value, Value],
  cache: PagedCache,
  { starts, past, pageTable, bounds }: Sequences,
  { numHeads, numKvHeads }: ModelConfig,
  rotary?: { readonly cos: Value; readonly sin: Value },
  window = -1,
): Value {
  const sequences = [starts, past, pageTable, rotary?.cos, rotary?.sin];
  const none = new Array<undefined>(6).fill(undefined);
  const inputs = [q, k, v, cache.k, cache.v, ...sequences, ...none, bounds];
  const attributes = { num_heads: numHeads, kv_num_heads: numKvHeads, do_rotary: Number(rotary !== undefined) };
  return g.op('PagedAttention', inputs, { ...attributes, local_window_size: window });
}

/** See Sequences; made of shapes alone, because the operator reads it on the CPU. */
function boundsOf(g: Graph, rows: Value | number, pageTable: Value): Value {
  const keys = o.mul(g, o.dimOf(g, pageTable, 1), PAGE);
  return o.cast(g, o.shapeVector(g, rows, keys, keys), 'int32');
}

/** Pages of one layer with the shared prefix's keys or values x [T, KV * D] in them: the shared pages, then each sequence's. */
function paged(g: Graph, x: Value, { prefixPages, pageTable }: PagedDecodeInput, config: ModelConfig): Value {
  const width = config.numKvHeads * config.headDim;
  const batch = o.dimOf(g, pageTable, 0);
  const shared = o.dimOf(g, prefixPages, 1);
  const rest = o.dimOf(g, prefixPages, 2);
  const border = o.mul(g, shared, PAGE);
  const apart = o.sub(g, o.dimOf(g, pageTable, 1), shared);
  const tail = o.unsqueeze(g, o.slice(g, x, border, o.add(g, border, rest), 0), 0);
  const room = o.full(g, x.dtype, o.shapeVector(g, batch, o.sub(g, o.mul(g, apart, PAGE), rest), width));
  const own = o.concat(g, [o.expand(g, tail, o.shapeVector(g, batch, rest, width)), room], 1);
  // By pages, not by keys: CUDA's Concat sends a table with an entry for each.
  const pages = (rows: Value, count: Value): Value => o.reshapeExact(g, rows, o.shapeVector(g, count, PAGE * width));
  const joined = o.concat(g, [pages(o.slice(g, x, 0, border, 0), shared), pages(own, o.mul(g, batch, apart))], 0);
  return o.reshape(g, joined, [-1, PAGE, config.numKvHeads, config.headDim]);
}

/** Reads the shared prefix once; `input` has the attention and positions of its rows. */
function readPrefix(g: Graph, input: DecoderInput, decode: PagedDecodeInput): PagedCache[] {
  const { numLayers } = input.config;
  const caches: PagedCache[] = [];
  const keep = (k: Value, v: Value): void => {
    caches.push({ k: paged(g, k, decode, input.config), v: paged(g, v, decode, input.config) });
  };
  const attendAndKeep: Attend = (graph, q, k, v, layer) => {
    keep(k, v);
    return input.attend(graph, q, k, v, layer);
  };
  let x = embed(g, decode.prefix, input.parameters);
  for (let layer = 0; layer + 1 < numLayers; layer++) {
    x = decoderLayer(g, x, layer, { ...input, attend: attendAndKeep });
    const cache = caches[layer];
    // The pages are made now, so that the rows they come from do not stay.
    if (cache !== undefined) x = o.after(g, x, cache.k, cache.v);
  }
  const { k, v } = layerCache(g, x, numLayers - 1, input);
  keep(k, v);
  return caches;
}

/** Reads all prompts into the pages; the final hidden states of each one's last token [B, H]. */
function readPrompts(g: Graph, input: DecoderInput, decode: PagedDecodeInput, caches: readonly PagedCache[]): Value {
  const { prompts, prefixLength, pageTable, tables } = decode;
  const { config } = input;
  const [batch, width] = [o.dimOf(g, prompts, 0), o.dimOf(g, prompts, 1)];
  const sequences = {
    starts: o.cast(g, o.mul(g, o.arange(g, o.add(g, batch, 1)), width), 'int32'),
    past: o.expand(g, o.cast(g, prefixLength, 'int32'), batch),
    pageTable,
    bounds: boundsOf(g, width, pageTable),
  };
  const own = byToken(
    input,
    (graph, q, k, v, layer) => attend(graph, [q, k, v], at(caches, layer), sequences, config),
    { ...tables, positions: promptPositions(g, decode) },
  );
  let x = embed(g, o.reshape(g, prompts, [-1]), input.parameters);
  for (let layer = 0; layer < config.numLayers; layer++) x = decoderLayer(g, x, layer, own);
  return finalNorm(g, promptsLast(g, x, decode), input);
}

function at(caches: readonly PagedCache[], layer: number): PagedCache {
  const found = caches[layer];
  if (found === undefined) throw new Error(`no cache for layer ${layer}`);
  return found;
}

/** What the loop over new tokens begins with. */
interface Start {
  readonly caches: readonly PagedCache[];
  /** The first new token [B] int32, and which sequences it ended. */
  readonly token: Value;
  readonly done: Value;
  /** Keys of each sequence [B] int32. */
  readonly past: Value;
}

/** Tokens [steps, B] after the first, -1 where a sequence had ended. */
function newTokens(g: Graph, input: DecoderInput, decode: PagedDecodeInput, start: Start, together: boolean): Value {
  const { config } = input;
  const starts = o.cast(g, o.arange(g, o.add(g, o.dimOf(g, decode.prompts, 0), 1)), 'int32');
  const b = new Graph(together ? 'decode_together' : 'decode', g);
  b.anonymousInput('step', 'int64', []);
  b.anonymousInput('condition', 'bool', []);
  const batch = unknownDim();
  const token = b.anonymousInput('token', 'int32', [batch]);
  const done = b.anonymousInput('done', 'bool', [batch]);
  const past = b.anonymousInput('past', 'int32', [batch]);
  const turn = b.anonymousInput('turn', 'int64', [1]);
  const sequences = { starts, past, pageTable: decode.pageTable, bounds: boundsOf(b, 1, decode.pageTable) };
  const apart: Attend = (graph, q, k, v, layer) =>
    attend(graph, [q, k, v], at(start.caches, layer), sequences, config, decode.tables);
  const hidden = tokenDecoder(b, token, {
    config,
    parameters: input.parameters,
    attend: together ? attendTogether(b, decode, past, start.caches, sequences, config) : apart,
  });
  const drawn = nextToken(b, input, hidden, o.gather(b, decode.uniforms, turn, 1), decode);
  const nowDone = o.or(b, done, isStop(b, drawn, decode.stopIds));
  b.output(someAreOpen(b, nowDone));
  b.output(drawn);
  b.output(nowDone);
  b.output(o.add(b, past, 1));
  b.output(o.add(b, turn, 1));
  b.output(o.where(b, done, o.full(b, 'int32', o.shapeOf(b, drawn), -1), drawn));
  const carried = [start.token, start.done, start.past, g.constant('int64', [1])];
  const rest = g.ops(
    'Loop',
    [o.sub(g, decode.maxNewTokens, 1), someAreOpen(g, start.done), ...carried],
    { body: b },
    { outputs: carried.length + 1 },
  );
  const scanned = rest.at(-1);
  if (scanned === undefined) throw new Error('the loop gives tokens');
  return scanned;
}

/** Attention over the places of all sequences at once; PagedAttention, which sees a window of one key, writes the new ones. */
function attendTogether(
  b: Graph,
  { places, tables }: PagedDecodeInput,
  past: Value,
  caches: readonly PagedCache[],
  sequences: Sequences,
  config: ModelConfig,
): Attend {
  const seen = placesOf(b, places, past, tables.cos, config);
  const rotary = { ...tables, positions: o.unsqueeze(b, o.cast(b, past, 'int64'), 1) };
  return (graph, q, k, v, layer) => {
    const cache = at(caches, layer);
    const written = attend(graph, [q, k, v], cache, sequences, config, tables, 1);
    return attendPages(graph, rotate(graph, q, config.numHeads, rotary), cache, seen, config, written);
  };
}

/**
 * `decodeProgram` with CUDA's PagedAttention, in half precision: it rotates and writes a new token's keys and values into the
 * cache where it stands. Its outputs for the cache are left out, so that the caches can be values of an outer scope: nothing
 * is copied from token to token. It attends too, but reads every key once for each query head of each sequence; where many
 * share a long prefix, plain products over the places of all sequences are faster.
 */
export function pagedDecodeProgram(g: Graph, input: DecoderInput, decode: PagedDecodeInput): Value {
  const caches = g.scope('prefix', () => readPrefix(g, input, decode));
  const last = g.scope('prompts', () => readPrompts(g, input, decode, caches));
  const token = nextToken(g, input, last, o.gather(g, decode.uniforms, g.constant('int64', [0]), 1), decode);
  const done = isStop(g, token, decode.stopIds);
  const past = o.cast(g, o.add(g, decode.lengths, decode.prefixLength), 'int32');
  const [apart, together] = [false, true].map((kind) => {
    const branch = new Graph(kind ? 'together' : 'apart', g);
    branch.output(newTokens(branch, input, decode, { caches, token, done, past }, kind));
    return branch;
  });
  if (apart === undefined || together === undefined) throw new Error('two ways');
  const isApart = o.squeeze(g, o.equal(g, o.dimOf(g, decode.places, 1), 0), 0);
  const scanned = g.op('If', [isApart], { then_branch: apart, else_branch: together });
  const steps = o.reshape(g, scanned, o.shapeVector(g, o.dimOf(g, scanned, 0), o.dimOf(g, decode.prompts, 0)));
  return o.concat(g, [o.unsqueeze(g, token, 0), steps], 0);
}
