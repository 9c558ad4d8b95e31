import { useMantineColorScheme } from '@mantine/core';
import { useEffect } from 'react';
import { z } from 'zod';
import { useSetting } from '../settings/use-setting.ts';

export const colourSchema = z.enum(['auto', 'light', 'dark']);
export type Colours = z.infer<typeof colourSchema>;

/** Light or dark as the person set it; `auto` follows the system. Main keeps it, since the browser's storage goes with the port. */
export function useColours(): readonly [Colours, (next: Colours) => void] {
  return useSetting<Colours>('appearance.colours', colourSchema, 'auto');
}

/** Draws the window in the colours that are set. */
export function useColoursOfSetting(): void {
  const [colours] = useColours();
  const { setColorScheme } = useMantineColorScheme();
  useEffect(() => {
    setColorScheme(colours);
  }, [colours, setColorScheme]);
}
