import { Button } from '@mantine/core';
import type { DemoFiguresView, DemoView } from '../../../shared/api/workspaces.ts';
import { isAlive } from '../../../shared/api/jobs.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { hrefOf } from '../../app/router.ts';
import { LineChart } from '../../charts/line-chart.tsx';
import { useMetrics } from '../../charts/use-metrics.ts';
import { formatShare } from '../../components/figure.tsx';
import { formatDuration, formatNumber } from '../../components/format.ts';
import { PairSamples } from '../../components/pair-samples.tsx';
import { ErrorPanel } from '../../components/states.tsx';
import { ApiError } from '../../api/transport.ts';
import { JobProgressLine } from '../../jobs/job-progress.tsx';

/** The demo: what it is and a button; once it was started, everything that it does, live. */
export function DemoPanel() {
  const state = useApi('demo.state', {});
  const current = useApi('workspaces.current', {});
  const start = useApiMutation('demo.start');
  const demo = state.data ?? null;
  // Another workspace was opened since: its pairs and runs are not the demo's.
  const shown = demo !== null && current.data?.folder === demo.folder ? demo : null;
  return (
    <section className="panel" aria-label="Demo" style={shown === null ? {} : { gridColumn: '1 / -1', order: -1 }}>
      <div className="row">
        <h2 style={{ margin: 0 }}>{shown === null ? 'Try the demo' : 'Demo'}</h2>
        {shown !== null && (
          <span className="muted mono ellipsis" title={shown.folder}>
            {shown.folder}
          </span>
        )}
      </div>
      {start.isError && <ErrorPanel error={start.error} />}
      {shown === null ? (
        <>
          <p className="muted">
            A small model that reads short texts well and long ones badly writes its own preference pairs from 300
            documents, trains with LongPO on this computer's processor and is measured before and after. It takes one to
            five minutes; everything that it does is in a workspace of its own and is shown here while it runs.
          </p>
          <Button loading={start.isPending} onClick={() => start.mutate({})}>
            Run the demo
          </Button>
        </>
      ) : (
        <DemoRun demo={shown} />
      )}
    </section>
  );
}

function DemoRun({ demo }: { readonly demo: DemoView }) {
  const job = useApi('jobs.list', {}).data?.find(({ id }) => id === demo.jobId);
  const cancel = useApiMutation('jobs.cancel');
  const pairs = useApi('generations.latest', { limit: 4 }).data ?? [];
  const run = useApi('runs.list', { limit: 5 }).data?.rows.at(-1);
  const running = job !== undefined && isAlive(job);
  return (
    <>
      <div className="demo-phases">
        {demo.phases.map(({ name, startedAt, endedAt }) => (
          <span key={name} className="demo-phase" data-running={endedAt === null || undefined}>
            {name}{' '}
            <span className="muted">
              {endedAt === null ? 'running' : formatDuration(Math.max(0, endedAt - startedAt) / 1000)}
            </span>
          </span>
        ))}
        {running && (
          <>
            <JobProgressLine job={job} width={180} />
            <Button size="compact-xs" variant="default" onClick={() => cancel.mutate({ id: job.id })}>
              Stop
            </Button>
          </>
        )}
        {job?.status === 'cancelled' && <span className="muted">stopped; what it made is in this workspace</span>}
      </div>
      {job?.status === 'failed' && job.error !== null && <ErrorPanel error={new ApiError(job.error)} />}
      <div className="demo-grid">
        <div>
          <h3>Pairs as the model writes them</h3>
          {pairs.length === 0 ? <span className="muted">None yet.</span> : <PairSamples pairs={pairs} />}
          {pairs.length > 0 && <a href={hrefOf('pairs')}>Audit them</a>}
        </div>
        <div>
          <h3>Training</h3>
          {run === undefined ? (
            <span className="muted">It begins after the evaluation of the base model.</span>
          ) : (
            <Loss id={run.id} />
          )}
          {run !== undefined && <a href={hrefOf('runs', run.id)}>All charts of the run</a>}
        </div>
        <div>
          <h3>Before and after</h3>
          <Figures figures={demo.figures} />
          {demo.checks !== null && (
            <ul className="demo-checks">
              {demo.checks.map(({ name, ok, detail }) => (
                <li key={name}>
                  <span style={{ color: ok ? 'var(--short)' : 'var(--fail)' }}>{ok ? 'held' : 'missed'}</span> {name}{' '}
                  <span className="muted">({detail})</span>
                </li>
              ))}
            </ul>
          )}
          {demo.figures.length > 0 && <a href={hrefOf('evaluate')}>Every question and answer</a>}
        </div>
      </div>
    </>
  );
}

function Loss({ id }: { readonly id: number }) {
  const { curves } = useMetrics(id);
  const points = curves.get('loss') ?? [];
  return (
    <LineChart
      title="Loss"
      unit="nats"
      sync="demo"
      series={[{ name: 'loss', color: 'var(--tuned)', points }]}
      options={{ smoothing: 0.6, log: false, clip: true }}
    />
  );
}

const rows: readonly (readonly [key: Exclude<keyof DemoFiguresView, 'name'>, label: string, share: boolean])[] = [
  ['long', 'Long documents, right answers', true],
  ['short', 'Short texts, right answers', true],
  ['closed', 'Facts without a text', true],
  ['ask', 'Questions that can be answered', true],
  ['textNll', 'Text NLL, nats/token', false],
  ['klChosen', 'KL to base on the chunk, nats/token', false],
];

function Figures({ figures }: { readonly figures: readonly DemoFiguresView[] }) {
  if (figures.length === 0)
    return <span className="muted">The base model is measured once the pairs are written.</span>;
  return (
    <table className="data" aria-label="Figures of the demo">
      <thead>
        <tr>
          <th>Measure</th>
          {figures.map(({ name }) => (
            <th key={name} className="number">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(([key, label, share]) => (
          <tr key={key}>
            <td>{label}</td>
            {figures.map((figure) => (
              <td key={figure.name} className="number">
                {share ? formatShare(figure[key]) : formatNumber(figure[key])}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
