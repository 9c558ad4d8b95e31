import { TextInput } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useMemo, useRef, useState } from 'react';
import { useApi } from '../../api/client.ts';
import { formatCount } from '../../components/format.ts';
import { Loading } from '../../components/states.tsx';

/** Characters of one piece of the text that is laid out at once. */
const PIECE = 2000;
/** Characters that are asked for at once: whoever scrolls on finds the next pieces there. */
const BLOCK = 10 * PIECE;

/** A document's text in pieces, only those on the screen, with chunk boundaries as thin rules and a search. */
export function Reader({ id, length }: { readonly id: number; readonly length: number }) {
  const box = useRef<HTMLDivElement>(null);
  const [query, setQuery] = useState('');
  const chunks = useApi('documents.chunks', { id });
  const hits = useApi('documents.search', { id, query }, { enabled: query.length > 1, keep: true });
  const count = Math.ceil(length / PIECE);
  const rows = useVirtualizer({ count, getScrollElement: () => box.current, estimateSize: () => 420, overscan: 3 });
  const latest = chunks.data?.[0]?.chunkingId;
  const starts = useMemo(
    () =>
      (chunks.data ?? [])
        .filter((chunk) => chunk.chunkingId === latest)
        .map(({ start, tokens }) => ({ start, tokens })),
    [chunks.data, latest],
  );
  return (
    <div style={{ display: 'flex', flexDirection: 'column', minHeight: 0, flex: 1 }}>
      <div style={{ display: 'flex', gap: 8, alignItems: 'center', marginBottom: 6 }}>
        <TextInput
          placeholder="Find in this document"
          aria-label="Find in this document"
          value={query}
          onChange={(event) => {
            setQuery(event.currentTarget.value);
          }}
          size="xs"
          w={260}
        />
        <span className="muted">
          {query.length > 1 && hits.data !== undefined
            ? `${formatCount(hits.data.length)} places`
            : `${formatCount(length)} characters, ${formatCount(starts.length)} chunks`}
        </span>
      </div>
      {query.length > 1 && (
        <div style={{ maxHeight: 120, overflow: 'auto', marginBottom: 6 }}>
          {(hits.data ?? []).slice(0, 100).map((hit) => (
            <button
              key={hit.start}
              type="button"
              className="nav mono"
              style={{ background: 'none', width: '100%', cursor: 'pointer', textAlign: 'left' }}
              onClick={() => {
                rows.scrollToIndex(Math.floor(hit.start / PIECE), { align: 'start' });
              }}
            >
              {hit.excerpt}
            </button>
          ))}
        </div>
      )}
      <div
        ref={box}
        className="panel"
        style={{ flex: 1, minHeight: 240, overflow: 'auto' }}
        tabIndex={0}
        aria-label="Text"
      >
        <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {rows.getVirtualItems().map((row) => (
            <div
              key={row.key}
              ref={rows.measureElement}
              data-index={row.index}
              style={{ position: 'absolute', top: 0, left: 0, right: 0, transform: `translateY(${row.start}px)` }}
            >
              <Piece id={id} from={row.index * PIECE} to={Math.min(length, (row.index + 1) * PIECE)} starts={starts} />
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

const Piece = memo(function Piece({
  id,
  from,
  to,
  starts,
}: {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly starts: readonly { start: number; tokens: number }[];
}) {
  const block = Math.floor(from / BLOCK) * BLOCK;
  const text = useApi('documents.text', { id, start: block, end: block + BLOCK });
  if (text.data === undefined) return <div style={{ height: 420 }}>{text.isPending && <Loading lines={3} />}</div>;
  const cuts = starts.filter(({ start }) => start >= from && start < to);
  const edges = [from, ...cuts.map(({ start }) => start).filter((start) => start > from), to];
  return (
    <div className="text">
      {edges.slice(0, -1).map((start, i) => {
        const cut = cuts.find((candidate) => candidate.start === start);
        return (
          <span key={start}>
            {cut !== undefined && (
              <span
                style={{ display: 'block', borderTop: '1px solid var(--short)', margin: '6px 0', textAlign: 'right' }}
                className="muted"
              >
                chunk, {formatCount(cut.tokens)} tokens
              </span>
            )}
            {text.data.text.slice(start - block, (edges[i + 1] ?? to) - block)}
          </span>
        );
      })}
    </div>
  );
});
