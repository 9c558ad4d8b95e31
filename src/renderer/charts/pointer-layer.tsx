import { useState } from 'react';
import type { KeyboardEvent, PointerEvent } from 'react';
import { formatNumber } from '../components/format.ts';
import type { Scale } from './axis.ts';
import { pointAt, usePointed } from './hover.ts';
import type { Range } from './rows.ts';
import { nearest } from './rows.ts';
import type { Point } from './series.ts';

/** Where the plot lies inside its chart, in pixels from the chart's edges. */
export const plot = { left: 52, right: 10, top: 6, bottom: 24 } as const;

/**
 * What the pointer does over a chart's plot. It lies above the drawn curves, so that moving over 20,000 steps redraws a
 * line and some dots, not the chart; and it reads the curves themselves, so that every chart of the group shows the same
 * step, thinned out or not. Arrow keys move the point as well.
 */
export function PointerLayer({
  title,
  group,
  curves,
  ends,
  y,
  log,
  xLabel,
  pinned,
  onZoom,
  onPin,
}: {
  readonly title: string;
  readonly group: string;
  readonly curves: readonly {
    readonly name: string;
    readonly color: string;
    readonly points: readonly Point[];
    readonly smoothed: Float64Array;
  }[];
  readonly ends: Range;
  readonly y: Scale;
  readonly log: boolean;
  readonly xLabel: (x: number) => string;
  readonly pinned: number | undefined;
  readonly onZoom: (range: Range) => void;
  readonly onPin: ((x: number) => void) | undefined;
}) {
  const x = usePointed(group);
  const [drag, setDrag] = useState<Range | undefined>();
  const width = ends[1] - ends[0] || 1;
  const left = (at: number): number => (100 * (at - ends[0])) / width;
  const scaled = log ? Math.log : (value: number): number => value;
  const [low, high] = [scaled(y.domain[0]), scaled(y.domain[1])];
  const top = (value: number): number => 100 * (1 - (scaled(value) - low) / (high - low));

  const longest = curves.reduce<readonly Point[]>(
    (best, { points }) => (points.length > best.length ? points : best),
    [],
  );
  const indexAt = (at: number): number => nearestPoint(longest, at);
  const xOf = (event: PointerEvent): number | undefined => {
    const box = event.currentTarget.getBoundingClientRect();
    return longest[indexAt(ends[0] + (width * (event.clientX - box.left)) / box.width)]?.x;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const at = x === undefined ? longest.length - 1 : indexAt(x) + by;
    pointAt(group, longest[Math.max(0, Math.min(longest.length - 1, at))]?.x);
  };

  const inside = x !== undefined && x >= ends[0] && x <= ends[1];
  const values = inside
    ? curves.flatMap(({ name, color, points, smoothed }) => {
        const i = nearestPoint(points, x);
        const [at, value] = [points[i]?.x, smoothed[i]];
        return at === undefined || value === undefined || !Number.isFinite(value)
          ? []
          : [{ name, color, point: { x: at, y: value } }];
      })
    : [];
  const text = values.map(({ name, point }) => `${curves.length > 1 ? `${name} ` : ''}${formatNumber(point.y)}`);
  return (
    <div
      className="pointer-layer"
      style={plot}
      tabIndex={0}
      role="slider"
      aria-label={`${title}, value at`}
      aria-valuemin={ends[0]}
      aria-valuemax={ends[1]}
      aria-valuenow={x ?? ends[1]}
      aria-valuetext={inside ? `${xLabel(x)}: ${text.join(', ')}` : 'arrow keys read the curve'}
      onKeyDown={onKeyDown}
      onPointerMove={(event) => {
        const at = xOf(event);
        pointAt(group, at);
        if (drag !== undefined && at !== undefined) setDrag([drag[0], at]);
      }}
      onPointerDown={(event) => {
        const at = xOf(event);
        if (event.button !== 0 || at === undefined) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag([at, at]);
      }}
      onPointerUp={() => {
        setDrag(undefined);
        if (drag === undefined) return;
        if (drag[0] === drag[1]) onPin?.(drag[0]);
        else onZoom(drag[0] < drag[1] ? drag : [drag[1], drag[0]]);
      }}
      onPointerCancel={() => {
        setDrag(undefined);
      }}
      onPointerLeave={() => {
        pointAt(group, undefined);
      }}
      onBlur={() => {
        pointAt(group, undefined);
      }}
    >
      {pinned !== undefined && pinned >= ends[0] && pinned <= ends[1] && (
        <div className="pin-line" style={{ left: `${left(pinned)}%` }} />
      )}
      {drag !== undefined && drag[0] !== drag[1] && (
        <div
          className="zoom-band"
          style={{
            left: `${left(Math.min(...drag))}%`,
            width: `${left(Math.max(...drag)) - left(Math.min(...drag))}%`,
          }}
        />
      )}
      {inside && <div className="point-line" style={{ left: `${left(x)}%` }} />}
      {values
        .filter(({ point }) => point.y >= y.domain[0] && point.y <= y.domain[1])
        .map(({ name, color, point }) => (
          <div
            key={name}
            className="point-dot"
            style={{ left: `${left(point.x)}%`, top: `${top(point.y)}%`, background: color }}
          />
        ))}
      {inside && values.length > 0 && (
        <div
          className="chart-tip"
          style={left(x) < 55 ? { left: `calc(${left(x)}% + 8px)` } : { right: `calc(${100 - left(x)}% + 8px)` }}
        >
          <div className="muted">{xLabel(x)}</div>
          {values.map(({ name, color }, i) => (
            <div key={name} style={{ color }}>
              {text[i]}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

/** The index of the point nearest to x; points are sorted by x. */
function nearestPoint(points: readonly Point[], x: number): number {
  return nearest(points.length, (i) => points[i]?.x ?? 0, x);
}
