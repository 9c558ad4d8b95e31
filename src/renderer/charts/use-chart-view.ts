import { useState } from 'react';
import { useChartSettings } from './chart-controls.tsx';
import type { ChartSettings } from './chart-controls.tsx';
import type { Range } from './rows.ts';

/** How the charts of a page are looked at, all of them alike. */
export interface ChartView {
  readonly settings: ChartSettings;
  /** Another x axis ends zoom and pin, which are places on the old one. */
  readonly setSettings: (settings: ChartSettings) => void;
  /** The part of the x axis that is drawn; undefined: all of it. */
  readonly zoom: Range | undefined;
  readonly setZoom: (zoom: Range | undefined) => void;
  /** The x at which values are shown. */
  readonly pinned: number | undefined;
  readonly pin: (x: number | undefined) => void;
}

/** Settings, zoom and pin of a page's charts; the settings are kept under the page's name. */
export function useChartView(page: string): ChartView {
  const [settings, keep] = useChartSettings(page);
  const [zoom, setZoom] = useState<Range | undefined>();
  const [pinned, pin] = useState<number | undefined>();
  const setSettings = (next: ChartSettings): void => {
    if (next.x !== settings.x) {
      setZoom(undefined);
      pin(undefined);
    }
    keep(next);
  };
  return { settings, setSettings, zoom, setZoom, pinned, pin };
}
