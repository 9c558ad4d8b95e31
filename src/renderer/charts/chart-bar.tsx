import { Button, Menu } from '@mantine/core';
import { ChartControls } from './chart-controls.tsx';
import type { ChartSettings } from './chart-controls.tsx';
import type { Range } from './rows.ts';

/** The line above a page's charts: how they are drawn, the way back from a zoom, and what saves all of them. */
export function ChartBar({
  settings,
  onSettings,
  zoom,
  onPlaceLost,
  onWholeRange,
  csv,
  onSave,
}: {
  readonly settings: ChartSettings;
  readonly onSettings: (settings: ChartSettings) => void;
  readonly zoom: Range | undefined;
  /** Another x axis: zoom and pin are places on the old one. */
  readonly onPlaceLost: () => void;
  readonly onWholeRange: () => void;
  /** What the CSV file has all of. */
  readonly csv: 'metrics' | 'curves';
  readonly onSave: (kind: 'png' | 'svg' | 'csv') => void;
}) {
  return (
    <div className="row" style={{ gap: 20 }}>
      <ChartControls
        settings={settings}
        onChange={(next) => {
          if (next.x !== settings.x) onPlaceLost();
          onSettings(next);
        }}
        onWholeRange={zoom === undefined ? undefined : onWholeRange}
      />
      <span className="end">
        <Menu position="bottom-end" shadow="none">
          <Menu.Target>
            <Button size="compact-xs" variant="default">
              Save all
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => onSave('png')}>All charts as PNG</Menu.Item>
            <Menu.Item onClick={() => onSave('svg')}>All charts as SVG</Menu.Item>
            <Menu.Item onClick={() => onSave('csv')}>All {csv} as CSV</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </span>
    </div>
  );
}
