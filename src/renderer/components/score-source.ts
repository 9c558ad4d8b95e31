import type { scoreNames, ScoredModel } from '../../shared/audit/queue.ts';

/** What a pair's log-ratio comes from: a run that has read it, or a model under which it was scored as it is. */
export type ScoreSource = { readonly runId: number } | { readonly model: string };

/** The sources that the workspace has. */
export interface ScoreSources {
  readonly runs: readonly { readonly id: number; readonly name: string }[];
  readonly models: readonly ScoredModel[];
}

/** A source as the value of a list's item, and back. */
export function sourceValue(source: ScoreSource | null): string | null {
  if (source === null) return null;
  return 'runId' in source ? `run ${source.runId}` : `model ${source.model}`;
}

/** The source that a list's item stands for; null where it is none. */
export function sourceOf(value: string | null): ScoreSource | null {
  if (value === null) return null;
  if (value.startsWith('model ')) return { model: value.slice('model '.length) };
  const runId = Number(value.slice('run '.length));
  return Number.isInteger(runId) && runId > 0 ? { runId } : null;
}

/** The source that a view names, where the workspace has it; null: none is looked at. */
export function chosenSource(
  { run, model }: { readonly run: number | null; readonly model: string | null },
  { runs, models }: ScoreSources,
): ScoreSource | null {
  if (model !== null) return models.some(({ fingerprint }) => fingerprint === model) ? { model } : null;
  return run !== null && runs.some(({ id }) => id === run) ? { runId: run } : null;
}

/** How the column of a source is headed, and what its figures are. */
export function sourceHead(source: ScoreSource, { models }: ScoreSources): { label: string; meaning: string } {
  if ('runId' in source) {
    return {
      label: `run ${source.runId}, nats`,
      meaning: `Log-ratio of run ${source.runId}: chosen minus rejected, policy minus reference`,
    };
  }
  const name = models.find(({ fingerprint }) => fingerprint === source.model)?.name ?? 'model';
  return {
    label: `${name}, nats`,
    meaning: `Log-probability under ${name} before training, on the chunk: chosen minus rejected`,
  };
}

/** What of a pair's figures is looked at, in words. */
export const scoreLabels = {
  margin: 'chosen minus rejected',
  chosen: 'of the chosen answer',
  rejected: 'of the rejected answer',
} as const satisfies Record<(typeof scoreNames)[number], string>;

/** The sources as the items of a list, in groups. */
export function sourceList({ runs, models }: ScoreSources) {
  return [
    { group: 'Runs', items: runs.map(({ id, name }) => ({ value: `run ${id}`, label: `${id}: ${name}` })) },
    {
      group: 'Models before training',
      items: models.map(({ fingerprint, name }) => ({ value: `model ${fingerprint}`, label: name })),
    },
  ].filter(({ items }) => items.length > 0);
}
