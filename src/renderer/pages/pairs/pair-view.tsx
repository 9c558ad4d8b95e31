import { memo, useMemo } from 'react';
import type { CSSProperties } from 'react';
import type { ShownVerdict } from '../../../shared/audit/answer-order.ts';
import type { AuditPair } from '../../../shared/audit/review.ts';
import { formatCount, formatTime } from '../../components/format.ts';
import { ChunkPanel } from './chunk-panel.tsx';
import { MarkedText } from './marked-text.tsx';
import type { Marking } from './marked-pieces.ts';
import { preparedPair } from './prepared-pair.ts';

/** What is marked in the texts. */
export interface Marked {
  readonly differences: boolean;
  readonly evidence: boolean;
}

export const verdictNames: Readonly<Record<ShownVerdict, string>> = {
  first_better: 'A is better',
  second_better: 'B is better',
  both_good: 'both are good',
  both_bad: 'both are bad',
  broken_instruction: 'the instruction is broken',
  skipped: 'skipped',
};

/** One pair: instruction, both answers side by side, the chunk. Without an order nothing here says which is which. */
export const PairView = memo(function PairView({
  pair,
  marked,
  onSelect,
}: {
  readonly pair: AuditPair;
  readonly marked: Marked;
  /** Goes to another turn of the sample. */
  readonly onSelect: (id: number) => void;
}) {
  const side = (i: 0 | 1): string => pair.order?.[i] ?? (i === 0 ? 'side-a' : 'side-b');
  // The colours of A and B: those of chosen and rejected only where it is known which is which.
  const colours = { '--a': `var(--${side(0)})`, '--b': `var(--${side(1)})` };
  const grounds = { '--a-bg': `var(--${side(0)}-bg)`, '--b-bg': `var(--${side(1)}-bg)` };
  return (
    <div
      className="pair-view"
      style={{ ...colours, ...grounds } as CSSProperties}
      aria-label={`Pair #${pair.id}`}
      role="region"
    >
      <Instruction pair={pair} onSelect={onSelect} />
      <div className="answers">
        <Answer pair={pair} side={0} marked={marked} />
        <Answer pair={pair} side={1} marked={marked} />
      </div>
      <ChunkPanel pair={pair} evidence={marked.evidence} />
    </div>
  );
});

function Answer({ pair, side, marked }: { readonly pair: AuditPair; readonly side: 0 | 1; readonly marked: Marked }) {
  const name = side === 0 ? 'A' : 'B';
  const markings = useMemo((): Marking[] => {
    const prepared = preparedPair(pair);
    return [
      ...(marked.differences ? [{ name: `diff-${side}`, spans: prepared.differences[side] }] : []),
      ...(marked.evidence ? [{ name: `evidence-${side}`, spans: prepared.supported[side] }] : []),
    ];
  }, [pair, side, marked]);
  const generated = pair.generated?.answers[side];
  return (
    <section className="panel" tabIndex={0} aria-label={`Answer ${name}`}>
      <h2 style={{ color: `var(--${side === 0 ? 'a' : 'b'})` }}>
        {name}
        {pair.order !== null && ` (${pair.order[side]})`}
      </h2>
      <MarkedText text={pair.answers[side]} markings={markings} />
      {generated !== undefined && generated !== pair.answers[side] && <AsGenerated text={generated} />}
    </section>
  );
}

function AsGenerated({ text }: { readonly text: string }) {
  return (
    <details className="muted">
      <summary>Edited; as it was generated</summary>
      <div className="text">{text}</div>
    </details>
  );
}

function Instruction({ pair, onSelect }: { readonly pair: AuditPair; readonly onSelect: (id: number) => void }) {
  const { document, generated, question } = pair;
  return (
    <section className="panel instruction" tabIndex={0} aria-label="Instruction">
      <div className="row muted">
        <span className="ellipsis">
          Instruction, {document.title}, pair #{pair.id}
        </span>
        <span className="end">
          {document.type}, {formatCount(document.characters)} characters
        </span>
      </div>
      {pair.turns > 1 && <Turns pair={pair} onSelect={onSelect} />}
      <div className="text" style={{ fontWeight: 500 }}>
        {question}
      </div>
      {generated !== null && generated.question !== question && <AsGenerated text={generated.question} />}
      {pair.flags.length > 0 && <div style={{ color: 'var(--warn)' }}>flags: {pair.flags.join(', ')}</div>}
      {pair.own !== null && <div className="muted">Your verdict: {verdictNames[pair.own]}.</div>}
      {pair.others.map(({ reviewer, verdict }) => (
        <div key={reviewer} className="muted">
          {reviewer}: {verdict.replaceAll('_', ' ')}.
        </div>
      ))}
      {pair.comments.map(({ reviewer, comment, createdAt }) => (
        <div key={`${createdAt} ${reviewer}`} className="text">
          <span className="muted">
            {reviewer}, {formatTime(createdAt)}:
          </span>{' '}
          {comment}
        </div>
      ))}
    </section>
  );
}

/** The turns of the conversation, this one in its place; each is a pair of its own. */
function Turns({ pair, onSelect }: { readonly pair: AuditPair; readonly onSelect: (id: number) => void }) {
  return (
    <ol className="turns" aria-label="Turns">
      {pair.sample.map(({ id, turn, question }) => (
        <li key={id}>
          {id === pair.id ? (
            <span aria-current="step" className="here">
              Turn {turn + 1} of {pair.turns}
            </span>
          ) : (
            <button
              type="button"
              title={question}
              onClick={() => {
                onSelect(id);
              }}
            >
              {turn + 1}. {question}
            </button>
          )}
        </li>
      ))}
    </ol>
  );
}
