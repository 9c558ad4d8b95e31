import { useMemo } from 'react';
import { CartesianGrid, Line, LineChart as Chart, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { formatNumber } from '../components/format.ts';
import type { Point } from './series.ts';
import { clippedRange, downsample, smooth } from './series.ts';

export interface Series {
  readonly name: string;
  readonly color: string;
  readonly points: readonly Point[];
  /** A dash pattern beside the colour, so that colour is never alone. */
  readonly dash?: string;
}

export interface ChartOptions {
  readonly smoothing: number;
  readonly log: boolean;
  readonly clip: boolean;
}

/** Most points of one curve that are drawn. */
const most = 600;

type Row = Record<string, number>;

/** Curves over steps: the raw values faint behind, the smoothed ones before them. All charts share the hovered step. */
export function LineChart({
  title,
  unit,
  series,
  options,
}: {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
  readonly options: ChartOptions;
}) {
  const { smoothing, log, clip } = options;
  const rows = useMemo(() => {
    const byStep = new Map<number, Row>();
    const put = (name: string, points: readonly Point[]): void => {
      for (const { x, y } of points) {
        if (!Number.isFinite(y) || (log && y <= 0)) continue;
        const row = byStep.get(x) ?? { x };
        row[name] = y;
        byStep.set(x, row);
      }
    };
    for (const { name, points } of series) {
      put(`${name} raw`, downsample(points, most));
      put(name, downsample(smooth(points, smoothing), most));
    }
    return [...byStep.values()].sort((a, b) => (a['x'] ?? 0) - (b['x'] ?? 0));
  }, [series, smoothing, log]);
  const range = clip ? clippedRange(series.flatMap(({ points }) => points)) : undefined;
  const last = series.map(({ name, color, points, dash }) => ({
    name,
    color,
    dash,
    value: smooth(points, smoothing).at(-1)?.y,
  }));
  return (
    <figure className="panel" style={{ margin: 0, padding: '8px 8px 4px' }} aria-label={title}>
      <figcaption style={{ minHeight: 40 }}>
        <div style={{ display: 'flex', gap: 8 }}>
          <strong>{title}</strong>
          <span className="muted">{unit}</span>
        </div>
        <div style={{ display: 'flex', gap: 12 }}>
          {last.map(({ name, color, dash, value }) => (
            <span key={name} style={{ color }}>
              {dash === undefined ? '' : '- - '}
              {series.length > 1 ? `${name} ` : ''}
              {value === undefined ? '' : formatNumber(value)}
            </span>
          ))}
        </div>
      </figcaption>
      <ResponsiveContainer width="100%" height={170}>
        <Chart data={rows} syncId="run" margin={{ top: 6, right: 8, bottom: 0, left: 0 }}>
          <CartesianGrid stroke="var(--line)" vertical={false} />
          <XAxis
            dataKey="x"
            type="number"
            domain={['dataMin', 'dataMax']}
            tick={{ fontSize: 11 }}
            stroke="var(--muted)"
          />
          <YAxis
            tick={{ fontSize: 11 }}
            stroke="var(--muted)"
            width={56}
            scale={log ? 'log' : 'linear'}
            domain={range === undefined ? ['auto', 'auto'] : [...range]}
            allowDataOverflow={range !== undefined}
            tickFormatter={formatNumber}
          />
          <Tooltip
            isAnimationActive={false}
            contentStyle={{ background: 'var(--mantine-color-body)', border: '1px solid var(--line)', fontSize: 12 }}
            formatter={(value) => formatNumber(Number(value))}
            labelFormatter={(step) => `step ${typeof step === 'number' ? step : ''}`}
          />
          {series.map(({ name, color }) => (
            <Line
              key={`${name} raw`}
              dataKey={`${name} raw`}
              stroke={color}
              strokeOpacity={smoothing > 0 ? 0.25 : 0}
              dot={false}
              isAnimationActive={false}
              connectNulls
              tooltipType="none"
              legendType="none"
            />
          ))}
          {series.map(({ name, color, dash }) => (
            <Line
              key={name}
              dataKey={name}
              stroke={color}
              strokeWidth={1.6}
              dot={rows.length < 3}
              isAnimationActive={false}
              connectNulls
              {...(dash === undefined ? {} : { strokeDasharray: dash })}
            />
          ))}
        </Chart>
      </ResponsiveContainer>
    </figure>
  );
}
