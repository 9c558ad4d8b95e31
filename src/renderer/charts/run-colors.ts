/** After Okabe and Ito (2008), told apart by colour-blind people; light and dark values: app/theme.css. */
const palette = [1, 2, 3, 4, 5, 6, 7, 8].map((place) => `var(--run-${place})`);
const dashes = [undefined, '6 3', '2 3', '8 3 2 3'] as const;

export interface CurveLook {
  readonly color: string;
  /** A dash pattern once the colours have been used up. */
  readonly dash?: string;
}

/** A run looks the same in every chart and whatever it is compared with: its look follows from its number alone. */
export function lookOfRun(id: number): CurveLook {
  const place = Math.max(0, id - 1);
  const color = palette[place % palette.length] ?? 'var(--base)';
  const dash = dashes[Math.floor(place / palette.length) % dashes.length];
  return dash === undefined ? { color } : { color, dash };
}
