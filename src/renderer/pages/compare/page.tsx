import { Button, MultiSelect } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { useMemo, useRef, useState } from 'react';
import { call } from '../../api/client.ts';
import type { ApiError } from '../../api/transport.ts';
import { useAllRows } from '../../api/use-all-rows.ts';
import { hrefOf, useRoute } from '../../app/router.ts';
import { lookOfRun } from '../../charts/run-colors.ts';
import { lastStep, longestKept } from '../../charts/kept-history.ts';
import { useMetricsOfRuns } from '../../charts/use-metrics.ts';
import { useCommands } from '../../commands/active-commands.ts';
import { formatCount } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { Empty, ErrorPanel, Loading } from '../../components/states.tsx';
import { hrefOfComparison, mostRuns, runsOfAddress } from './address.ts';
import { ComparedCharts } from './compared-charts.tsx';
import { EvaluationsTable } from './evaluations-table.tsx';
import { SettingsTable } from './settings-table.tsx';

function compare(ids: readonly number[]): void {
  location.hash = hrefOfComparison(ids);
}

/** Any runs over each other: curves, settings, evaluations. Which ones stands in the address. */
export function ComparePage() {
  const { query } = useRoute();
  const ids = runsOfAddress(query);
  const runs = useAllRows('runs.list', {});
  const input = useRef<HTMLInputElement>(null);
  useCommands({
    'compare.choose': () => input.current?.focus(),
    'compare.clear': () => compare([]),
  });
  const known = new Set(runs.rows.map(({ id }) => id));
  const missing = runs.pending || runs.more ? [] : ids.filter((id) => !known.has(id));
  const shown = ids.filter((id) => known.has(id));
  return (
    <Page title="Compare" note={ids.length === 0 ? 'Curves, settings and evaluations of any runs' : undefined}>
      {runs.error !== null && <ErrorPanel error={runs.error} />}
      <MultiSelect
        ref={input}
        label="Runs"
        placeholder={ids.length === 0 ? 'Type a number or a part of a name' : ''}
        data={runs.rows.map((run) => ({ value: String(run.id), label: `${run.id}: ${run.name}` }))}
        value={shown.map(String)}
        onChange={(values) => {
          compare(values.map(Number));
        }}
        maxValues={mostRuns}
        searchable
        clearable
        hidePickedOptions
        nothingFoundMessage="No such run"
        limit={50}
        clearButtonProps={{ 'aria-label': 'Take all runs out' }}
      />
      {missing.length > 0 && (
        <div role="alert" style={{ color: 'var(--warn)' }}>
          The address names runs that are not in this workspace: {missing.join(', ')}.
        </div>
      )}
      {runs.pending && runs.error === null && <Loading />}
      {!runs.pending && runs.rows.length === 0 && (
        <Empty title="No runs to compare">
          <a href={hrefOf('train')}>Train one first.</a>
        </Empty>
      )}
      {runs.rows.length > 0 && shown.length === 0 && (
        <Empty title="Choose two runs or more">
          {runs.rows.length === 1 ? (
            <>
              There is one run so far. <a href={hrefOf('train')}>Train another</a>, or continue that one from a
              checkpoint.
            </>
          ) : (
            <Button
              size="xs"
              variant="default"
              mt={8}
              onClick={() => {
                compare(runs.rows.slice(-3).map(({ id }) => id));
              }}
            >
              Compare the latest runs
            </Button>
          )}
        </Empty>
      )}
      {shown.length > 0 && <Comparison ids={shown} />}
    </Page>
  );
}

function Comparison({ ids }: { readonly ids: readonly number[] }) {
  const [hidden, hide] = useState<readonly number[]>([]);
  const all = useMetricsOfRuns(ids);
  const longest = longestKept(ids.length);
  const views = useQueries({
    queries: ids.map((id) => ({ queryKey: ['runs.get', { id }], queryFn: () => call('runs.get', { id }) })),
  });
  const key = ids.join(' ');
  const visible = useMemo(
    () =>
      ids
        .filter((id) => !hidden.includes(id))
        .flatMap((id) => {
          const curves = all.get(id)?.curves;
          return curves === undefined ? [] : [{ id, curves }];
        }),
    // The list is made anew at each render; the runs in it count.
    [key, hidden, all],
  );
  const errors = [...views.map(({ error }) => error), ...ids.map((id) => all.get(id)?.error ?? null)].filter(
    (error): error is ApiError => error !== null,
  );
  const known = views.flatMap(({ data }) => (data === undefined ? [] : [data]));
  return (
    <>
      {errors.map((error, i) => (
        <ErrorPanel key={i} error={error} />
      ))}
      <div className="row" role="group" aria-label="Legend">
        {ids.map((id) => {
          const { color, dash } = lookOfRun(id);
          const off = hidden.includes(id);
          const view = known.find(({ run }) => run.id === id);
          return (
            <Button
              key={id}
              size="compact-xs"
              variant="default"
              aria-pressed={!off}
              title={off ? 'Show its curves' : 'Hide its curves'}
              style={off ? { textDecoration: 'line-through' } : undefined}
              onClick={() => {
                hide(off ? hidden.filter((other) => other !== id) : [...hidden, id]);
              }}
              leftSection={
                <svg width="18" height="8" aria-hidden>
                  <line x1="0" y1="4" x2="18" y2="4" stroke={color} strokeWidth="2.5" strokeDasharray={dash} />
                </svg>
              }
            >
              run {id}
              {view === undefined ? '' : `: ${view.run.name}`}
              {view !== undefined && view.run.status !== 'finished' ? ` (${view.run.status})` : ''}
            </Button>
          );
        })}
        <span className="muted">A click hides or shows a run; its colour stays the same everywhere.</span>
      </div>
      {[...all.values()].some(({ curves }) => lastStep(curves) > longest) && (
        <p className="muted" style={{ margin: 0 }}>
          Of so many runs, those of more than {formatCount(longest)} steps are drawn by the lowest and highest value of
          every 64 steps; the CSV file has every value.
        </p>
      )}
      {all.size === 0 ? <Loading /> : <ComparedCharts runs={visible} />}
      <SettingsTable views={known} />
      <EvaluationsTable ids={ids} />
    </>
  );
}
