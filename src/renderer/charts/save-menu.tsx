import { Button, Menu } from '@mantine/core';
import type { RefObject } from 'react';
import { pictureOf, saveBlob, savePicture } from './save-picture.ts';

/** Saves a figure's drawing as PNG, SVG or CSV. */
export function SaveMenu({
  title,
  unit = '',
  figure,
  csv,
}: {
  readonly title: string;
  readonly unit?: string;
  /** The element that holds the `svg.drawing`. */
  readonly figure: RefObject<HTMLElement | null>;
  readonly csv: () => string;
}) {
  const save = async (kind: 'png' | 'svg' | 'csv'): Promise<void> => {
    const name = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
    if (kind === 'csv') {
      saveBlob(`${name}.csv`, new Blob([csv()], { type: 'text/csv' }));
      return;
    }
    const picture = figure.current === null ? undefined : pictureOf(figure.current, title, unit);
    if (picture !== undefined) await savePicture(picture, name, kind);
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
