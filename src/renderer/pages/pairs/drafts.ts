/*
 * What was typed and is not stored yet, by pair and kind: it outlives a closed dialog, a failed store and a reload.
 */

const keyOf = (kind: 'edit' | 'comment', pairId: number): string => `longhand.audit.${kind}.${pairId}`;

export function readDraft(kind: 'edit' | 'comment', pairId: number): unknown {
  try {
    const text = sessionStorage.getItem(keyOf(kind, pairId));
    return text === null ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

/** @param value null = nothing is left to keep */
export function keepDraft(kind: 'edit' | 'comment', pairId: number, value: unknown): void {
  try {
    if (value === null) sessionStorage.removeItem(keyOf(kind, pairId));
    else sessionStorage.setItem(keyOf(kind, pairId), JSON.stringify(value));
  } catch {
    // The storage is full: the dialog itself still has the text.
  }
}
