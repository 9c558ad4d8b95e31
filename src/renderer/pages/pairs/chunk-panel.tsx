import { memo, useEffect, useMemo, useRef } from 'react';
import type { AuditPair } from '../../../shared/audit/review.ts';
import { hrefOfPlace } from '../../app/router.ts';
import { useCommands } from '../../commands/active-commands.ts';
import { useKeyLabel } from '../../commands/use-keymap.ts';
import { formatCount } from '../../components/format.ts';
import { MarkedText } from './marked-text.tsx';
import type { Marking } from './marked-pieces.ts';
import { preparedPair } from './prepared-pair.ts';

/** The chunk with what supports each answer, and where it stands in the document. */
export const ChunkPanel = memo(function ChunkPanel({
  pair,
  evidence,
}: {
  readonly pair: AuditPair;
  readonly evidence: boolean;
}) {
  const { chunk, document } = pair;
  const box = useRef<HTMLDivElement>(null);
  const at = useRef(-1);
  const labelOf = useKeyLabel();
  const toReader = hrefOfPlace(document.id, chunk.start, chunk.end);
  const prepared = preparedPair(pair);
  const markings = useMemo(
    (): Marking[] =>
      evidence
        ? [
            { name: 'evidence-0', spans: prepared.evidence[0] },
            { name: 'evidence-1', spans: prepared.evidence[1] },
          ]
        : [],
    [prepared, evidence],
  );
  const showMark = (index: number): void => {
    const marks = box.current?.querySelectorAll('mark');
    if (marks === undefined || marks.length === 0) return;
    at.current = index % marks.length;
    const mark = marks[at.current];
    if (mark === undefined || box.current === null) return;
    box.current.scrollTop = mark.offsetTop - box.current.offsetTop - 40;
    for (const other of marks) other.classList.toggle('at', other === mark);
  };
  useEffect(() => {
    at.current = -1;
    if (box.current === null) return;
    // The first evidence is in sight from the start.
    const mark = box.current.querySelector('mark');
    box.current.scrollTop = mark === null ? 0 : mark.offsetTop - box.current.offsetTop - 40;
  }, [pair.id]);
  useCommands({
    'pairs.next_evidence': () => {
      showMark(at.current + 1);
    },
    'pairs.reader': () => {
      location.hash = toReader;
    },
  });
  const found = prepared.evidence.map((spans) => spans.length);
  return (
    <section className="panel chunk" aria-label="Chunk">
      <div className="row muted">
        <span>
          Chunk {chunk.index + 1} of {formatCount(chunk.count)}
        </span>
        <PlaceBar pair={pair} />
        <a href={toReader}>
          Open in the reader <span className="key">{labelOf('pairs.reader')}</span>
        </a>
      </div>
      {evidence && (
        <div className="row muted legend">
          <span>Evidence:</span>
          <span>
            <mark className="evidence-0">A</mark> {found[0]}
          </span>
          <span>
            <mark className="evidence-1">B</mark> {found[1]}
          </span>
          <span>
            <mark className="evidence-0 evidence-1">A and B</mark>
          </span>
          <span className="end">
            next <span className="key">{labelOf('pairs.next_evidence')}</span>
          </span>
        </div>
      )}
      <div ref={box} className="chunk-text" tabIndex={0} role="group" aria-label="Text of the chunk">
        <MarkedText text={chunk.text} markings={markings} />
      </div>
    </section>
  );
});

/** The document as a bar with the chunk drawn in. */
function PlaceBar({ pair }: { readonly pair: AuditPair }) {
  const { start, end } = pair.chunk.place;
  const percent = (share: number): string => `${Math.round(100 * share)}%`;
  return (
    <>
      <svg
        className="place"
        role="img"
        aria-label={`Place in the document: ${percent(start)} to ${percent(end)}`}
        viewBox="0 0 1000 10"
        preserveAspectRatio="none"
      >
        {/* A short chunk of a long document must still be seen. */}
        <rect x={Math.min(994, 1000 * start)} y="0" width={Math.max(6, 1000 * (end - start))} height="10" />
      </svg>
      <span>
        {percent(start)} to {percent(end)}
        {pair.document.excerpt ? ' (only this part is here)' : ''}
      </span>
    </>
  );
}
