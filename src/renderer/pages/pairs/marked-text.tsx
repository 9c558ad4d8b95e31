import { memo } from 'react';
import { markedPieces } from './marked-pieces.ts';
import type { Marking } from './marked-pieces.ts';

/** A text with its markings; what stands in it is shown as text, whatever it is. */
export const MarkedText = memo(function MarkedText({
  text,
  markings,
}: {
  readonly text: string;
  readonly markings: readonly Marking[];
}) {
  if (text === '') return <div className="muted">(empty)</div>;
  return (
    <div className="text">
      {markedPieces(text, markings).map(({ start, text: piece, names }) =>
        names.length === 0 ? (
          piece
        ) : (
          <mark key={start} className={names.join(' ')}>
            {piece}
          </mark>
        ),
      )}
    </div>
  );
});
