import { freemem } from 'node:os';
import { UserError } from '../../../shared/errors.ts';
import { hostBytes } from '../../../shared/memory-plan.ts';
import type { ModelConfig } from '../model/config.ts';
import type { ComputeType } from '../model/converted-weights.ts';
import type { ParameterLayout } from '../model/parameters.ts';
import type { StepWatch } from '../model/runner.ts';
import type { HostTensor } from '../onnx/session.ts';
import { segmentTensors } from '../training/segment-programs.ts';
import type { Segment } from '../training/segment-programs.ts';
import { segmentProgram } from './resident-graph.ts';

export type Feeds = Record<string, HostTensor>;

/** Rows between two segments, see HostRows. */
interface Between {
  readonly rows: HostTensor;
  readonly scales: HostTensor;
}

/** What a run gives; each program fills what it has. */
export interface Results {
  readonly floats: HostTensor;
  readonly scalars: HostTensor;
  readonly gradient: HostTensor;
  readonly tokens: HostTensor;
  readonly between?: Between;
}

/** One run of a program, by its number, with what enters it. */
type Run = (program: number, between: Feeds) => Promise<Results>;

/** A gradient step as one run for each segment there and one for each back. */
export class SegmentedStep {
  /** What is fed to the segments' inputs by programs that do not read them. */
  readonly nothing: Feeds;
  readonly #config: ModelConfig;
  readonly #layout: ParameterLayout;
  readonly #segments: readonly Segment[];
  readonly #dtype: ComputeType;
  readonly #limit: number | undefined;
  readonly #clock: PartClock;

  /** @param limit bytes of the computer's memory; left out, what is free when a step begins */
  constructor(
    config: ModelConfig,
    layout: ParameterLayout,
    segments: readonly Segment[],
    dtype: ComputeType,
    limit: number | undefined,
  ) {
    this.#limit = limit;
    this.#config = config;
    this.#layout = layout;
    this.#segments = segments;
    this.#dtype = dtype;
    this.#clock = new PartClock(segments.length);
    const none = dtype === 'bfloat16' ? new Uint16Array(0) : new Float32Array(0);
    const empty = { rows: { data: none, dims: [0] }, scales: { data: new Float32Array(0), dims: [0] } };
    this.nothing = { ...this.#feeds('segment', empty), ...this.#feeds('segment_gradient', empty) };
  }

  #feeds(name: string, { rows, scales }: Between): Feeds {
    const width = this.#config.hiddenSize;
    return {
      [`${name}_rows`]: { data: rows.data, dims: [rows.data.length / width, width] },
      [`${name}_scales`]: { data: scales.data, dims: [scales.data.length, 1] },
    };
  }

  /**
   * Loss, log-probabilities and gradient [P] of a row of `length` tokens with its padding.
   * @throws UserError('no_memory') where the inputs of the segments would not fit into this computer's memory,
   *   'cancelled' where the signal says so between two runs
   */
  async run(run: Run, length: number, { onPart, signal }: StepWatch): Promise<Omit<Results, 'tokens'>> {
    this.#mustFit(length);
    const waiting: Between[] = [];
    const gradient = new Sum(this.#layout);
    const timed = async (segment: Segment, back: boolean, feeds: Feeds): Promise<Results> => {
      if (signal?.aborted) throw new UserError('cancelled', 'The step was stopped between two of its parts.');
      const result = await this.#clock.time(back, () => run(segmentProgram(this.#segments, segment, back), feeds));
      if (back) gradient.add(segment, result.gradient);
      const part = this.#clock.part();
      if (part.done < part.total) onPart?.(part);
      return result;
    };
    this.#clock.start(length);
    for (const segment of this.#segments) {
      if (!segment.last) waiting.push(between(await timed(segment, false, this.#entering(waiting.at(-1)))));
    }
    let head: Results | undefined;
    let back: Between | undefined;
    for (const segment of this.#segments.toReversed()) {
      // The rows that left this segment are not needed any more.
      const entered = segment.index === 0 ? undefined : waiting.pop();
      const feeds: Feeds = { ...this.#entering(entered), ...(back && this.#feeds('segment_gradient', back)) };
      const result = await timed(segment, true, feeds);
      head ??= result;
      back = result.between;
    }
    if (head === undefined) throw new Error('there is a last segment');
    return { floats: head.floats, scalars: head.scalars, gradient: gradient.total };
  }

  #entering(rows: Between | undefined): Feeds {
    return rows === undefined ? {} : this.#feeds('segment', rows);
  }

  #mustFit(length: number): void {
    const device = this.#dtype === 'bfloat16' ? 'cuda' : 'cpu';
    const { numLayers: layers, hiddenSize } = this.#config;
    const segmentLayers = this.#segments[0]?.to ?? layers;
    const needed = hostBytes({ layers, hiddenSize }, { device, tokens: length, segmentLayers });
    const free = this.#limit ?? freemem();
    if (needed <= free) return;
    const gb = (bytes: number): string => (bytes / 1e9).toFixed(1);
    throw new UserError(
      'no_memory',
      `Segments of this length need ${gb(needed)} GB of the computer's memory, and ${gb(free)} GB are free.`,
      {
        hint: 'Use more layers a segment, close other programs, or use shorter pairs.',
        place: { field: 'segmentLayers' },
      },
    );
  }
}

function between({ between: rows }: Results): Between {
  if (rows === undefined) throw new Error('a segment gives rows');
  return rows;
}

/** The gradient [P] put together from the segments' parts; a tied embedding gets one from the last and one from the first. */
class Sum {
  readonly total: HostTensor;
  readonly #layout: ParameterLayout;
  readonly #found = new Set<string>();

  constructor(layout: ParameterLayout) {
    this.#layout = layout;
    this.total = { data: new Float32Array(layout.total), dims: [layout.total] };
  }

  add(segment: Segment, { data }: HostTensor): void {
    const total = this.total.data as Float32Array;
    let at = 0;
    for (const { name, offset, size } of segmentTensors(this.#layout, segment)) {
      const part = (data as Float32Array).subarray(at, at + size);
      at += size;
      if (this.#found.has(name)) part.forEach((x, i) => (total[offset + i] = (total[offset + i] ?? 0) + x));
      else total.set(part, offset);
      this.#found.add(name);
    }
    if (at !== data.length) throw new Error(`a segment's gradient has ${data.length} numbers, ${at} expected`);
  }
}

/** How far a step is, from the mean times of its runs there and back; those of the step before count until there are own. */
class PartClock {
  readonly #segments: number;
  #before: { readonly there: number; readonly back: number } | undefined;
  #times: { readonly there: number[]; readonly back: number[] } = { there: [], back: [] };
  #length = 0;

  constructor(segments: number) {
    this.#segments = segments;
  }

  /** Begins a step over `length` tokens; one of another order of length says nothing of it. */
  start(length: number): void {
    const { there, back } = this.#times;
    const alike = length < 2 * this.#length && this.#length < 2 * length;
    this.#before = alike && back.length > 0 ? { there: mean(there), back: mean(back) } : undefined;
    this.#times = { there: [], back: [] };
    this.#length = length;
  }

  async time<T>(back: boolean, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await work();
    this.#times[back ? 'back' : 'there'].push(performance.now() - started);
    return result;
  }

  part(): { readonly done: number; readonly total: number; readonly fraction: number | null } {
    const { there, back } = this.#times;
    const n = this.#segments;
    const [done, total] = [there.length + back.length, 2 * n - 1];
    const oneBack =
      back.length > 0 ? mean(back) : this.#before && (this.#before.back / this.#before.there) * mean(there);
    if (oneBack === undefined) return { done, total, fraction: null };
    const spent = sum(there) + sum(back);
    const rest = (n - 1 - there.length) * mean(there) + (n - back.length) * oneBack;
    return { done, total, fraction: spent / (spent + rest) };
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function mean(numbers: readonly number[]): number {
  return numbers.length === 0 ? 0 : sum(numbers) / numbers.length;
}
