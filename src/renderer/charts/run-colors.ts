/** Okabe and Ito's colours (2008), told apart by colour-blind people; darkened where light ones would vanish on white. */
const palette = ['#0072b2', '#d55e00', '#009e73', '#b5569b', '#c78a00', '#3a9ed8', '#8a6d3b', '#7a7a7a'] as const;
const dashes = [undefined, '6 3', '2 3', '8 3 2 3'] as const;

export interface CurveLook {
  readonly color: string;
  /** A dash pattern once the colours have been used up. */
  readonly dash?: string;
}

/** A run looks the same in every chart and whatever it is compared with: its look follows from its number alone. */
export function lookOfRun(id: number): CurveLook {
  const place = Math.max(0, id - 1);
  const color = palette[place % palette.length] ?? palette[0];
  const dash = dashes[Math.floor(place / palette.length) % dashes.length];
  return dash === undefined ? { color } : { color, dash };
}
