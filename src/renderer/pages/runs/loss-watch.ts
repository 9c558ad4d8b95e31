import type { Curves } from '../../charts/follow-metrics.ts';
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
/** Latest steps that spikes are looked for in: a live run is looked at four times a second. */
const looked = 4000;
/** Spikes that are told one by one. */
const mostSpikes = 5;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/**
 * Loss spikes (far above the median of the 25 steps before, measured by their median absolute deviation), a loss that
 * rises for good (the last tenth lies above the first tenth and far above the best one), and values that are no numbers.
 */
export function remarksOn(curves: Curves): readonly Remark[] {
  const loss = curves.get('loss') ?? [];
  const remarks: Remark[] = [];
  for (const [key, points] of curves) {
    const broken = points.find(({ y }) => !Number.isFinite(y));
    if (broken !== undefined) {
      const text = `${key} is ${broken.y} at step ${formatCount(broken.x)}.`;
      remarks.push({ kind: 'not finite', step: broken.x, text });
    }
  }
  const spikes: Remark[] = [];
  for (let i = Math.max(window, loss.length - looked); i < loss.length; i++) {
    const point = loss[i];
    if (point === undefined || !Number.isFinite(point.y)) continue;
    const before = loss.slice(i - window, i).map(({ y }) => y);
    const middle = median(before);
    const spread = Math.max(median(before.map((y) => Math.abs(y - middle))), Math.abs(middle) * 0.02, 1e-12);
    if (point.y > middle + spreads * spread) {
      const text = `The loss jumps to ${formatNumber(point.y)} at step ${formatCount(point.x)} (about ${formatNumber(middle)} before).`;
      spikes.push({ kind: 'spike', step: point.x, text });
    }
  }
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
