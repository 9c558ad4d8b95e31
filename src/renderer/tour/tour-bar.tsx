import './tour.css';
import { Button } from '@mantine/core';
import { useEffect, useRef } from 'react';
import { tourStops } from './stops.ts';
import type { Tour } from './use-tour.ts';

/**
 * The tour's stop above the page: it covers nothing, and the page below can be used meanwhile. Its button has the focus
 * from the start, so Enter goes through it; Esc in it ends it.
 */
export function TourBar({ tour: { index, stop, goToStop, end } }: { readonly tour: Tour }) {
  const next = useRef<HTMLButtonElement>(null);
  const shown = stop !== undefined;
  useEffect(() => {
    // Where a person already writes somewhere, the focus stays there.
    if (shown && document.activeElement === document.body) next.current?.focus();
  }, [shown]);
  if (stop === undefined || index === undefined) return null;
  const last = index === tourStops.length - 1;
  return (
    <section
      className="tour"
      aria-label="Tour"
      onKeyDown={(event) => {
        if (event.key === 'Escape') end();
      }}
    >
      <div className="tour-text" aria-live="polite">
        <strong>{stop.title}</strong> <span className="muted">{`${index + 1} of ${tourStops.length}`}</span>
        <p>{stop.text}</p>
      </div>
      <div className="tour-actions">
        {!last && (
          <Button variant="subtle" color="gray" onClick={end}>
            Skip the tour
          </Button>
        )}
        <Button variant="default" disabled={index === 0} onClick={() => goToStop(index - 1)}>
          Back
        </Button>
        <Button ref={next} onClick={() => goToStop(index + 1)}>
          {last ? 'Finish' : `Next: ${tourStops[index + 1]?.title ?? ''}`}
        </Button>
      </div>
    </section>
  );
}
