import { Button, SegmentedControl, Slider, Switch } from '@mantine/core';
import { z } from 'zod';
import { useSetting } from '../settings/use-setting.ts';
import { xKinds } from './axis.ts';

const schema = z.object({
  x: z.enum(xKinds),
  smoothing: z.number().min(0).max(0.99),
  log: z.boolean(),
  clip: z.boolean(),
});
export type ChartSettings = z.infer<typeof schema>;
const initial: ChartSettings = { x: 'step', smoothing: 0.6, log: false, clip: true };

/** How charts are drawn, kept for the next time; one setting for all charts of a page. */
export function useChartSettings(page: string): readonly [ChartSettings, (settings: ChartSettings) => void] {
  return useSetting(`charts.${page}`, schema, initial);
}

/** The line of controls above charts: x axis, smoothing, logarithm, outliers. */
export function ChartControls({
  settings,
  onChange,
  onWholeRange,
}: {
  readonly settings: ChartSettings;
  /** Ends a zoom; undefined while there is none. */
  readonly onWholeRange?: (() => void) | undefined;
  readonly onChange: (settings: ChartSettings) => void;
}) {
  return (
    <div className="controls">
      <span className="control">
        x
        <SegmentedControl
          size="xs"
          aria-label="What the x axis counts"
          data={[...xKinds]}
          value={settings.x}
          onChange={(x) => {
            onChange({ ...settings, x });
          }}
        />
      </span>
      <span className="control">
        Smooth
        <Slider
          w={120}
          size="sm"
          min={0}
          max={0.95}
          step={0.05}
          value={settings.smoothing}
          onChange={(smoothing) => {
            onChange({ ...settings, smoothing });
          }}
          label={(value) => value.toFixed(2)}
          thumbLabel="Smoothing"
        />
        <span style={{ width: 28 }}>{settings.smoothing.toFixed(2)}</span>
      </span>
      <Switch
        size="sm"
        label="Log axis"
        checked={settings.log}
        onChange={(event) => {
          onChange({ ...settings, log: event.currentTarget.checked });
        }}
      />
      <Switch
        size="sm"
        label="Clip outliers"
        checked={settings.clip}
        onChange={(event) => {
          onChange({ ...settings, clip: event.currentTarget.checked });
        }}
      />
      {onWholeRange === undefined ? (
        <span className="muted">Drag in a chart to zoom</span>
      ) : (
        <Button size="compact-xs" variant="default" onClick={onWholeRange}>
          Whole range
        </Button>
      )}
    </div>
  );
}
