import { hrefOf } from '../../app/router.ts';

/** Most evaluations that are compared at once. */
export const mostCompared = 12;

/** The evaluations that an address names (`?ids=3,7`), the baseline first; each once. */
export function idsOfAddress(query: Readonly<Record<string, string>>): readonly number[] {
  const numbers = (query['ids'] ?? '').split(',').map(Number);
  return [...new Set(numbers.filter((id) => Number.isSafeInteger(id) && id > 0))].slice(0, mostCompared);
}

/** Where these evaluations stand side by side. */
export function hrefOfEvaluations(ids: readonly number[]): string {
  return ids.length === 0 ? hrefOf('evaluate') : `${hrefOf('evaluate')}?ids=${ids.join(',')}`;
}
