import type { MetricName } from '../../shared/metrics.ts';
import { call, onApiEvent } from '../api/client.ts';
import type { Point } from './series.ts';

/** Values over steps, by metric. */
export type Curves = ReadonlyMap<MetricName, readonly Point[]>;

/**
 * Follows a run's metrics with a cursor: only what is new crosses, never the history again. `onCurves` gets a new map
 * whenever something came; `onError` what went wrong (the next event tries again). Returns the function that stops it.
 */
export function followMetrics(
  runId: number,
  onCurves: (curves: Curves) => void,
  onError: (error: unknown) => void,
): () => void {
  let cursor: string | null = null;
  let [busy, again, ended] = [false, false, false];
  let known = new Map<MetricName, readonly Point[]>();
  const read = async (): Promise<void> => {
    // A long history comes in many pages: it is shown now and then, not at every page.
    let told = performance.now();
    let untold = false;
    for (let more = true; more && !ended;) {
      const page: Awaited<ReturnType<typeof call<'runs.metrics'>>> = await call('runs.metrics', { id: runId, cursor });
      if (page.reset) known = new Map();
      cursor = page.cursor;
      more = page.more;
      const fresh = new Map<MetricName, Point[]>();
      for (const { step: x, key, value: y } of page.rows) {
        const list = fresh.get(key);
        if (list === undefined) fresh.set(key, [{ x, y }]);
        else list.push({ x, y });
      }
      for (const [key, points] of fresh) known.set(key, [...(known.get(key) ?? []), ...points]);
      untold ||= page.rows.length > 0 || page.reset;
      if (untold && !ended && (!more || performance.now() - told > 1000)) {
        onCurves(new Map(known));
        untold = false;
        told = performance.now();
      }
    }
  };
  const follow = async (): Promise<void> => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    do {
      again = false;
      try {
        await read();
      } catch (error) {
        if (!ended) onError(error);
      }
    } while (again && !ended);
    busy = false;
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
}
