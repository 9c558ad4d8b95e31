import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { writeFileAtomic } from '../../files/atomic-write.ts';

const boundsSchema = z.strictObject({
  x: z.int().optional(),
  y: z.int().optional(),
  width: z.int().min(800).max(20000),
  height: z.int().min(500).max(20000),
});
export type Bounds = z.infer<typeof boundsSchema>;

/** Where a screen has room for windows. */
export interface Screen {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const stateSchema = z.strictObject({ bounds: boundsSchema, maximized: z.boolean() });
export type WindowState = z.infer<typeof stateSchema>;

const first: WindowState = { bounds: { width: 1440, height: 900 }, maximized: false };

/** Whether a good part of the window lies on one of the screens, which may have changed since. */
function isVisible({ x, y, width, height }: Bounds, screens: readonly Screen[]): boolean {
  if (x === undefined || y === undefined) return true;
  return screens.some(
    (screen) =>
      Math.min(x + width, screen.x + screen.width) - Math.max(x, screen.x) > 100 &&
      Math.min(y + height, screen.y + screen.height) - Math.max(y, screen.y) > 100,
  );
}

/** Size and place of the window when it was last closed; a damaged file or a screen that is gone gives the default. */
export function readWindowState(file: string, screens: readonly Screen[]): WindowState {
  try {
    const state = stateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    return isVisible(state.bounds, screens) ? state : { ...state, bounds: first.bounds };
  } catch {
    return first;
  }
}

export async function writeWindowState(file: string, state: WindowState): Promise<void> {
  await writeFileAtomic(file, JSON.stringify(stateSchema.parse(state)));
}
