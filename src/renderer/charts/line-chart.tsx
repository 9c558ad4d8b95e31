import { Button, Menu } from '@mantine/core';
import { useMemo, useRef, useState } from 'react';
import {
  CartesianGrid,
  Line,
  LineChart as Chart,
  ReferenceArea,
  ReferenceLine,
  ResponsiveContainer,
  Tooltip,
} from 'recharts';
import { XAxis, YAxis } from 'recharts';
import { formatCompact, formatDuration, formatNumber, formatTick } from '../components/format.ts';
import { linearScale } from './axis.ts';
import type { XKind } from './axis.ts';
import { curvesCsv } from './curves-csv.ts';
import { chartRows, nearest, yScale } from './rows.ts';
import type { ChartOptions, Range } from './rows.ts';
import { pngOf, saveBlob, svgDocument } from './save-picture.ts';
import type { Point } from './series.ts';
import { smooth } from './series.ts';

export interface Series {
  readonly name: string;
  readonly color: string;
  readonly points: readonly Point[];
  /** A dash pattern beside the colour, so that colour is never alone. */
  readonly dash?: string;
}

const xFormats: Readonly<Record<XKind, (x: number) => string>> = {
  step: formatCompact,
  epoch: formatTick,
  tokens: formatCompact,
  time: formatDuration,
};
const xLabels: Readonly<Record<XKind, (x: number) => string>> = {
  step: (x) => `step ${formatTick(x)}`,
  epoch: (x) => `epoch ${formatNumber(x)}`,
  tokens: (x) => `${formatCompact(x)} tokens`,
  time: (x) => `after ${formatDuration(x)}`,
};

/**
 * Curves: raw values faint behind, smoothed ones before them. Charts with the same `sync` share the hovered x (the
 * nearest point where theirs differ); dragging zooms, and charts that share `zoom` zoom together; a click pins an x.
 */
export function LineChart({
  title,
  unit,
  series,
  options,
  x = 'step',
  sync = 'run',
  zoom,
  onZoom,
  pinned,
  onPin,
}: {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
  readonly options: ChartOptions;
  /** What the points' x counts; the caller has placed them there (placeOn). */
  readonly x?: XKind;
  readonly sync?: string;
  readonly zoom?: Range | undefined;
  readonly onZoom?: (zoom: Range | undefined) => void;
  readonly pinned?: number | undefined;
  readonly onPin?: (x: number) => void;
}) {
  const { smoothing, log, clip } = options;
  const [ownZoom, setOwnZoom] = useState<Range | undefined>();
  const [drag, setDrag] = useState<Range | undefined>();
  const figure = useRef<HTMLElement>(null);
  const range = onZoom === undefined ? ownZoom : zoom;
  const setRange = onZoom ?? setOwnZoom;

  const curves = useMemo(() => series.map(({ points }) => points), [series]);
  const rows = useMemo(() => chartRows(curves, { smoothing, log }, range), [curves, smoothing, log, range]);
  const y = useMemo(() => yScale(curves, { log, clip }, range), [curves, log, clip, range]);
  const last = useMemo(
    () => series.map(({ points }) => smooth(points, smoothing).findLast((point) => Number.isFinite(point.y))?.y),
    [series, smoothing],
  );
  const ends: Range = range ?? [rows[0]?.x ?? 0, rows.at(-1)?.x ?? 1];
  const xTicks = linearScale(ends[0], ends[1], 4).ticks.filter((tick) => tick >= ends[0] && tick <= ends[1]);

  const labelOf = (state: { readonly activeLabel?: string | number | undefined }): number | undefined =>
    state.activeLabel === undefined ? undefined : Number(state.activeLabel);
  const endDrag = (): void => {
    if (drag === undefined) return;
    const [low, high] = drag[0] <= drag[1] ? drag : [drag[1], drag[0]];
    setDrag(undefined);
    if (high > low) setRange([low, high]);
    else onPin?.(low);
  };

  const save = async (kind: 'png' | 'svg' | 'csv'): Promise<void> => {
    const name = `${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.${kind}`;
    if (kind === 'csv') {
      saveBlob(name, new Blob([curvesCsv(x, series)], { type: 'text/csv' }));
      return;
    }
    const chart = figure.current?.querySelector<SVGSVGElement>('svg.recharts-surface');
    if (chart === null || chart === undefined) return;
    const legend = [...(figure.current?.querySelectorAll<HTMLElement>('[data-legend]') ?? [])];
    const picture = svgDocument(
      chart,
      unit === '' ? title : `${title} (${unit})`,
      legend.map((item) => ({ text: item.textContent, color: getComputedStyle(item).color })),
    );
    saveBlob(name, kind === 'svg' ? new Blob([picture.text], { type: 'image/svg+xml' }) : await pngOf(picture));
  };

  return (
    <figure ref={figure} className="panel chart" aria-label={title}>
      <figcaption>
        <div className="chart-title">
          <strong>{title}</strong>
          <span className="muted">{unit}</span>
          <span className="chart-actions">
            {onZoom === undefined && range !== undefined && (
              <Button
                size="compact-xs"
                variant="default"
                onClick={() => {
                  setRange(undefined);
                }}
              >
                Whole range
              </Button>
            )}
            <Menu position="bottom-end" withinPortal>
              <Menu.Target>
                <Button size="compact-xs" variant="subtle" color="gray" aria-label={`Save ${title}`}>
                  Save
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                {(['png', 'svg', 'csv'] as const).map((kind) => (
                  <Menu.Item key={kind} onClick={() => void save(kind)}>
                    {kind.toUpperCase()}
                  </Menu.Item>
                ))}
              </Menu.Dropdown>
            </Menu>
          </span>
        </div>
        <div className="chart-legend">
          {series.map(({ name, color, dash }, i) => (
            <span key={name} style={{ color }} data-legend title={name}>
              <svg width="18" height="8" aria-hidden>
                <line x1="0" y1="4" x2="18" y2="4" stroke={color} strokeWidth="2" strokeDasharray={dash} />
              </svg>
              {series.length > 1 ? `${name} ` : ''}
              {last[i] === undefined ? '' : formatNumber(last[i])}
            </span>
          ))}
        </div>
      </figcaption>
      {y === undefined ? (
        <div className="muted" style={{ height: 170, display: 'grid', placeItems: 'center' }}>
          {log ? 'No positive value to draw on a logarithmic axis.' : 'No value here.'}
        </div>
      ) : (
        <ResponsiveContainer width="100%" height={170}>
          <Chart
            data={[...rows]}
            syncId={sync}
            syncMethod={(ticks, state) =>
              nearest(
                ticks.map(({ value }) => Number(value)),
                Number(state.activeLabel),
              )
            }
            margin={{ top: 6, right: 10, bottom: 0, left: 0 }}
            onMouseDown={(state) => {
              const at = labelOf(state);
              if (at !== undefined) setDrag([at, at]);
            }}
            onMouseMove={(state) => {
              const at = labelOf(state);
              if (drag !== undefined && at !== undefined && at !== drag[1]) setDrag([drag[0], at]);
            }}
            onMouseUp={endDrag}
            onMouseLeave={endDrag}
          >
            <CartesianGrid stroke="var(--line)" vertical={false} />
            <XAxis
              dataKey="x"
              type="number"
              domain={[...ends]}
              allowDataOverflow
              ticks={xTicks}
              tick={{ fontSize: 11 }}
              tickFormatter={xFormats[x]}
              stroke="var(--muted)"
            />
            <YAxis
              tick={{ fontSize: 11 }}
              stroke="var(--muted)"
              width={52}
              scale={log ? 'log' : 'linear'}
              domain={[...y.domain]}
              ticks={[...y.ticks]}
              interval={0}
              allowDataOverflow
              tickFormatter={formatTick}
            />
            <Tooltip
              isAnimationActive={false}
              offset={6}
              content={({ active, payload, label }) =>
                active ? (
                  <div className="chart-tip">
                    <div className="muted">{xLabels[x](Number(label))}</div>
                    {payload
                      .filter(({ name }) => series.some((curve) => curve.name === name))
                      .map(({ name, value, color }) => (
                        <div key={String(name)} style={{ color }}>
                          {series.length > 1 ? `${String(name)} ` : ''}
                          {formatNumber(Number(value))}
                        </div>
                      ))}
                  </div>
                ) : null
              }
            />
            {smoothing > 0 &&
              series.map(({ name, color }, i) => (
                <Line
                  key={`raw ${name}`}
                  dataKey={`r${i}`}
                  stroke={color}
                  strokeOpacity={0.25}
                  dot={false}
                  activeDot={false}
                  isAnimationActive={false}
                  connectNulls
                  tooltipType="none"
                  legendType="none"
                />
              ))}
            {series.map(({ name, color, dash }, i) => (
              <Line
                key={name}
                name={name}
                dataKey={`s${i}`}
                stroke={color}
                strokeWidth={1.6}
                dot={rows.length < 3}
                isAnimationActive={false}
                connectNulls
                {...(dash === undefined ? {} : { strokeDasharray: dash })}
              />
            ))}
            {pinned !== undefined && <ReferenceLine x={pinned} stroke="var(--muted)" strokeDasharray="2 2" />}
            {drag !== undefined && drag[0] !== drag[1] && (
              <ReferenceArea x1={drag[0]} x2={drag[1]} fill="var(--muted)" fillOpacity={0.15} />
            )}
          </Chart>
        </ResponsiveContainer>
      )}
    </figure>
  );
}
