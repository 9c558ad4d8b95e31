import { useCallback, useEffect, useState } from 'react';
import { hrefOf } from '../../app/router.ts';
import { nextInQueue } from './queue-steps.ts';
import type { Marks } from './queue-steps.ts';

export interface Place {
  /** The pair that is looked at; null = the queue has none (left). */
  readonly id: number | null;
  /** The person went there by hand instead of taking the next one. */
  readonly picked: boolean;
  readonly select: (id: number | null, picked: boolean) => void;
}

/**
 * Which pair is looked at: the one that was gone to, else the queue's first that waits. It stands in the address, so that
 * a reload and the way back from another page keep it.
 */
export function usePlace(
  rest: readonly string[],
  ids: readonly number[] | undefined,
  marks: Marks,
  returns: boolean,
): Place {
  const asked = /^[1-9]\d{0,14}$/.test(rest[0] ?? '') ? Number(rest[0]) : null;
  const [place, setPlace] = useState<{ readonly id: number | null; readonly picked: boolean }>({
    id: asked,
    picked: asked !== null,
  });
  useEffect(() => {
    if (asked !== null) setPlace({ id: asked, picked: true });
  }, [asked]);
  const select = useCallback((id: number | null, picked: boolean): void => {
    setPlace({ id, picked });
  }, []);
  const first = ids === undefined ? null : nextInQueue(ids, null, marks, returns);
  const id = place.id ?? first;
  useEffect(() => {
    // Not `location.hash`: each pair would be a step of the way back.
    if (id !== null) history.replaceState(null, '', hrefOf('pairs', id));
  }, [id]);
  // After a reload the first one that waits is where the reviewer was, not one that they chose.
  return { id, picked: place.picked && id !== first, select };
}
