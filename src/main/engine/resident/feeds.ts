import { placesOfPages } from '../generation/page-table.ts';
import type { PageLayout } from '../generation/page-table.ts';
import type { ObjectiveInput } from '../model/runner.ts';
import type { HostTensor } from '../onnx/session.ts';
import { reservedPieces } from './reserved-pieces.ts';
import { ruler } from './row-layout.ts';
import type { Feeds } from './segmented-step.ts';

/** A tensor [n]. */
export function vector(data: Int32Array | Float32Array): HostTensor {
  return { data, dims: [data.length] };
}

/** A tensor [1] that says how many. */
export function size(value: number): HostTensor {
  return { data: BigInt64Array.of(BigInt(value)), dims: [1] };
}

/** An empty tensor whose dimensions are the memory to take in advance, see `reservedPieces`. */
export function reserved(bytes: number): HostTensor {
  return { data: new Uint8Array(0), dims: [0, ...reservedPieces(bytes)] };
}

/** A tensor without dimensions. */
export function scalar(value: number): HostTensor {
  return { data: Float32Array.of(value), dims: [] };
}

/** A result as numbers. */
export function floatsOf(tensor: HostTensor): Float32Array {
  if (!(tensor.data instanceof Float32Array)) throw new Error('expected float32');
  return tensor.data;
}

/** @param together whether attention is over all sequences at once, see `pagedDecodeProgram` */
export function pageFeeds(layout: PageLayout, batch: number, together: boolean): Feeds {
  const { table, pages, shared, rest } = layout;
  const places = together ? placesOfPages(layout, batch) : new Int32Array(0);
  return {
    places: { data: places, dims: places.length === 0 ? [0, 0] : [batch, places.length / batch] },
    page_table: { data: table, dims: [batch, pages] },
    prefix_pages: { data: new Uint8Array(0), dims: [0, shared, rest] },
  };
}

/** What the program `gradients` is told of the objective. */
export function objectiveFeeds(objective: ObjectiveInput): Feeds {
  return {
    nll_weight: vector(objective.nllWeight),
    chosen_mask: vector(objective.chosenMask),
    rejected_mask: vector(objective.rejectedMask),
    reference_chosen: scalar(objective.referenceChosen),
    reference_rejected: scalar(objective.referenceRejected),
    beta: scalar(objective.beta),
    lambda: scalar(objective.lambda),
    odds: scalar(Number(objective.odds)),
  };
}

/** What is fed to the inputs that a program does not read. */
export const EMPTY: Feeds = {
  reserve: reserved(0),
  prefix: size(0),
  from: vector(new Int32Array(0)),
  target: vector(new Int32Array(0)),
  chunk: ruler(1),
  nll_weight: vector(new Float32Array(0)),
  chosen_mask: vector(new Float32Array(0)),
  rejected_mask: vector(new Float32Array(0)),
  reference_chosen: scalar(0),
  reference_rejected: scalar(0),
  beta: scalar(0),
  lambda: scalar(0),
  odds: scalar(0),
  prompts: { data: new Int32Array(0), dims: [0, 0] },
  lengths: { data: new BigInt64Array(0), dims: [0] },
  prompt_block: size(1),
  max_new_tokens: { data: BigInt64Array.of(0n), dims: [] },
  temperature: scalar(0),
  top_k: size(0),
  top_p: scalar(1),
  uniforms: { data: new Float32Array(0), dims: [0, 0] },
  stop_ids: vector(new Int32Array(0)),
};
