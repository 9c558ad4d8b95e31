import { fixed } from './format.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface ChartOptions {
  readonly title: string;
  /** Behind the title in brackets. */
  readonly unit: string;
  /** What x counts. */
  readonly xLabel: string;
  /** Characters of a whole line, labels included. */
  readonly width: number;
  /** Lines of the plot itself. */
  readonly height?: number;
}

const dotBits = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/**
 * A line chart in plain characters: every value as a dot (braille, 2 x 4 a character) and their moving mean as a line.
 * Points must be sorted by x. Values that are not finite are left out and counted below the chart.
 */
export function lineChart(points: readonly Point[], options: ChartOptions): string {
  const { title, unit, xLabel, height = 8 } = options;
  const head = unit === '' ? title : `${title} (${unit})`;
  const finite = points.filter((point) => Number.isFinite(point.y));
  const [first, last] = [finite[0], finite.at(-1)];
  if (first === undefined || last === undefined) return `${head}: no finite values`;

  let [low, high] = [Infinity, -Infinity];
  for (const { y } of finite) [low, high] = [Math.min(low, y), Math.max(high, y)];
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const decimals = Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(high - low))));
  const middle = (height - 1) >> 1;
  const labels = [high, high - (middle / (height - 1)) * (high - low), low].map((value) => fixed(value, decimals));
  const labelWidth = Math.max(...labels.map((label) => label.length));
  const columns = Math.max(8, options.width - labelWidth - 3);

  const across = (x: number, cells: number): number =>
    last.x === first.x ? 0 : Math.round(((x - first.x) / (last.x - first.x)) * (cells - 1));
  const down = (y: number, cells: number): number => Math.round(((high - y) / (high - low)) * (cells - 1));

  const dots = new Uint8Array(columns * height);
  for (const { x, y } of finite) {
    const [column, row] = [across(x, columns * 2), down(y, height * 4)];
    const cell = (row >> 2) * columns + (column >> 1);
    dots[cell] = (dots[cell] ?? 0) | (dotBits[row & 3]?.[column & 1] ?? 0);
  }
  const grid = Array.from({ length: height }, (_, row) =>
    Array.from({ length: columns }, (_, column) => {
      const bits = dots[row * columns + column] ?? 0;
      return bits === 0 ? ' ' : String.fromCodePoint(0x2800 + bits);
    }),
  );

  const window = smoothingWindow(finite.length);
  const smooth = movingMean(
    finite.map((point) => point.y),
    window,
  ).map((y, i) => ({ x: finite[i]?.x ?? 0, y }));
  if (window > 1)
    drawLine(
      grid,
      levels(smooth, columns, across, (y) => down(y, height)),
    );

  const lines = grid.map((row, r) => {
    const label = r === 0 ? labels[0] : r === middle ? labels[1] : r === height - 1 ? labels[2] : '';
    return `${(label ?? '').padStart(labelWidth)} ┤${row.join('')}`.trimEnd();
  });
  const from = String(first.x);
  const to = `${xLabel} ${last.x}`;
  const axis = `${' '.repeat(labelWidth + 2)}${from}${to.padStart(Math.max(to.length + 1, columns - from.length))}`;
  const legend = window > 1 ? [`dots: every value; line: mean of ${window} values`] : [];
  const left = points.length - finite.length;
  const missing = left === 0 ? [] : [`not shown: ${left} of ${points.length} values are not finite`];
  return [head, ...lines, axis, ...[...legend, ...missing].map((text) => ' '.repeat(labelWidth + 2) + text)].join('\n');
}

/** Values a moving mean takes in: about a tenth of them, odd, 1 (no smoothing) for short series. */
export function smoothingWindow(n: number): number {
  return n < 10 ? 1 : 2 * Math.round(n / 20) + 1;
}

/** Centred moving mean; at the ends over what there is. */
export function movingMean(values: readonly number[], window: number): number[] {
  const half = (window - 1) / 2;
  return values.map((_, i) => {
    const part = values.slice(Math.max(0, i - half), i + half + 1);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

/** The line's row in every column, linear between its points. */
function levels(
  line: readonly Point[],
  columns: number,
  across: (x: number, cells: number) => number,
  row: (y: number) => number,
): number[] {
  const at = line.map((point) => ({ column: across(point.x, columns), y: point.y }));
  let next = 0;
  return Array.from({ length: columns }, (_, column) => {
    while (next < at.length - 1 && (at[next]?.column ?? 0) < column) next += 1;
    const right = at[next];
    const left = at[Math.max(0, next - 1)];
    if (right === undefined || left === undefined) return 0;
    const span = right.column - left.column;
    const share = span <= 0 ? 1 : Math.min(1, Math.max(0, (column - left.column) / span));
    return row(left.y + share * (right.y - left.y));
  });
}

/** Draws a line by its row in every column, with corners where it changes its row. */
function drawLine(grid: string[][], rows: readonly number[]): void {
  const put = (row: number, column: number, character: string): void => {
    const cells = grid[row];
    if (cells !== undefined && column < cells.length) cells[column] = character;
  };
  rows.forEach((row, column) => {
    const before = rows[column - 1] ?? row;
    if (before === row) {
      put(row, column, '─');
      return;
    }
    const falls = row > before;
    put(before, column, falls ? '╮' : '╯');
    put(row, column, falls ? '╰' : '╭');
    for (let between = Math.min(before, row) + 1; between < Math.max(before, row); between += 1) {
      put(between, column, '│');
    }
  });
}
