import { hrefOf } from '../../app/router.ts';

/** Most runs that are compared at once. */
export const mostRuns = 12;

/** The runs that an address names (`?runs=1,4`): positive numbers, each once, the first ones of too many. */
export function runsOfAddress(query: Readonly<Record<string, string>>): readonly number[] {
  const numbers = (query['runs'] ?? '').split(',').map(Number);
  return [...new Set(numbers.filter((id) => Number.isSafeInteger(id) && id > 0))].slice(0, mostRuns);
}

/** Where runs are compared: a reload or a link shows the same ones. */
export function hrefOfComparison(ids: readonly number[]): string {
  return ids.length === 0 ? hrefOf('compare') : `${hrefOf('compare')}?runs=${ids.join(',')}`;
}
