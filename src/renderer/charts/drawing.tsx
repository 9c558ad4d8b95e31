import { memo, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { linearScale } from './axis.ts';
import type { Scale } from './axis.ts';
import { plot } from './pointer-layer.tsx';
import type { Range, Row } from './rows.ts';

/** How one curve looks. */
export interface Look {
  readonly name: string;
  readonly color: string;
  /** A dash pattern beside the colour, so that colour is never alone. */
  readonly dash?: string;
}

/** Height of a drawing in pixels, axes included. */
export const drawingHeight = 170;

/**
 * A path through the rows that have the value; `places` gives its point in the plot, in pixels. A single point gets a
 * line of no length, which round ends make a dot.
 */
export function pathOf(
  rows: readonly Row[],
  key: `r${number}` | `s${number}`,
  places: { readonly x: (x: number) => number; readonly y: (y: number) => number },
): string {
  let path = '';
  let [count, last] = [0, ''];
  for (const row of rows) {
    const value = row[key];
    if (value === undefined) continue;
    last = `${places.x(row.x).toFixed(1)},${places.y(value).toFixed(1)}`;
    path += `${count === 0 ? 'M' : 'L'}${last}`;
    count += 1;
  }
  return count === 1 ? `${path}L${last}` : path;
}

/**
 * Curves with their axes as plain SVG, made anew only when there is something else to draw. A page has a dozen of these,
 * and a live run draws them four times a second.
 */
export const Drawing = memo(function Drawing({
  rows,
  looks,
  raw,
  ends,
  y,
  log,
  formatX,
  formatY,
}: {
  readonly rows: readonly Row[];
  readonly looks: readonly Look[];
  /** Whether raw values are drawn faintly behind the smoothed ones. */
  readonly raw: boolean;
  readonly ends: Range;
  readonly y: Scale;
  readonly log: boolean;
  readonly formatX: (x: number) => string;
  readonly formatY: (y: number) => string;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    setWidth(element.clientWidth);
    const observer = new ResizeObserver(() => {
      setWidth(element.clientWidth);
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, []);

  const inner = Math.max(0, width - plot.left - plot.right);
  const high = drawingHeight - plot.top - plot.bottom;
  const places = useMemo(() => {
    const scaled = log ? Math.log : (value: number): number => value;
    const [from, to] = [scaled(y.domain[0]), scaled(y.domain[1])];
    const span = ends[1] - ends[0] || 1;
    return {
      x: (x: number) => (inner * (x - ends[0])) / span,
      y: (value: number) => high * (1 - (scaled(value) - from) / (to - from)),
    };
  }, [inner, high, log, y, ends]);
  const lines = useMemo(() => {
    if (inner === 0) return [];
    const behind = raw ? looks.map((look, i) => ({ look, faint: true, path: pathOf(rows, `r${i}`, places) })) : [];
    return [...behind, ...looks.map((look, i) => ({ look, faint: false, path: pathOf(rows, `s${i}`, places) }))];
  }, [rows, looks, raw, places, inner]);
  const xTicks = linearScale(ends[0], ends[1], 4).ticks.filter((tick) => tick >= ends[0] && tick <= ends[1]);
  return (
    <div ref={box} style={{ height: drawingHeight }}>
      {inner > 0 && (
        <svg className="drawing" width={width} height={drawingHeight} aria-hidden>
          {y.ticks.map((tick) => {
            const at = plot.top + places.y(tick);
            return (
              <g key={tick} className="y-tick">
                <line className="grid" x1={plot.left} x2={width - plot.right} y1={at} y2={at} />
                <line x1={plot.left - 5} x2={plot.left} y1={at} y2={at} />
                <text x={plot.left - 8} y={at + 4} textAnchor="end">
                  {formatY(tick)}
                </text>
              </g>
            );
          })}
          {xTicks.map((tick) => {
            const at = plot.left + places.x(tick);
            return (
              <g key={tick} className="x-tick">
                <line x1={at} x2={at} y1={plot.top + high} y2={plot.top + high + 5} />
                <text x={at} y={plot.top + high + 17} textAnchor="middle">
                  {formatX(tick)}
                </text>
              </g>
            );
          })}
          <path className="axes" d={`M${plot.left},${plot.top}V${plot.top + high}H${width - plot.right}`} />
          {/* What lies outside of the axes (clipped outliers, the way to the next point) is cut off. */}
          <svg x={plot.left} y={plot.top} width={inner} height={high} overflow="hidden">
            {lines.map(({ look: { name, color, dash }, faint, path }) => (
              <path
                key={`${name} ${faint}`}
                className="curve"
                d={path}
                stroke={color}
                strokeWidth={faint ? 1 : 1.6}
                strokeOpacity={faint ? 0.25 : 1}
                strokeDasharray={faint ? undefined : dash}
              />
            ))}
          </svg>
        </svg>
      )}
    </div>
  );
});
