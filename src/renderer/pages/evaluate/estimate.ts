import type { TaskEstimate, TaskSize } from '../../../shared/api/evaluations.ts';
import { formatCompact, formatCount, formatDuration } from '../../components/format.ts';

/** `1 item`, `1,200 items`. */
export const count = (number: number, of: string): string => `${formatCount(number)} ${of}${number === 1 ? '' : 's'}`;

/** Items and tokens to read of the tasks of one card; empty where that is known only once they begin. */
export function sizeInWords(sizes: readonly TaskSize[]): string {
  if (sizes.length === 0 || sizes.some(({ items, read }) => items === null || read === null)) return '';
  const items = sizes.reduce((sum, size) => sum + (size.items ?? 0), 0);
  return `${count(items, 'item')}, ${readInWords(sizes)} tokens to read`;
}

function readInWords(sizes: readonly TaskSize[]): string {
  const read = sizes.reduce((sum, size) => sum + (size.read ?? 0), 0);
  return `${sizes.every(({ bound }) => bound === 'most') ? 'at most' : 'about'} ${formatCompact(read)}`;
}

/** What one task takes on all models that were chosen, in words. */
export interface EstimateRow {
  readonly items: string;
  readonly read: string;
  readonly written: string;
  readonly time: string;
  /** Earlier evaluations that the time is told by. */
  readonly by: readonly number[];
}

const unknown = 'not known yet';

/**
 * A task's estimates, one for each model, as a row: items of one model, tokens and time of all together. A figure that
 * is not known for one of the models is not known.
 * @param asked number of models
 */
export function estimateRow(estimates: readonly TaskEstimate[], asked: number): EstimateRow {
  const sizes = estimates.map(({ size }) => size);
  const [first] = sizes;
  const all = estimates.length === asked;
  const items = first?.items ?? null;
  const written = sizes.map((size) => size.written);
  const left = Math.max(0, ...sizes.map(({ tooLong }) => tooLong));
  return {
    items: items === null ? unknown : `${formatCount(items)}${left > 0 ? ` (${formatCount(left)} too long)` : ''}`,
    read: all && sizes.every(({ read }) => read !== null) ? readInWords(sizes) : unknown,
    written:
      all && written.every((tokens) => tokens !== null)
        ? formatCompact(written.reduce<number>((sum, tokens) => sum + tokens, 0))
        : unknown,
    time: timeInWords(estimates, asked),
    by: [...new Set(estimates.flatMap(({ time }) => time?.evaluationId ?? []))],
  };
}

/** `about 42 s`, `40 s to 1 min 10 s` where the ends differ by more than a tenth; of a part: `at least`. */
export function timeInWords(estimates: readonly TaskEstimate[], asked: number): string {
  const times = estimates.flatMap(({ time }) => time ?? []);
  if (times.length === 0) return unknown;
  const sum = (end: 'low' | 'high'): number => times.reduce((total, time) => total + time[end], 0);
  const [low, high] = [sum('low'), sum('high')];
  if (times.length < asked) return `at least ${formatDuration(low)}, the rest is ${unknown}`;
  return high <= 1.1 * low
    ? `about ${formatDuration((low + high) / 2)}`
    : `${formatDuration(low)} to ${formatDuration(high)}`;
}
