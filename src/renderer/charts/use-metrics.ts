import { useEffect, useState } from 'react';
import type { MetricName } from '../../shared/metrics.ts';
import { call, onApiEvent } from '../api/client.ts';
import type { Point } from './series.ts';

export type Curves = ReadonlyMap<MetricName, readonly Point[]>;

/** All metrics of a run, followed with a cursor: only what is new crosses, never the history again. */
export function useMetrics(runId: number): Curves {
  const [curves, setCurves] = useState<Curves>(new Map());
  useEffect(() => {
    let cursor: string | null = null;
    let busy = false;
    let again = false;
    let ended = false;
    let known = new Map<MetricName, Point[]>();
    const follow = async (): Promise<void> => {
      if (busy) {
        again = true;
        return;
      }
      busy = true;
      try {
        for (let more = true; more && !ended;) {
          const page: Awaited<ReturnType<typeof call<'runs.metrics'>>> = await call('runs.metrics', {
            id: runId,
            cursor,
          });
          if (page.reset) known = new Map();
          cursor = page.cursor;
          more = page.more;
          const fresh = new Map<MetricName, Point[]>();
          for (const row of page.rows) {
            const list = fresh.get(row.key);
            if (list === undefined) fresh.set(row.key, [{ x: row.step, y: row.value }]);
            else list.push({ x: row.step, y: row.value });
          }
          for (const [key, points] of fresh) known.set(key, [...(known.get(key) ?? []), ...points]);
          if (page.rows.length > 0 || page.reset) setCurves(new Map(known));
        }
      } finally {
        busy = false;
        if (again && !ended) {
          again = false;
          void follow();
        }
      }
    };
    void follow();
    const stop = onApiEvent((event) => {
      if (event.type === 'changed' && event.topic === 'metrics' && (event.id === null || event.id === runId))
        void follow();
    });
    return () => {
      ended = true;
      stop();
    };
  }, [runId]);
  return curves;
}
