import { useCallback } from 'react';
import { z } from 'zod';
import { goTo } from '../app/router.ts';
import { useSetting, useSettingsLoaded } from '../settings/use-setting.ts';
import { tourStops } from './stops.ts';
import type { TourStop } from './stops.ts';

/** The stop that the tour is at, or that it is over; kept, so that it goes on after a restart and never comes again. */
const placeSchema = z.union([
  z
    .int()
    .min(0)
    .max(tourStops.length - 1),
  z.literal('over'),
]);

export interface Tour {
  /** Where it is, from 0; undefined while it is not shown. */
  readonly index: number | undefined;
  readonly stop: TourStop | undefined;
  /** Opens the page of a stop and shows it; past the last one the tour is over. */
  readonly goToStop: (index: number) => void;
  readonly end: () => void;
  readonly restart: () => void;
}

/** The tour of the first steps: shown at the first start, until a person has seen or skipped it. */
export function useTour(): Tour {
  const [place, setPlace] = useSetting<number | 'over'>('tour.place', placeSchema, 0);
  const loaded = useSettingsLoaded();
  const index = loaded && place !== 'over' ? place : undefined;
  const goToStop = useCallback(
    (next: number): void => {
      const stop = tourStops[next];
      setPlace(stop === undefined ? 'over' : next);
      if (stop !== undefined) goTo(stop.page);
    },
    [setPlace],
  );
  return {
    index,
    stop: index === undefined ? undefined : tourStops[index],
    goToStop,
    end: () => setPlace('over'),
    restart: () => goToStop(0),
  };
}
