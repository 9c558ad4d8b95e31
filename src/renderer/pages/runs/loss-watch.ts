import type { Curves } from '../../charts/follow-metrics.ts';
import type { Point } from '../../charts/series.ts';
import { formatCount, formatNumber } from '../../components/format.ts';

/** Something about a run's curves that a person should look at. */
export interface Remark {
  readonly kind: 'spike' | 'diverging' | 'not finite';
  readonly step: number;
  readonly text: string;
}

/** Steps before a value that it is compared with, and how far beyond their spread a spike lies. */
const window = 25;
const spreads = 8;
/** Spikes that are told one by one. */
const mostSpikes = 5;

/** How far spikes were looked for: a live run is looked at four times a second, and only what is new costs anything. */
export interface SpikeMemory {
  /** Points that were looked at, and the last one of them: another one there means another history. */
  looked: number;
  last: Point | undefined;
  spikes: Remark[];
}

export const noSpikes = (): SpikeMemory => ({ looked: 0, last: undefined, spikes: [] });

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** The spikes of the whole history. */
function spikesOf(loss: readonly Point[], memory: SpikeMemory): readonly Remark[] {
  const { looked, last } = memory;
  const same = looked <= loss.length && loss[looked - 1]?.x === last?.x && loss[looked - 1]?.y === last?.y;
  if (!same) Object.assign(memory, noSpikes());
  for (let i = Math.max(window, memory.looked); i < loss.length; i++) {
    const point = loss[i];
    if (point === undefined || !Number.isFinite(point.y)) continue;
    const before = loss.slice(i - window, i).map(({ y }) => y);
    const middle = median(before);
    const spread = Math.max(median(before.map((y) => Math.abs(y - middle))), Math.abs(middle) * 0.02, 1e-12);
    if (point.y > middle + spreads * spread) {
      const text = `The loss jumps to ${formatNumber(point.y)} at step ${formatCount(point.x)} (about ${formatNumber(middle)} before).`;
      memory.spikes.push({ kind: 'spike', step: point.x, text });
    }
  }
  memory.looked = loss.length;
  memory.last = loss.at(-1);
  return memory.spikes;
}

/**
 * Loss spikes (far above the median of the 25 steps before, measured by their median absolute deviation), a loss that
 * rises for good (the last tenth lies above the first tenth and far above the best one), and values that are no numbers.
 *
 * @param memory of the same run's spikes so far; changed
 */
export function remarksOn(curves: Curves, memory: SpikeMemory = noSpikes()): readonly Remark[] {
  const loss = curves.get('loss') ?? [];
  const remarks: Remark[] = [];
  for (const [key, points] of curves) {
    const broken = points.find(({ y }) => !Number.isFinite(y));
    if (broken !== undefined) {
      const text = `${key} is ${broken.y} at step ${formatCount(broken.x)}.`;
      remarks.push({ kind: 'not finite', step: broken.x, text });
    }
  }
  const spikes = spikesOf(loss, memory);
  remarks.push(...spikes.slice(-mostSpikes));
  if (spikes.length > mostSpikes) {
    const text = `${formatCount(spikes.length)} loss spikes in all; the last ${mostSpikes} are named.`;
    remarks.push({ kind: 'spike', step: spikes[0]?.step ?? 0, text });
  }
  const tenth = Math.floor(loss.length / 10);
  if (tenth >= 3) {
    const means = Array.from({ length: 10 }, (_, k) =>
      median(loss.slice(k * tenth, (k + 1) * tenth).map(({ y }) => y)),
    );
    const [first = 0, last = 0, best] = [means[0], means[9], Math.min(...means)];
    if (last > first && last - best > 0.1 * Math.abs(best)) {
      const at = loss[means.indexOf(best) * tenth]?.x ?? 0;
      const text = `Diverging: the loss stands at ${formatNumber(last)}, above its start (${formatNumber(first)}) and its best (${formatNumber(best)}, about step ${formatCount(at)}). Continue from a checkpoint before that with a lower learning rate.`;
      remarks.push({ kind: 'diverging', step: at, text });
    }
  }
  return remarks;
}
