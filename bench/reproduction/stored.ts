import type { MetricRow } from '../../src/shared/metrics.ts';
import { openWorkspace } from '../../src/main/workspace/workspace.ts';

/** One evaluation as it is kept with the results: its figures, and each item's score. */
export interface StoredEvaluation {
  readonly name: string;
  readonly summary: Readonly<Record<string, number>>;
  readonly items: readonly { readonly index: number; readonly score: number; readonly length: number | null }[];
}

/** The evaluations of these ids, read from a workspace that nobody writes to. */
export function evaluationsOf(folder: string, ids: readonly number[]): StoredEvaluation[] {
  const workspace = openWorkspace(folder, { readOnly: true });
  try {
    return ids.map((id) => {
      const { setName, summary } = workspace.evaluations.get(id);
      const items: StoredEvaluation['items'][number][] = [];
      for (let cursor: string | undefined, more = true; more;) {
        const page = workspace.evaluations.items(id, cursor === undefined ? {} : { cursor });
        for (const { index, score, detail } of page.rows) {
          const { length, finish } = detail as { length?: number; finish?: string };
          if (finish !== 'too_long') items.push({ index, score, length: length ?? null });
        }
        cursor = page.next ?? undefined;
        more = cursor !== undefined;
      }
      return { name: setName, summary: summary ?? {}, items };
    });
  } finally {
    workspace.close();
  }
}

/** The newest run of a workspace and its metrics at each step. */
export function newestRun(folder: string): { readonly id: number; readonly metrics: readonly MetricRow[] } {
  const workspace = openWorkspace(folder, { readOnly: true });
  try {
    const id = Math.max(...workspace.runs.list({}).rows.map((run) => run.id));
    const metrics: MetricRow[] = [];
    for (let cursor: string | null = null, more = true; more;) {
      const page = workspace.metrics.since(id, cursor);
      metrics.push(...page.rows);
      ({ cursor, more } = page);
    }
    return { id, metrics };
  } finally {
    workspace.close();
  }
}
