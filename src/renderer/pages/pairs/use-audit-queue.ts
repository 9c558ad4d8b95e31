import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { ShownVerdict } from '../../../shared/audit/answer-order.ts';
import type { AuditCounts, AuditQueueInput } from '../../../shared/audit/queue.ts';
import { call, onApiEvent } from '../../api/client.ts';
import type { ApiError } from '../../api/transport.ts';
import type { Marks } from './queue-steps.ts';

/** Other people's reviews and new pairs come in bunches; the queue follows them at most this often. */
const quietMilliseconds = 3000;
/** An event on a pair within this time of an act here tells of that act. */
const echoMilliseconds = 2000;

export interface QueueState {
  /** The queue's order; undefined until it has come. */
  readonly ids: readonly number[] | undefined;
  /** Differs whenever the order was asked for anew. */
  readonly version: number;
  readonly error: ApiError | null;
  readonly counts: AuditCounts | undefined;
  readonly marks: Marks;
  /** Notes what an act here did to a pair, so that nothing needs to be asked again. */
  readonly note: (pairId: number, before: ShownVerdict | null, after: ShownVerdict | null) => void;
  /** Asks for the counts and for a pair's row and texts again. */
  readonly refresh: (pairId: number) => Promise<void>;
  /** Asks for the order again. */
  readonly reload: () => void;
}

/**
 * A queue of pairs: its order is asked for once, and acts here are noted without asking again. What others change (new
 * pairs, another window, imported verdicts) is followed by events, a few seconds at a time.
 */
export function useAuditQueue(queue: AuditQueueInput, reviewer: string, enabled: boolean): QueueState {
  const client = useQueryClient();
  const order = useQuery<readonly number[], ApiError>({
    queryKey: ['audit.order', queue],
    queryFn: () => call('audit.order', queue),
    staleTime: Infinity,
    refetchOnMount: 'always',
    enabled,
  });
  const countsKey = useMemo(() => {
    const { queue: _, ...filter } = queue.filter ?? {};
    return ['audit.counts', { filter, reviewer }] as const;
  }, [queue, reviewer]);
  const counts = useQuery<AuditCounts, ApiError>({
    queryKey: countsKey,
    queryFn: () => call('audit.counts', countsKey[1]),
    staleTime: Infinity,
    refetchOnMount: 'always',
    enabled,
  });

  const version = order.dataUpdatedAt;
  const [marked, setMarked] = useState<{ readonly version: number; readonly marks: Marks }>({
    version,
    marks: new Map(),
  });
  // Marks belong to the order that they were made under: a newer one knows of them.
  const marks = marked.version === version ? marked.marks : noMarks;
  const acted = useRef(new Map<number, number>());

  const note = useCallback(
    (pairId: number, before: ShownVerdict | null, after: ShownVerdict | null): void => {
      acted.current.set(pairId, performance.now());
      setMarked((known) => {
        const marks = new Map(known.version === version ? known.marks : noMarks);
        return { version, marks: marks.set(pairId, after) };
      });
      const by = Number(after !== null) - Number(before !== null);
      if (by === 0) return;
      client.setQueryData<AuditCounts>(
        countsKey,
        (known) => known && { ...known, done: known.done + by, unreviewed: known.unreviewed - by },
      );
    },
    [client, countsKey, version],
  );
  const refresh = useCallback(
    async (pairId: number): Promise<void> => {
      void client.invalidateQueries({ queryKey: countsKey });
      void client.invalidateQueries({ queryKey: ['audit.rows'] });
      await client.invalidateQueries({
        predicate: ({ queryKey: [name, input] }) =>
          name === 'audit.pair' && (input as { readonly pairId: number }).pairId === pairId,
        // Also where it is not shown now: it may be next.
        refetchType: 'all',
      });
    },
    [client, countsKey],
  );
  const { score } = queue.filter ?? {};
  const byModel = score !== undefined && 'model' in score;
  const { refetch } = order;
  const reload = useCallback((): void => void refetch(), [refetch]);

  useEffect(() => {
    let timer: number | undefined;
    let newPairs = false;
    const later = (): void => {
      timer ??= window.setTimeout(() => {
        timer = undefined;
        if (newPairs) void refetch();
        newPairs = false;
        for (const name of ['audit.rows', 'audit.counts', 'audit.pair'])
          void client.invalidateQueries({ queryKey: [name] });
      }, quietMilliseconds);
    };
    const leave = onApiEvent((event) => {
      if (event.type !== 'changed') return;
      if (event.topic === 'pairs' || (event.topic === 'scores' && byModel)) newPairs = true;
      else if (event.topic !== 'reviews') return;
      else if (event.id !== null && performance.now() - (acted.current.get(event.id) ?? -Infinity) < echoMilliseconds)
        return;
      later();
    });
    return () => {
      leave();
      window.clearTimeout(timer);
    };
  }, [client, refetch, byModel]);

  const { data: ids, error } = order;
  return { ids, version, error: error ?? counts.error, counts: counts.data, marks, note, refresh, reload };
}

const noMarks: Marks = new Map();
