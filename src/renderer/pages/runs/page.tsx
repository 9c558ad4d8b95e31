import { Button } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useMetrics } from '../../charts/use-metrics.ts';
import { useApi } from '../../api/client.ts';
import { hrefOf } from '../../app/router.ts';
import { useCommands } from '../../commands/active-commands.ts';
import { formatCount, formatDuration } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { ErrorPanel, Loading } from '../../components/states.tsx';
import { hrefOfComparison } from '../compare/address.ts';
import { Checkpoints } from './checkpoints.tsx';
import { Configuration } from './configuration.tsx';
import { ExportPanel } from './export-panel.tsx';
import { noSpikes, remarksOn } from './loss-watch.ts';
import { RunCharts } from './run-charts.tsx';
import { RunList } from './run-list.tsx';
import { jobOfRun, RunProgress } from './run-progress.tsx';

/** All runs, or one with its live charts. */
export function RunsPage({ rest }: { readonly rest: readonly string[] }) {
  const id = Number(rest[0]);
  return Number.isInteger(id) && id > 0 ? <RunView key={id} id={id} /> : <RunList />;
}

function RunView({ id }: { readonly id: number }) {
  const view = useApi('runs.get', { id });
  const { curves, whole, error } = useMetrics(id);
  const jobs = useApi('jobs.list', {});
  const [memory] = useState(noSpikes);
  const remarks = useMemo(() => (whole ? remarksOn(curves, memory) : []), [curves, whole, memory]);
  useCommands({
    'runs.compare': () => {
      location.hash = hrefOfComparison([id]);
    },
  });
  if (view.data === undefined)
    return <Page title={`Run ${id}`}>{view.isError ? <ErrorPanel error={view.error} /> : <Loading />}</Page>;
  const { run, config, parent } = view.data;
  const job = jobOfRun(jobs.data ?? [], id);
  const took = run.startedAt === null || run.endedAt === null ? null : (run.endedAt - run.startedAt) / 1000;
  return (
    <Page
      title={`Run ${id}: ${run.name}`}
      note={
        <>
          {run.status}
          {run.lastStep === null ? '' : `, step ${formatCount(run.lastStep)}`}
          {took === null ? '' : `, ${formatDuration(took)}`}
          {parent !== null && (
            <>
              , goes on from <a href={hrefOf('runs', parent.runId)}>run {parent.runId}</a> at step{' '}
              {formatCount(parent.step)}
            </>
          )}
        </>
      }
      actions={
        <Button variant="default" component="a" href={hrefOfComparison([id])}>
          Compare
        </Button>
      }
    >
      {run.error !== null && <ErrorPanel error={new Error(run.error)} />}
      {error !== null && <ErrorPanel error={error} />}
      <RunProgress run={run} job={job} />
      {remarks.length > 0 && (
        <section className="panel" role="note" aria-label="Remarks" style={{ borderColor: 'var(--warn)' }}>
          <h2 style={{ color: 'var(--warn)' }}>
            {remarks.some(({ kind }) => kind !== 'spike') ? 'Look at this run' : 'Loss spikes'}
          </h2>
          {remarks.map(({ kind, step, text }) => (
            <div key={`${kind} ${step} ${text}`}>{text}</div>
          ))}
        </section>
      )}
      <RunCharts id={id} curves={curves} live={job !== undefined} />
      <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr) minmax(0, 1fr)', gap: 12 }}>
        <div style={{ display: 'grid', gap: 12, alignContent: 'start' }}>
          <Checkpoints view={view.data} />
          <ExportPanel view={view.data} />
        </div>
        <Configuration run={run} config={config} />
      </div>
    </Page>
  );
}
