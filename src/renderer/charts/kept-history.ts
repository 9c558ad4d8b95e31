import type { Curves } from './follow-metrics.ts';

/** Runs of any length whose every value is kept, to point at and to zoom into. */
const runsOfAnyLength = 6;
/** Steps of all runs together that are kept where there are more (as six runs of 20,000 steps: some 12 MB each). */
const stepsOfMore = 120_000;

/** The most steps of a run whose every value is kept, where so many runs are drawn; a longer one is drawn by its extremes. */
export function longestKept(runs: number): number {
  return runs <= runsOfAnyLength ? Infinity : Math.floor(stepsOfMore / runs);
}

/** The last step of a run's curves; 0 where there are none. */
export function lastStep(curves: Curves): number {
  let last = 0;
  for (const points of curves.values()) last = Math.max(last, points.at(-1)?.x ?? 0);
  return last;
}
