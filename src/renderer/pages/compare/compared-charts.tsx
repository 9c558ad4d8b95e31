import { useMemo, useRef } from 'react';
import { metrics as metricInfo } from '../../../shared/metrics.ts';
import { placeOn } from '../../charts/axis.ts';
import { ChartBar } from '../../charts/chart-bar.tsx';
import { allMetrics } from '../../charts/follow-metrics.ts';
import type { Curves } from '../../charts/follow-metrics.ts';
import { LineChart } from '../../charts/line-chart.tsx';
import { lookOfRun } from '../../charts/run-colors.ts';
import { saveAllCharts } from '../../charts/save-all.ts';
import { saveBlob } from '../../charts/save-picture.ts';
import { scaled } from '../../charts/series.ts';
import { useChartView } from '../../charts/use-chart-view.ts';
import { useCommands } from '../../commands/active-commands.ts';
import { Empty } from '../../components/states.tsx';
import { charts } from '../runs/charts.ts';
import { comparedCsv } from './compared-csv.ts';

export interface ShownRun {
  readonly id: number;
  readonly curves: Curves;
}

/** A chart for each metric with a curve for each run, grouped as on the run page, under one set of controls. */
export function ComparedCharts({ runs }: { readonly runs: readonly ShownRun[] }) {
  const view = useChartView('compare');
  const { settings, zoom, setZoom, pinned, pin } = view;
  const grid = useRef<HTMLDivElement>(null);
  const groups = useMemo(
    () =>
      charts
        .map(({ title, unit, positive, scale, curves: specs }) => ({
          title,
          unit,
          positive,
          charts: specs
            .map(({ metric }) => ({
              metric,
              series: runs
                .map(({ id, curves }) => ({
                  name: `run ${id}`,
                  ...lookOfRun(id),
                  points: placeOn(scaled(curves.get(metric) ?? [], scale), settings.x, curves),
                }))
                .filter(({ points }) => points.length > 0),
            }))
            .filter(({ series }) => series.length > 0),
        }))
        .filter((group) => group.charts.length > 0),
    [runs, settings.x],
  );
  const saveCsv = (): void => {
    const metrics = groups.flatMap((group) => group.charts.map(({ metric }) => metric));
    const name = `runs-${runs.map(({ id }) => id).join('-')}.csv`;
    // Of many long runs only extremes are drawn; the file has every value.
    void Promise.all(runs.map(async ({ id }) => ({ id, curves: await allMetrics(id) }))).then((whole) => {
      saveBlob(name, new Blob([comparedCsv(whole, metrics, settings.x)], { type: 'text/csv' }));
    });
  };
  const save = (kind: 'png' | 'svg' | 'csv'): void => {
    if (kind === 'csv') saveCsv();
    else if (grid.current !== null) void saveAllCharts(grid.current, 'compared-runs', kind);
  };
  useCommands({ 'compare.export': saveCsv });
  if (groups.length === 0) {
    return <Empty title="No metrics yet">The shown runs have not made an optimizer step.</Empty>;
  }
  return (
    <>
      <ChartBar view={view} csv="curves" onSave={save} />
      <div
        ref={grid}
        style={{ display: 'grid', gridTemplateColumns: 'repeat(3, minmax(0, 1fr))', gridAutoFlow: 'dense', gap: 10 }}
      >
        {groups.map((group) => (
          <section key={group.title} aria-label={group.title} style={{ gridColumn: `span ${group.charts.length}` }}>
            <h2>{group.title}</h2>
            <div
              style={{
                display: 'grid',
                gridTemplateColumns: `repeat(${group.charts.length}, minmax(0, 1fr))`,
                gap: 10,
              }}
            >
              {group.charts.map(({ metric, series }) => (
                <LineChart
                  key={metric}
                  title={metricInfo[metric].label}
                  unit={group.unit}
                  series={series}
                  options={{ ...settings, log: settings.log && group.positive }}
                  x={settings.x}
                  sync="compare"
                  zoom={zoom}
                  onZoom={setZoom}
                  pinned={pinned}
                  onPin={(at) => {
                    pin(at === pinned ? undefined : at);
                  }}
                />
              ))}
            </div>
          </section>
        ))}
      </div>
    </>
  );
}
