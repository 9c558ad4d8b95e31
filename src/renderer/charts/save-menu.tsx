import { Button, Menu } from '@mantine/core';
import type { RefObject } from 'react';
import { pngOf, saveBlob, svgDocument } from './save-picture.ts';

/** Saves a drawing as PNG, SVG or CSV. */
export function SaveMenu({
  title,
  unit = '',
  figure,
  csv,
}: {
  readonly title: string;
  readonly unit?: string;
  /** The element that holds the one `svg` to save. */
  readonly figure: RefObject<HTMLElement | null>;
  readonly csv: () => string;
}) {
  const save = async (kind: 'png' | 'svg' | 'csv'): Promise<void> => {
    const name = `${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.${kind}`;
    if (kind === 'csv') {
      saveBlob(name, new Blob([csv()], { type: 'text/csv' }));
      return;
    }
    const chart = figure.current?.querySelector('svg');
    if (chart === null || chart === undefined) return;
    const picture = svgDocument(chart, unit === '' ? title : `${title} (${unit})`, []);
    saveBlob(name, kind === 'svg' ? new Blob([picture.text], { type: 'image/svg+xml' }) : await pngOf(picture));
  };
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button size="compact-xs" variant="subtle" color="gray" aria-label={`Save ${title}`}>
          Save
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {(['png', 'svg', 'csv'] as const).map((kind) => (
          <Menu.Item key={kind} onClick={() => void save(kind)}>
            {kind.toUpperCase()}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
