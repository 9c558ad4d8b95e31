import { startTransition, useEffect, useState } from 'react';
import { followMetrics } from './follow-metrics.ts';
import type { FollowedMetrics } from './follow-metrics.ts';
import { longestKept } from './kept-history.ts';

export interface RunMetrics extends FollowedMetrics {
  readonly error: unknown;
}

const none: RunMetrics = { curves: new Map(), whole: false, error: null };

/**
 * All metrics of several runs, live; a run that has not answered yet has no entry. Of many runs the lowest and highest values
 * of every stretch of steps stand for a long history, see `longestKept`.
 */
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
        { longest: longestKept(ids.length) },
        (metrics) => {
          put(id, { ...metrics, error: null });
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
