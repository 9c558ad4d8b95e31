import { useRef } from 'react';
import { SaveMenu } from '../../charts/save-menu.tsx';
import { formatContextLength, formatCount } from '../../components/format.ts';
import { formatShare } from '../../components/figure.tsx';
import { heatColours, heatCsv } from './heat-grid.ts';
import type { HeatGrid } from './heat-grid.ts';

const [cellHeight, left, foot] = [42, 52, 36];

/** Score by length and depth of the needle; each cell says its value, interval and number of items. */
export function HeatMap({
  title,
  grid,
  narrow,
}: {
  readonly title: string;
  readonly grid: HeatGrid;
  /** Two of them shall fit beside each other. */
  readonly narrow: boolean;
}) {
  const figure = useRef<HTMLElement>(null);
  const { lengths, depths, cells } = grid;
  // Never narrower than its writing.
  const cellWidth = narrow ? Math.max(62, Math.min(96, Math.floor(430 / lengths.length))) : 104;
  const numbers = new Set(cells.map(({ n }) => n));
  const [items] = numbers;
  const each = numbers.size === 1 && items !== undefined ? `${formatCount(items)} items each` : 'items';
  const width = left + cellWidth * lengths.length + 8;
  const height = cellHeight * depths.length + foot;
  const percent = (share: number): string => `${Math.round(100 * share)}`;
  return (
    <figure ref={figure} aria-label={title} style={{ margin: 0, overflowX: 'auto', flex: 'none' }}>
      <div className="row">
        <strong>{title}</strong>
        <span className="muted">share found, 95% interval, {each}</span>
        <SaveMenu title={title} unit={`share found, 95% interval, ${each}`} figure={figure} csv={() => heatCsv(grid)} />
      </div>
      <svg
        className="drawing"
        width={width}
        height={height}
        role="img"
        aria-label={`${title}: score by length and depth`}
      >
        {depths.map((depth, row) => (
          <text
            key={depth}
            x={left - 8}
            y={row * cellHeight + cellHeight / 2 + 4}
            textAnchor="end"
            fontSize={11}
            fill="currentColor"
          >
            {percent(depth)}%
          </text>
        ))}
        {cells.map(({ length, depth, value, low, high, n }) => {
          const x = left + lengths.indexOf(length) * cellWidth;
          const y = depths.indexOf(depth) * cellHeight;
          const { fill, text } = heatColours(value);
          const label = `${formatCount(length)} tokens, depth ${percent(depth)}%: ${formatShare(value)} [${formatShare(low)}, ${formatShare(high)}], ${formatCount(n)} items`;
          return (
            <g key={`${length} ${depth}`}>
              <title>{label}</title>
              <rect x={x + 1} y={y + 1} width={cellWidth - 2} height={cellHeight - 2} fill={fill} />
              <text
                x={x + cellWidth / 2}
                y={y + 18}
                textAnchor="middle"
                style={{ fill: text, fontSize: 13, fontWeight: 600 }}
              >
                {percent(value)}%
              </text>
              <text x={x + cellWidth / 2} y={y + 33} textAnchor="middle" style={{ fill: text, fontSize: 10 }}>
                [{percent(low)}, {percent(high)}]{numbers.size > 1 && ` n=${formatCount(n)}`}
              </text>
            </g>
          );
        })}
        {lengths.map((length, column) => (
          <text
            key={length}
            x={left + column * cellWidth + cellWidth / 2}
            y={depths.length * cellHeight + 14}
            textAnchor="middle"
            fontSize={11}
            fill="currentColor"
          >
            {formatContextLength(length)}
          </text>
        ))}
        <text x={left} y={depths.length * cellHeight + 30} fontSize={11} fill="currentColor">
          length in tokens; at the left the needle's depth (0% = start)
        </text>
      </svg>
    </figure>
  );
}
