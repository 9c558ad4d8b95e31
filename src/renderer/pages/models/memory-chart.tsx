import '../../charts/chart.css';
import { useRef } from 'react';
import type { MemoryPlan } from '../../../shared/memory-plan.ts';
import { linearScale } from '../../charts/axis.ts';
import { SaveMenu } from '../../charts/save-menu.tsx';
import { useWidth } from '../../charts/use-width.ts';
import { formatBytes, formatContextLength, formatCount } from '../../components/format.ts';
import { inOrder, memoryPartLooks } from '../../components/memory-parts.tsx';
import { plansCsv } from './memory-by-length.ts';

const [height, left, foot, head] = [210, 44, 20, 14];
const GiB = 2 ** 30;

/** The peak of a step for each length as a bar of its parts, with the memory there is drawn across. */
export function MemoryChart({
  plans,
  memory,
  selected,
  onSelect,
}: {
  readonly plans: readonly MemoryPlan[];
  /** Bytes. */
  readonly memory: number;
  /** The length whose parts are shown beside the chart. */
  readonly selected: number;
  readonly onSelect: (tokens: number) => void;
}) {
  const figure = useRef<HTMLElement>(null);
  const width = useWidth(figure);
  // A length far beyond what fits would press the others flat.
  const top = Math.min(Math.max(memory * 1.25, ...plans.map(({ peak }) => peak)), memory * 2.5) / GiB;
  const { ticks } = linearScale(0, top, 4);
  const inner = Math.max(0, width - left);
  const drawn = height - foot - head;
  const y = (bytes: number): number => head + drawn * (1 - Math.min(1, bytes / GiB / top));
  const step = inner / Math.max(1, plans.length);
  const names = [...new Set(plans.flatMap(({ parts }) => inOrder(parts).map(({ name }) => name)))];
  return (
    <figure ref={figure} className="chart" aria-label="Memory by length" style={{ padding: 0 }}>
      <figcaption style={{ minHeight: 0 }}>
        <div className="chart-title">
          <strong>Memory by length</strong>
          <span className="muted">GiB at the peak of a training step, predicted</span>
          <span className="chart-actions">
            <SaveMenu
              title="Memory by length"
              unit="GiB at the peak of a training step"
              figure={figure}
              csv={() => plansCsv(plans)}
            />
          </span>
        </div>
        <div className="chart-legend">
          {names.map((name) => (
            <span key={name} style={{ color: memoryPartLooks[name].color }} data-legend>
              <svg width="10" height="10" aria-hidden>
                <rect width="10" height="10" fill={memoryPartLooks[name].color} />
              </svg>
              {memoryPartLooks[name].label}
            </span>
          ))}
        </div>
      </figcaption>
      <svg
        className="drawing"
        width="100%"
        height={height}
        viewBox={`0 0 ${Math.max(1, width)} ${height}`}
        role="img"
        aria-label={plans.map(({ tokens, peak }) => `${formatCount(tokens)} tokens: ${formatBytes(peak)}`).join(', ')}
      >
        {ticks
          .filter((tick) => tick <= top)
          .map((tick) => (
            <g key={tick}>
              <line className="grid" x1={left} x2={width} y1={y(tick * GiB)} y2={y(tick * GiB)} />
              <text x={left - 6} y={y(tick * GiB) + 4} textAnchor="end">
                {tick}
              </text>
            </g>
          ))}
        {plans.map(({ tokens, peak, parts }, i) => {
          let from = 0;
          const middle = left + (i + 0.5) * step;
          return (
            <g
              key={tokens}
              style={{ cursor: 'pointer' }}
              onClick={() => {
                onSelect(tokens);
              }}
            >
              <title>{`${formatCount(tokens)} tokens: ${formatBytes(peak)}${peak > memory ? ', does not fit' : ''}`}</title>
              <rect x={left + i * step} y={head} width={step} height={drawn + foot} fill="transparent" />
              {inOrder(parts).map(({ name, bytes }) => {
                const [low, high] = [y(from), y(from + bytes)];
                from += bytes;
                return (
                  <rect
                    key={name}
                    x={left + (i + 0.18) * step}
                    width={0.64 * step}
                    y={high}
                    height={Math.max(0, low - high)}
                    fill={memoryPartLooks[name].color}
                    fillOpacity={peak > memory ? 0.45 : 1}
                  />
                );
              })}
              <text
                x={middle}
                y={height - 5}
                textAnchor="middle"
                fontWeight={tokens === selected ? 600 : 400}
                textDecoration={tokens === selected ? 'underline' : undefined}
              >
                {formatContextLength(tokens)}
              </text>
            </g>
          );
        })}
        <line
          x1={left}
          x2={width}
          y1={y(memory)}
          y2={y(memory)}
          strokeDasharray="4 3"
          strokeWidth={1.5}
          style={{ stroke: 'var(--fail)' }}
        />
        <text x={left + 4} y={y(memory) - 4} style={{ fill: 'var(--fail)' }}>
          {formatBytes(memory)}
        </text>
      </svg>
    </figure>
  );
}
