import { Button } from '@mantine/core';
import { useMemo, useState } from 'react';
import { placeOn } from '../../charts/axis.ts';
import { allMetrics } from '../../charts/follow-metrics.ts';
import { ChartControls, useChartSettings } from '../../charts/chart-controls.tsx';
import { LineChart } from '../../charts/line-chart.tsx';
import type { Range } from '../../charts/rows.ts';
import { scaled } from '../../charts/series.ts';
import { useMetrics } from '../../charts/use-metrics.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { formatBytes, formatCount, formatTime } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { PathField } from '../../components/path-field.tsx';
import { Empty, ErrorPanel, Loading } from '../../components/states.tsx';
import { charts } from './charts.ts';
import { metricsCsv, saveText } from './metrics-csv.ts';
import { RunList } from './run-list.tsx';

/** All runs, or one with its live charts. */
export function RunsPage({ rest }: { readonly rest: readonly string[] }) {
  const id = Number(rest[0]);
  return Number.isInteger(id) && id > 0 ? <RunView key={id} id={id} /> : <RunList />;
}

function RunView({ id }: { readonly id: number }) {
  const view = useApi('runs.get', { id });
  const metrics = useMetrics(id);
  const { curves } = metrics;
  const resume = useApiMutation('runs.resume');
  const adapter = useApiMutation('exports.adapter');
  const merged = useApiMutation('exports.merged');
  const jobs = useApi('jobs.list', {});
  const [settings, setSettings] = useChartSettings('run');
  const [zoom, setZoom] = useState<Range | undefined>();
  const [dir, setDir] = useState('');
  const shown = useMemo(
    () =>
      charts
        .map((chart) => ({
          ...chart,
          series: chart.curves
            .map(({ metric, ...rest }) => ({
              ...rest,
              points: placeOn(scaled(curves.get(metric) ?? [], chart.scale), settings.x, curves),
            }))
            .filter(({ points }) => points.length > 0),
        }))
        .filter(({ series }) => series.length > 0),
    [curves, settings.x],
  );
  if (view.isError)
    return (
      <Page title={`Run ${id}`}>
        <ErrorPanel error={view.error} />
      </Page>
    );
  if (view.data === undefined)
    return (
      <Page title={`Run ${id}`}>
        <Loading />
      </Page>
    );
  const { run, config, checkpoints } = view.data;
  const running =
    jobs.data?.some((job) => job.runId === id && ['waiting', 'running', 'pausing'].includes(job.status)) ?? false;
  const canResume = !running && (run.status === 'paused' || run.status === 'failed');
  return (
    <Page
      title={`Run ${id}: ${run.name}`}
      note={`${run.status}${run.lastStep === null ? '' : `, step ${formatCount(run.lastStep)}`}`}
      actions={
        <>
          {canResume && (
            <Button
              onClick={() => {
                resume.mutate({ id });
              }}
            >
              Resume
            </Button>
          )}
          <Button
            variant="default"
            onClick={() => {
              void allMetrics(id).then((all) => {
                saveText(`run-${id}-metrics.csv`, metricsCsv(all));
              });
            }}
          >
            Metrics as CSV
          </Button>
        </>
      }
    >
      {run.error !== null && <ErrorPanel error={new Error(run.error)} />}
      {resume.isError && <ErrorPanel error={resume.error} />}
      {metrics.error !== null && <ErrorPanel error={metrics.error} />}
      <ChartControls
        settings={settings}
        onChange={(next) => {
          if (next.x !== settings.x) setZoom(undefined);
          setSettings(next);
        }}
        onWholeRange={
          zoom === undefined
            ? undefined
            : () => {
                setZoom(undefined);
              }
        }
      />
      {shown.length === 0 && <Empty title="No metrics yet">They appear with the first optimizer step.</Empty>}
      <div style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fill, minmax(330px, 1fr))', gap: 10 }}>
        {shown.map(({ title, unit, series, positive }) => (
          <LineChart
            key={title}
            title={title}
            unit={unit}
            series={series}
            options={{ ...settings, log: settings.log && positive }}
            x={settings.x}
            zoom={zoom}
            onZoom={setZoom}
          />
        ))}
      </div>
      <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr) minmax(0, 1fr)', gap: 12 }}>
        <div className="panel">
          <h2>Checkpoints</h2>
          <table className="data">
            <thead>
              <tr>
                <th className="number">Step</th>
                <th className="number">Size</th>
                <th>Made</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {checkpoints.map((checkpoint) => (
                <tr key={checkpoint.id}>
                  <td className="number">{formatCount(checkpoint.step)}</td>
                  <td className="number">{formatBytes(checkpoint.bytes)}</td>
                  <td>{formatTime(checkpoint.createdAt)}</td>
                  <td className="muted">{checkpoint.removedAt === null ? '' : 'thinned out'}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <h2 style={{ marginTop: 12 }}>Export</h2>
          {[adapter, merged].map((mutation, i) => mutation.isError && <ErrorPanel key={i} error={mutation.error} />)}
          <PathField label="Folder to write (new)" kind="folder" value={dir} onChange={setDir} />
          <div style={{ display: 'flex', gap: 8, marginTop: 8 }}>
            <Button
              size="xs"
              disabled={dir === '' || config.trainable.kind !== 'lora'}
              title={config.trainable.kind === 'lora' ? '' : 'This run trained all weights'}
              onClick={() => {
                adapter.mutate({ runId: id, dir });
              }}
            >
              Adapter (PEFT)
            </Button>
            <Button
              size="xs"
              variant="default"
              disabled={dir === ''}
              onClick={() => {
                merged.mutate({ runId: id, dir });
              }}
            >
              Merged model
            </Button>
          </div>
        </div>
        <div className="panel">
          <h2>Configuration (does not change)</h2>
          <table className="data">
            <tbody>
              {[
                [
                  'data',
                  `${formatCount(run.pairCount)} pairs, ${formatCount(run.heldOutCount)} held out (${run.dataSha256.slice(0, 12)})`,
                ],
                ['code', run.codeVersion],
                ...Object.entries(config).map(([name, value]) => [
                  name,
                  typeof value === 'object' ? JSON.stringify(value) : String(value),
                ]),
              ].map(([name = '', value = '']) => (
                <tr key={name}>
                  <td className="muted">{name}</td>
                  <td className="mono" style={{ overflowWrap: 'anywhere' }}>
                    {value}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </Page>
  );
}
