import { normal95, wilson } from '../wilson.ts';
import type { Kappa } from './kappa.ts';

/** More than anybody reviews; also the bound of the search. */
const most = 10_000_000;

/**
 * Items that a sample needs so that Wilson's 95% interval (Wilson 1927) of a share is at most so wide.
 * @param share the share that is expected, 0 to 1; 0.5 needs most
 * @param width upper minus lower bound, above 0 (0.1 = plus or minus 5 points)
 */
export function sampleForShare(share: number, width: number): number {
  const fits = (n: number): boolean => {
    // Wilson's formula takes any number of successes; a whole one would make the width jump.
    const { low, high } = wilson(share * n, n);
    return high - low <= width;
  };
  let [small, large] = [0, most];
  while (large - small > 1) {
    const middle = Math.floor((small + large) / 2);
    if (fits(middle)) large = middle;
    else small = middle;
  }
  return large;
}

/**
 * Pairs that both reviewers must judge so that the interval of kappa is at most so wide, should kappa and the shares of
 * the verdicts stay as they are: the standard error (Fleiss, Cohen and Everitt 1969) falls with the root of the number.
 * Null where there is no interval yet or it has no width (all alike), so that nothing can be said.
 */
export function sampleForKappa({ low, high, n, standardError }: Kappa, width: number): number | null {
  if (low === null || high === null || standardError === null || standardError === 0) return null;
  return Math.min(most, Math.ceil(n * ((2 * normal95 * standardError) / width) ** 2));
}
