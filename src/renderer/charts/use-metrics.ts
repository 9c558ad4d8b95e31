import { startTransition, useEffect, useState } from 'react';
import { followMetrics } from './follow-metrics.ts';
import type { Curves } from './follow-metrics.ts';

export interface RunMetrics {
  readonly curves: Curves;
  readonly error: unknown;
}

const none: RunMetrics = { curves: new Map(), error: null };

/** All metrics of several runs, live; a run that has not answered yet has no entry. */
export function useMetricsOfRuns(runIds: readonly number[]): ReadonlyMap<number, RunMetrics> {
  const [all, setAll] = useState<ReadonlyMap<number, RunMetrics>>(new Map());
  const key = [...new Set(runIds)].sort((a, b) => a - b).join(' ');
  useEffect(() => {
    const ids = key === '' ? [] : key.split(' ').map(Number);
    setAll(new Map());
    const put = (id: number, change: Partial<RunMetrics>): void => {
      // Charts of a long run take longer than a frame: drawn chart by chart, after what a person does.
      startTransition(() => {
        setAll((before) => new Map(before).set(id, { ...(before.get(id) ?? none), ...change }));
      });
    };
    const stops = ids.map((id) =>
      followMetrics(
        id,
        (curves) => {
          put(id, { curves, error: null });
        },
        (error) => {
          put(id, { error });
        },
      ),
    );
    return () => {
      for (const stop of stops) stop();
    };
  }, [key]);
  return all;
}

/** All metrics of one run, live. */
export function useMetrics(runId: number): RunMetrics {
  return useMetricsOfRuns([runId]).get(runId) ?? none;
}
