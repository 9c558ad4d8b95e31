/** One cell: mean score with its 95% interval over `n` items. */
export interface HeatCell {
  readonly length: number;
  /** Place of the needle, 0 = start, 1 = end. */
  readonly depth: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

export interface HeatGrid {
  /** Ascending. */
  readonly lengths: readonly number[];
  readonly depths: readonly number[];
  readonly cells: readonly HeatCell[];
}

/** The cells of an evaluation (`score/<length>/<depth>` in its summary); null where it was not asked at depths. */
export function heatGrid(summary: Readonly<Record<string, number>> | null): HeatGrid | null {
  const cells = Object.entries(summary ?? {}).flatMap(([name, value]): HeatCell[] => {
    const match = /^score\/(\d+)\/([\d.e-]+)$/.exec(name);
    if (match === null) return [];
    const bound = (end: string): number => summary?.[`${name}/${end}`] ?? Number.NaN;
    const place = { length: Number(match[1]), depth: Number(match[2]) };
    return [{ ...place, value, low: bound('low'), high: bound('high'), n: bound('n') }];
  });
  if (cells.length === 0) return null;
  const sorted = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b);
  return { lengths: sorted(cells.map(({ length }) => length)), depths: sorted(cells.map(({ depth }) => depth)), cells };
}

/** The cells as a table for a spreadsheet. */
export function heatCsv({ cells }: HeatGrid): string {
  const rows = cells.map(({ length, depth, value, low, high, n }) => [length, depth, value, low, high, n].join(','));
  return `${['length,depth,score,low,high,items', ...rows].join('\n')}\n`;
}

/** Points of cividis (Nuñez, Anderton and Renslow 2018): its lightness rises evenly for every kind of colour vision. */
const CIVIDIS: readonly (readonly [number, number, number])[] = [
  [0, 34, 78],
  [53, 69, 108],
  [102, 105, 112],
  [148, 142, 119],
  [200, 184, 102],
  [254, 232, 56],
];

/** Colour of a share and that of writing upon it. */
export function heatColours(share: number): { readonly fill: string; readonly text: string } {
  const at = Math.min(Math.max(share, 0), 1) * (CIVIDIS.length - 1);
  const below = CIVIDIS[Math.floor(at)] ?? [0, 0, 0];
  const above = CIVIDIS[Math.ceil(at)] ?? below;
  const [red, green, blue] = below.map((part, i) =>
    Math.round(part + (at - Math.floor(at)) * ((above[i] ?? 0) - part)),
  );
  return { fill: `rgb(${red}, ${green}, ${blue})`, text: share < 0.47 ? '#ffffff' : '#000000' };
}
