import '../documents/documents.css';
import { Button } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useMemo, useRef, useState } from 'react';
import type { ItemDocument } from '../../../shared/api/evaluations.ts';
import { pieceStarts } from '../../../shared/text-pieces.ts';
import { useApi } from '../../api/client.ts';
import { useCommands } from '../../commands/active-commands.ts';
import { useKeyLabel } from '../../commands/use-keymap.ts';
import { formatCount } from '../../components/format.ts';
import { ErrorPanel, Loading } from '../../components/states.tsx';
import { pieceAt, settleOn } from '../../components/text-place.ts';
import { VirtualText } from '../../components/virtual-text.tsx';
import { stretches } from '../documents/stretches.ts';
import type { Mark } from '../documents/stretches.ts';

const meaning: Readonly<Record<ItemDocument['found'], string>> = {
  placed: 'The task put it there.',
  words: "The expected answer's words stand there.",
  depth: 'The set names this depth; the words were not found.',
  none: 'Where the evidence stands is not known.',
};

/** The text that an item was asked about, with its evidence marked and in sight. Nothing for questions without a text. */
export function EvidencePanel({
  id,
  index,
  waiting,
}: {
  readonly id: number;
  readonly index: number;
  readonly waiting: boolean;
}) {
  const document = useApi('evaluations.document', { id, index }, { enabled: !waiting });
  if (waiting && document.data === undefined)
    return <div className="panel evidence muted">The text is read again once the running job has ended.</div>;
  if (document.isError)
    return (
      <div className="evidence">
        <ErrorPanel error={document.error} />
      </div>
    );
  if (document.data === undefined)
    return (
      <div className="panel evidence">
        <Loading />
      </div>
    );
  if (document.data.text === '') return <div className="panel evidence muted">This item is asked without a text.</div>;
  return <Evidence key={`${id} ${index}`} document={document.data} />;
}

function Evidence({ document: { text, evidence, found } }: { readonly document: ItemDocument }) {
  const [at, setAt] = useState(0);
  const labelOf = useKeyLabel();
  const place = evidence[at];
  const step = (): void => {
    setAt((before) => (before + 1) % Math.max(1, evidence.length));
  };
  useCommands({ 'evaluate.next_evidence': step });
  return (
    <section className="evidence" aria-label="Text with the evidence">
      <div className="row" style={{ flexWrap: 'nowrap', whiteSpace: 'nowrap' }}>
        <strong>Evidence</strong>
        {evidence.length > 0 && (
          <>
            <span className="muted">
              {evidence.length === 1 ? '' : `${formatCount(at + 1)} of ${formatCount(evidence.length)}, `}
              at {Math.round((100 * (place?.[0] ?? 0)) / text.length)}%
            </span>
            <Places length={text.length} evidence={evidence} />
          </>
        )}
        <span className="muted ellipsis" title={meaning[found]}>
          {meaning[found]}
        </span>
        {evidence.length > 1 && (
          <span className="end">
            <Button
              size="compact-xs"
              variant="default"
              rightSection={<span className="key">{labelOf('evaluate.next_evidence')}</span>}
              onClick={step}
            >
              Next place
            </Button>
          </span>
        )}
      </div>
      <LongText text={text} evidence={evidence} at={at} />
    </section>
  );
}

/** The text as a bar with the places of the evidence. */
function Places({ length, evidence }: { readonly length: number; readonly evidence: ItemDocument['evidence'] }) {
  return (
    <svg
      className="place"
      viewBox="0 0 1000 10"
      preserveAspectRatio="none"
      role="img"
      aria-label={`Places in ${formatCount(length)} characters`}
    >
      {evidence.map(([start, end]) => (
        <rect
          key={start}
          x={Math.min(990, (1000 * start) / length)}
          y="0"
          width={Math.max(10, (1000 * (end - start)) / length)}
          height="10"
        />
      ))}
    </svg>
  );
}

/** A text of any length: only the pieces in sight exist. */
function LongText({
  text,
  evidence,
  at,
}: {
  readonly text: string;
  readonly evidence: ItemDocument['evidence'];
  readonly at: number;
}) {
  const box = useRef<HTMLDivElement>(null);
  const starts = useMemo(() => pieceStarts(text), [text]);
  const marks = useMemo(
    () => evidence.map(([start, end], i): Mark => ({ start, end, kind: i === at ? 'place' : 'hit' })),
    [evidence, at],
  );
  const rows = useVirtualizer({
    count: starts.length,
    getScrollElement: () => box.current,
    estimateSize: (index) => Math.ceil(((starts[index + 1] ?? text.length) - (starts[index] ?? 0)) / 70) * 20,
    overscan: 2,
  });
  const place = evidence[at]?.[0];
  useEffect(() => {
    if (place === undefined) return;
    rows.scrollToIndex(pieceAt(starts, place), { align: 'start' });
    settleOn(box, place);
    // Only another place moves the text.
  }, [place]);
  return (
    <VirtualText
      box={box}
      rows={rows}
      style={{ minHeight: 0 }}
      piece={(index) => (
        <Piece text={text} from={starts[index] ?? 0} to={starts[index + 1] ?? text.length} marks={marks} />
      )}
    />
  );
}

const Piece = memo(function Piece({
  text,
  from,
  to,
  marks,
}: {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly marks: readonly Mark[];
}) {
  return (
    <div className="text">
      {stretches(text.slice(from, to), from, marks, [], to === text.length).map((stretch) =>
        stretch.mark === null ? (
          stretch.text
        ) : (
          <mark key={stretch.start} className={`mark-${stretch.mark.kind}`} data-at={stretch.mark.start}>
            {stretch.text}
          </mark>
        ),
      )}
    </div>
  );
});
