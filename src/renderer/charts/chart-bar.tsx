import { Button, Menu } from '@mantine/core';
import { ChartControls } from './chart-controls.tsx';
import type { ChartView } from './use-chart-view.ts';

/** The line above a page's charts: how they are drawn, the way back from a zoom, and what saves all of them. */
export function ChartBar({
  view: { settings, setSettings, zoom, setZoom },
  csv,
  onSave,
}: {
  readonly view: ChartView;
  /** What the CSV file has all of. */
  readonly csv: 'metrics' | 'curves';
  readonly onSave: (kind: 'png' | 'svg' | 'csv') => void;
}) {
  return (
    <div className="row" style={{ gap: 20 }}>
      <ChartControls
        settings={settings}
        onChange={setSettings}
        onWholeRange={zoom === undefined ? undefined : () => setZoom(undefined)}
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
