import { Button } from '@mantine/core';
import { useMemo, useRef } from 'react';
import { metrics as metricInfo } from '../../../shared/metrics.ts';
import { placeOn } from '../../charts/axis.ts';
import { ChartBar } from '../../charts/chart-bar.tsx';
import { allMetrics } from '../../charts/follow-metrics.ts';
import type { Curves } from '../../charts/follow-metrics.ts';
import { LineChart } from '../../charts/line-chart.tsx';
import { nearest } from '../../charts/rows.ts';
import { saveAllCharts } from '../../charts/save-all.ts';
import { saveBlob } from '../../charts/save-picture.ts';
import { scaled } from '../../charts/series.ts';
import { useChartView } from '../../charts/use-chart-view.ts';
import { Figure } from '../../components/figure.tsx';
import { formatBytes, formatNumber } from '../../components/format.ts';
import { Empty } from '../../components/states.tsx';
import { charts } from './charts.ts';
import { metricsCsv } from './metrics-csv.ts';

/** A run's charts with one set of controls; a click pins a place, and all charts and the table show the values there. */
export function RunCharts({
  id,
  curves,
  live,
}: {
  readonly id: number;
  readonly curves: Curves;
  readonly live: boolean;
}) {
  const view = useChartView('run');
  const { settings, zoom, setZoom, pinned, pin } = view;
  const grid = useRef<HTMLDivElement>(null);
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
  if (shown.length === 0) {
    return (
      <Empty title="No metrics yet">
        {live ? 'They appear with the first optimizer step.' : 'The run ended before its first optimizer step.'}
      </Empty>
    );
  }
  const save = (kind: 'png' | 'svg' | 'csv'): void => {
    if (kind === 'csv') {
      void allMetrics(id).then((all) => {
        saveBlob(`run-${id}-metrics.csv`, new Blob([metricsCsv(all)], { type: 'text/csv' }));
      });
    } else if (grid.current !== null) void saveAllCharts(grid.current, `run-${id}-charts`, kind);
  };
  return (
    <>
      <ChartBar view={view} csv="metrics" onSave={save} />
      {pinned !== undefined && (
        <Pinned
          at={pinned}
          x={settings.x}
          curves={curves}
          onClose={() => {
            pin(undefined);
          }}
        />
      )}
      <div
        ref={grid}
        style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fill, minmax(330px, 1fr))', gap: 10 }}
      >
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
            pinned={pinned}
            onPin={pin}
          />
        ))}
      </div>
    </>
  );
}

/** Every metric at the pinned place, unrounded to copy; of a metric that is measured less often, the nearest value. */
function Pinned({
  at,
  x,
  curves,
  onClose,
}: {
  readonly at: number;
  readonly x: Parameters<typeof placeOn>[1];
  readonly curves: Curves;
  readonly onClose: () => void;
}) {
  const values = [...curves].flatMap(([metric, points]) => {
    const placed = placeOn(points, x, curves);
    const point = placed[nearest(placed.length, (i) => placed[i]?.x ?? 0, at)];
    return point === undefined ? [] : [{ metric, y: point.y }];
  });
  const { label, unit } = { step: { label: 'Step', unit: '' }, epoch: { label: 'Epoch', unit: '' }, tokens: { label: 'After', unit: 'tokens' }, time: { label: 'After', unit: 's' } }[x]; // prettier-ignore
  return (
    <section className="panel" aria-label="Pinned values">
      <div className="row" style={{ marginBottom: 6 }}>
        <h2 style={{ margin: 0 }}>
          {label} {formatNumber(at).replace(/\.0+$/, '')} {unit}
        </h2>
        <span className="muted">Raw values; a click copies one. Click in a chart for another place.</span>
        <span className="end">
          <Button size="compact-xs" variant="default" onClick={onClose}>
            Unpin
          </Button>
        </span>
      </div>
      <dl
        style={{
          display: 'grid',
          gridTemplateColumns: 'repeat(auto-fill, minmax(290px, 1fr))',
          gap: '2px 24px',
          margin: 0,
          fontSize: 12,
        }}
      >
        {values.map(({ metric, y }) => {
          const { unit: of, meaning } = metricInfo[metric];
          return (
            <div key={metric} className="row" style={{ flexWrap: 'nowrap' }}>
              <dt className="muted ellipsis" title={meaning}>
                {metric}
              </dt>
              <dd className="end" style={{ margin: 0, whiteSpace: 'nowrap' }}>
                {of === 'bytes' ? (
                  <Figure value={y} format={formatBytes} label={metric} />
                ) : (
                  <Figure value={y} unit={of} label={metric} />
                )}
              </dd>
            </div>
          );
        })}
      </dl>
    </section>
  );
}
