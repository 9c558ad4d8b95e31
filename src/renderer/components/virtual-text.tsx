import type { Virtualizer } from '@tanstack/react-virtual';
import type { ReactNode, RefObject } from 'react';

/** The box that a long text is scrolled in: only the pieces in sight exist, each at its place. */
export function VirtualText({
  box,
  rows,
  style,
  piece,
}: {
  readonly box: RefObject<HTMLDivElement | null>;
  readonly rows: Virtualizer<HTMLDivElement, Element>;
  readonly style?: { readonly minHeight: number };
  /** A piece by its number; `height` is what it takes, measured or estimated, in pixels. */
  readonly piece: (index: number, height: number) => ReactNode;
}) {
  return (
    <div ref={box} className="panel page-text" style={style} tabIndex={0} role="region" aria-label="Text">
      <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
        {rows.getVirtualItems().map((item) => (
          <div
            key={item.key}
            ref={rows.measureElement}
            data-index={item.index}
            style={{ position: 'absolute', top: 0, left: 0, right: 0, transform: `translateY(${item.start}px)` }}
          >
            {piece(item.index, item.size)}
          </div>
        ))}
      </div>
    </div>
  );
}
