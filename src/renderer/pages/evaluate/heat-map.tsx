import { useRef } from 'react';
import { SaveMenu } from '../../charts/save-menu.tsx';
import { formatCount } from '../../components/format.ts';
import { formatShare } from '../../components/figure.tsx';
import { heatColours, heatCsv } from './heat-grid.ts';
import type { HeatGrid } from './heat-grid.ts';

const [cellWidth, cellHeight, left, foot] = [104, 46, 64, 36];

/** Score by length and depth of the needle; each cell says its value, interval and number of items. */
export function HeatMap({ title, grid }: { readonly title: string; readonly grid: HeatGrid }) {
  const figure = useRef<HTMLElement>(null);
  const { lengths, depths, cells } = grid;
  const width = left + cellWidth * lengths.length + 8;
  const height = cellHeight * depths.length + foot;
  const percent = (share: number): string => `${Math.round(100 * share)}`;
  return (
    <figure ref={figure} aria-label={title} style={{ margin: 0, overflowX: 'auto', flex: 'none' }}>
      <div className="row">
        <strong>{title}</strong>
        <span className="muted">share of the outputs named, 95% interval, items</span>
        <SaveMenu title={title} unit="share, 95% interval, items" figure={figure} csv={() => heatCsv(grid)} />
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
              <text x={x + cellWidth / 2} y={y + 20} textAnchor="middle" fontSize={13} fontWeight={600} fill={text}>
                {percent(value)}%
              </text>
              <text x={x + cellWidth / 2} y={y + 36} textAnchor="middle" fontSize={10} fill={text}>
                [{percent(low)}, {percent(high)}] n={formatCount(n)}
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
            {formatCount(length)}
          </text>
        ))}
        <text x={left} y={depths.length * cellHeight + 30} fontSize={11} fill="currentColor">
          length in tokens; at the left, depth of the needle (0% = start)
        </text>
      </svg>
    </figure>
  );
}
