import './documents.css';
import { Button, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useMemo, useRef, useState } from 'react';
import { useApi } from '../../api/client.ts';
import { useCommands } from '../../commands/active-commands.ts';
import { useKeyLabel } from '../../commands/use-keymap.ts';
import { formatCount } from '../../components/format.ts';
import { ErrorPanel, Loading } from '../../components/states.tsx';
import { pieceAt, settleOn } from '../../components/text-place.ts';
import { VirtualText } from '../../components/virtual-text.tsx';
import { chunkCuts, stretches } from './stretches.ts';
import type { Cut, Mark } from './stretches.ts';

/** Most places that a search gives. */
const mostHits = 1000;
const lineHeight = 20;
/** Pieces that are asked for at once: whoever scrolls on finds the next ones there. */
const BLOCK = 8;

/** A document's text: only the pieces in sight exist. Chunk boundaries, a search, and a place that a link points to. */
export function Reader({
  id,
  at,
  end,
}: {
  readonly id: number;
  readonly at: number | null;
  readonly end: number | null;
}) {
  const pieces = useApi('documents.pieces', { id });
  const chunks = useApi('documents.chunks', { id });
  const latest = chunks.data?.[0]?.chunkingId;
  const current = useMemo(
    () => (chunks.data ?? []).filter((chunk) => chunk.chunkingId === latest),
    [chunks.data, latest],
  );
  const cuts = useMemo(() => chunkCuts(current), [current]);
  if (pieces.isError) return <ErrorPanel error={pieces.error} retry={() => void pieces.refetch()} />;
  if (pieces.data === undefined) return <Loading lines={12} />;
  const { starts, length } = pieces.data;
  return <Text key={id} {...{ id, starts, length, cuts, at, end }} chunks={current.length} />;
}

interface TextProps {
  readonly id: number;
  readonly starts: readonly number[];
  readonly length: number;
  readonly cuts: readonly Cut[];
  readonly chunks: number;
  readonly at: number | null;
  readonly end: number | null;
}

function Text({ id, starts, length, cuts, chunks, at, end }: TextProps) {
  const box = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const labelOf = useKeyLabel();
  const [query, setQuery] = useState('');
  const [wanted] = useDebouncedValue(query, 150);
  const searching = wanted.trim() !== '';
  const search = useApi('documents.search', { id, query: wanted, limit: mostHits }, { enabled: searching, keep: true });
  const hits = useMemo(() => (searching ? (search.data ?? []) : []), [searching, search.data]);
  const [hitAt, setHitAt] = useState(0);
  const hit = hits[Math.min(hitAt, hits.length - 1)];

  const rows = useVirtualizer({
    count: starts.length,
    getScrollElement: () => box.current,
    // About 80 characters a line; measured once it is in sight.
    estimateSize: (index) => Math.ceil(((starts[index + 1] ?? length) - (starts[index] ?? 0)) / 80) * lineHeight,
    overscan: 3,
  });

  /** Scrolls to a place: first to its piece, then, once that is drawn, to the very line. */
  const show = (offset: number): void => {
    rows.scrollToIndex(pieceAt(starts, offset), { align: 'start' });
    settleOn(box, offset);
  };
  const shown = useRef<string>('');
  useEffect(() => {
    const key = `${at}`;
    if (at === null || shown.current === key) return;
    shown.current = key;
    show(at);
  });
  useEffect(() => {
    setHitAt(0);
  }, [wanted]);
  useEffect(() => {
    if (hit !== undefined) show(hit.start);
    // A new hit moves the text; a change of anything else does not.
  }, [hit?.start, hit?.end]);

  const step = (by: number): void => {
    if (hits.length > 0) setHitAt((before) => (Math.min(before, hits.length - 1) + by + hits.length) % hits.length);
  };
  useCommands({
    'documents.find': () => field.current?.focus(),
    'documents.next_hit': () => step(1),
    'documents.previous_hit': () => step(-1),
  });

  const marks = useMemo(
    (): readonly Mark[] => [
      ...hits.map((one): Mark => ({ start: one.start, end: one.end, kind: one === hit ? 'current' : 'hit' })),
      ...(at === null ? [] : [{ start: at, end: Math.max(at + 1, end ?? at + 60), kind: 'place' } as const]),
    ],
    [hits, hit, at, end],
  );
  const items = rows.getVirtualItems();
  const inSight = items.find((item) => item.end > (rows.scrollOffset ?? 0));
  const share = length === 0 ? 0 : (starts[inSight?.index ?? 0] ?? 0) / length;
  return (
    <div className="reader">
      <div className="row">
        <TextInput
          ref={field}
          placeholder={`Find in this document${labelOf('documents.find') === '' ? '' : ` (${labelOf('documents.find')})`}`}
          aria-label="Find in this document"
          value={query}
          onChange={(event) => {
            setQuery(event.currentTarget.value);
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
            if (event.key === 'Escape') {
              setQuery('');
              box.current?.focus();
            }
          }}
          w={220}
        />
        {searching ? (
          <>
            <span role="status" className={hits.length === 0 && search.isSuccess ? 'no-hit' : 'muted'}>
              {hits.length === 0
                ? search.isSuccess
                  ? 'Not found'
                  : ''
                : `${formatCount(Math.min(hitAt, hits.length - 1) + 1)} of ${formatCount(hits.length)}${hits.length === mostHits ? ' or more' : ''}`}
            </span>
            <Button size="compact-xs" variant="default" disabled={hits.length === 0} onClick={() => step(-1)}>
              Previous
            </Button>
            <Button size="compact-xs" variant="default" disabled={hits.length === 0} onClick={() => step(1)}>
              Next
            </Button>
          </>
        ) : (
          <span className="muted">{chunks === 0 ? 'not cut into chunks yet' : `${formatCount(chunks)} chunks`}</span>
        )}
        <span className="muted end">{Math.round(100 * share)}%</span>
      </div>
      {search.isError && <ErrorPanel error={search.error} />}
      <VirtualText
        box={box}
        rows={rows}
        piece={(index, height) => (
          <Piece
            id={id}
            from={starts[index] ?? 0}
            to={starts[index + 1] ?? length}
            blockFrom={starts[index - (index % BLOCK)] ?? 0}
            blockTo={starts[index - (index % BLOCK) + BLOCK] ?? length}
            last={index === starts.length - 1}
            height={height}
            marks={marks}
            cuts={cuts}
          />
        )}
      />
    </div>
  );
}

const Piece = memo(function Piece(props: {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly blockFrom: number;
  readonly blockTo: number;
  readonly last: boolean;
  /** What it takes until its text has come. */
  readonly height: number;
  readonly marks: readonly Mark[];
  readonly cuts: readonly Cut[];
}) {
  const { id, from, to, blockFrom, blockTo, last, height, marks, cuts } = props;
  const text = useApi('documents.text', { id, start: blockFrom, end: blockTo });
  if (text.isError) return <ErrorPanel error={text.error} retry={() => void text.refetch()} />;
  if (text.data === undefined) return <div style={{ height }} />;
  return (
    <div className="text">
      {stretches(text.data.text.slice(from - blockFrom, to - blockFrom), from, marks, cuts, last).map((stretch) => (
        <span key={stretch.start}>
          {stretch.cuts.map((label) => (
            <span key={label} className="chunk-cut">
              {label}
            </span>
          ))}
          {stretch.mark === null ? (
            stretch.text
          ) : (
            <mark className={`mark-${stretch.mark.kind}`} data-at={stretch.mark.start}>
              {stretch.text}
            </mark>
          )}
        </span>
      ))}
    </div>
  );
});
