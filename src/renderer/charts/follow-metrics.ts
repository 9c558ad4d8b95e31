import type { MetricName } from '../../shared/metrics.ts';
import { call, onApiEvent } from '../api/client.ts';
import { lastStep } from './kept-history.ts';
import type { Point } from './series.ts';

/** Values over steps, by metric. */
export type Curves = ReadonlyMap<MetricName, readonly Point[]>;

export interface FollowedMetrics {
  readonly curves: Curves;
  /** Every value is there; else a long run's older ones are the extremes of every stretch of steps. */
  readonly whole: boolean;
}

type Lists = Map<MetricName, Point[]>;

/** Adds values to lists of points; a metric's list that is there is changed. */
function addRows(lists: Lists, rows: readonly { step: number; key: MetricName; value: number }[]): void {
  for (const { step: x, key, value: y } of rows) {
    const list = lists.get(key);
    if (list === undefined) lists.set(key, [{ x, y }]);
    else list.push({ x, y });
  }
}

/** Every metric of a run as it stands, and the cursor to read on from. @throws ApiError */
async function history(runId: number, ended: () => boolean): Promise<{ curves: Lists; cursor: string }> {
  for (;;) {
    const curves: Lists = new Map();
    let page = await call('runs.metrics', { id: runId, cursor: null });
    addRows(curves, page.rows);
    while (page.more && !page.reset && !ended()) {
      page = await call('runs.metrics', { id: runId, cursor: page.cursor });
      addRows(curves, page.rows);
    }
    // Cut back while it was read: once more.
    if (!page.reset) return { curves, cursor: page.cursor };
  }
}

/** Every value of a run's metrics, for a file. @throws ApiError */
export async function allMetrics(runId: number): Promise<Curves> {
  return (await history(runId, () => false)).curves;
}

/**
 * Follows a run's metrics: first the run at a glance, then (where it has at most `longest` steps) its history behind that, then
 * only what is new, by a cursor. `onMetrics` gets a new map whenever something came; `onError` what went wrong (the next event tries
 * again). Returns the function that stops it.
 */
export function followMetrics(
  runId: number,
  { longest }: { readonly longest: number },
  onMetrics: (metrics: FollowedMetrics) => void,
  onError: (error: unknown) => void,
): () => void {
  let [busy, again, ended] = [false, false, false];
  let known: FollowedMetrics | undefined;
  let cursor: string | null = null;
  const tell = (metrics: FollowedMetrics): void => {
    known = metrics;
    if (!ended) onMetrics(metrics);
  };

  const begin = async (): Promise<void> => {
    const overview = await call('runs.overview', { id: runId });
    cursor = overview.cursor;
    const points = overview.curves.map(
      ({ key, steps, values }) => [key, steps.map((x, i) => ({ x, y: values[i] ?? NaN }))] as const,
    );
    tell({ curves: new Map(points), whole: false });
  };
  const isShort = (): boolean => known === undefined || lastStep(known.curves) <= longest;
  const complete = async (): Promise<void> => {
    const all = await history(runId, () => ended);
    cursor = all.cursor;
    tell({ curves: all.curves, whole: true });
  };
  const readOn = async (): Promise<void> => {
    for (let more = true; more && !ended;) {
      const page: Awaited<ReturnType<typeof call<'runs.metrics'>>> = await call('runs.metrics', { id: runId, cursor });
      if (page.reset) {
        await begin();
        if (isShort()) await complete();
        return;
      }
      cursor = page.cursor;
      more = page.more;
      if (page.rows.length === 0) continue;
      const fresh: Lists = new Map();
      addRows(fresh, page.rows);
      const curves = new Map(known?.curves);
      for (const [key, points] of fresh) curves.set(key, [...(curves.get(key) ?? []), ...points]);
      tell({ curves, whole: known?.whole ?? false });
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
        if (known === undefined) await begin();
        if (isShort() && known?.whole !== true && !ended) await complete();
        await readOn();
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
