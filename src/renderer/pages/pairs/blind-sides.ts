/** Which answer stands on the left. */
export type Sides = readonly ['chosen' | 'rejected', 'chosen' | 'rejected'];

/**
 * The order of the two answers: chosen first, or in blind mode an order that depends on pair and reviewer alone, so that
 * it is the same when the pair comes back and tells nothing.
 */
export function sidesOf(pairId: number, reviewer: string, blind: boolean): Sides {
  if (!blind) return ['chosen', 'rejected'];
  let hash = 2166136261;
  for (const character of `${reviewer} ${pairId}`) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619);
  // FNV's low bits alone are weak.
  return ((hash >>> 15) ^ hash) % 2 === 0 ? ['chosen', 'rejected'] : ['rejected', 'chosen'];
}
