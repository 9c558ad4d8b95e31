import './chart.css';
import { Button } from '@mantine/core';
import { useDeferredValue, useMemo, useRef, useState } from 'react';
import { formatCompact, formatDuration, formatNumber, formatTick } from '../components/format.ts';
import type { XKind } from './axis.ts';
import { columnsOf } from './columns.ts';
import { curvesCsv } from './curves-csv.ts';
import { Drawing, drawingHeight } from './drawing.tsx';
import type { Look } from './drawing.tsx';
import { PointerLayer } from './pointer-layer.tsx';
import { chartRows, nearest, yScale } from './rows.ts';
import type { ChartOptions, Range } from './rows.ts';
import { SaveMenu } from './save-menu.tsx';
import type { Point } from './series.ts';
import { smooth } from './series.ts';

export interface Series extends Look {
  readonly points: readonly Point[];
}

const none: readonly Series[] = [];

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
 * Curves: raw values faint behind, smoothed ones before them. Charts with the same `sync` share the x that is pointed at;
 * dragging zooms, and charts that share `zoom` zoom together; a click pins an x.
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
  const figure = useRef<HTMLElement>(null);
  const range = onZoom === undefined ? ownZoom : zoom;
  const setRange = onZoom ?? setOwnZoom;

  // Curves that grow four times a second are drawn when there is time; what a person does comes first.
  const drawn = useDeferredValue(series, none);
  const curves = useMemo(
    () =>
      drawn.map((one) => {
        const raw = columnsOf(one.points);
        return { ...one, raw, smoothed: smooth(raw.y, smoothing) };
      }),
    [drawn, smoothing],
  );
  const rows = useMemo(() => chartRows(curves, log, range), [curves, log, range]);
  const y = useMemo(
    () =>
      yScale(
        curves.map(({ raw }) => raw),
        { log, clip },
        range,
      ),
    [curves, log, clip, range],
  );
  const [first, last] = [rows[0]?.x ?? 0, rows.at(-1)?.x ?? 1];
  const ends = useMemo((): Range => range ?? [first, last], [range, first, last]);

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
            <SaveMenu title={title} unit={unit} figure={figure} csv={() => curvesCsv(x, series)} />
          </span>
        </div>
        <div className="chart-legend">
          {curves.map(({ name, color, dash, points, smoothed }) => (
            <span key={name} style={{ color }} data-legend title={name}>
              <svg width="18" height="8" aria-hidden>
                <line x1="0" y1="4" x2="18" y2="4" stroke={color} strokeWidth="2" strokeDasharray={dash} />
              </svg>
              {series.length > 1 ? `${name} ` : ''}
              {pinned === undefined ? lastOf(smoothed) : valueAt(points, smoothed, pinned)}
            </span>
          ))}
        </div>
      </figcaption>
      {y === undefined ? (
        <div className="muted" style={{ height: drawingHeight, display: 'grid', placeItems: 'center' }}>
          {drawn !== series ? '' : log ? 'No positive value to draw on a logarithmic axis.' : 'No value here.'}
        </div>
      ) : (
        <div style={{ position: 'relative' }}>
          <Drawing
            rows={rows}
            looks={curves}
            raw={smoothing > 0}
            ends={ends}
            y={y}
            log={log}
            formatX={xFormats[x]}
            formatY={formatTick}
          />
          <PointerLayer
            title={title}
            group={sync}
            curves={curves}
            ends={ends}
            y={y}
            log={log}
            xLabel={xLabels[x]}
            pinned={pinned}
            onZoom={setRange}
            onPin={onPin}
          />
        </div>
      )}
    </figure>
  );
}

function lastOf(values: Float64Array): string {
  const last = values.findLast(Number.isFinite);
  return last === undefined ? '' : formatNumber(last);
}

/** The value nearest to a pinned x, as the curve is drawn. */
function valueAt(points: readonly Point[], smoothed: Float64Array, x: number): string {
  const value = smoothed[nearest(points.length, (i) => points[i]?.x ?? 0, x)];
  return value === undefined ? '' : formatNumber(value);
}
