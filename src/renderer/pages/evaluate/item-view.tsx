import { useEffect, useRef } from 'react';
import type { EvaluationView } from '../../../shared/api/evaluations.ts';
import { headlineOf } from '../../../shared/evaluation-figures.ts';
import type { EvaluationItem } from '../../../shared/evaluations.ts';
import { useApi } from '../../api/client.ts';
import { ErrorPanel, Loading } from '../../components/states.tsx';
import { ChoicesTable } from './choices-table.tsx';
import { EvidencePanel } from './evidence-panel.tsx';
import type { AnsweredItem } from './flips.ts';
import { JudgedAnswer } from './judged-answer.tsx';
import { PairFigures, PairTexts } from './pair-panel.tsx';
import { ChangeMark, Score } from './score.tsx';

/** Kinds whose items have no text to look for evidence in; judged questions may have one. */
const withoutText: readonly string[] = ['multiple_choice', 'kl', 'judged'];

/** One item in full: what was asked, what was expected, each answer, and what the kind has to show of it. */
export function ItemView({
  item: { index, question, expected, answers, changes },
  names,
  evaluations,
  busy,
}: {
  readonly item: AnsweredItem;
  /** Of the models, in the order of the evaluations. */
  readonly names: readonly string[];
  readonly evaluations: readonly EvaluationView[];
  /** The engine works on something else. */
  readonly busy: boolean;
}) {
  const view = useRef<HTMLDivElement>(null);
  const [first] = evaluations;
  const { kind = '', id = 0 } = first ?? {};
  const ownPanel = withoutText.includes(kind);
  // The pairs of an item are in the workspace: no engine is needed to show them.
  const waiting = busy && kind !== 'kl';
  const document = useApi('evaluations.document', { id, index }, { enabled: ownPanel && !waiting });
  const come = document.data !== undefined;
  // Who goes from item to item by a key shall not have to scroll, also to what came later.
  useEffect(() => {
    view.current?.scrollIntoView({ block: 'nearest' });
  }, [index, come]);
  const alone = ownPanel && (kind !== 'judged' || (document.data?.text ?? '') === '');
  const judged = headlineOf(kind)?.unit === 'share';
  return (
    <div ref={view} className={alone ? 'item-view alone' : 'item-view'} role="region" aria-label={`Item ${index + 1}`}>
      <div className="question">
        <div className="text">
          <span className="muted">
            {kind === 'kl' ? 'Example' : 'Question'} {index + 1}:{' '}
          </span>
          {question}
        </div>
        {expected !== '' && (
          <div className="text">
            <span className="muted">{kind === 'judged' ? 'Reference: ' : 'Expected: '}</span>
            {expected}
          </div>
        )}
        {ownPanel && document.isError && <ErrorPanel error={document.error} />}
        {kind === 'multiple_choice' ? (
          <ChoicesTable
            waiting={waiting}
            choices={document.data?.choices ?? null}
            answers={answers}
            names={names}
            changes={changes}
          />
        ) : kind === 'kl' ? (
          <>
            {document.data !== undefined && <PairTexts pairs={document.data.pairs ?? []} />}
            {document.isPending && <Loading />}
            <PairFigures answers={answers} names={names} changes={changes} />
          </>
        ) : (
          <div className="answers-grid">
            {answers.map((answer, i) => (
              <div key={names[i]}>
                <strong>{names[i]}</strong> {kind !== 'judged' && <Score item={answer} judged={judged} />}{' '}
                {i > 0 && <ChangeMark change={changes[i] ?? 'same'} />}
                {answer === undefined ? (
                  <div className="muted">not answered</div>
                ) : kind === 'judged' ? (
                  <JudgedAnswer item={answer} judge={evaluations[i]?.judge?.name ?? 'the judge'} />
                ) : (
                  <>
                    <div className="text">{answer.answer}</div>
                    <div className="muted mono">{detailText(answer.detail)}</div>
                  </>
                )}
              </div>
            ))}
          </div>
        )}
      </div>
      {!alone && <EvidencePanel id={id} index={index} waiting={busy} />}
    </div>
  );
}

/** What the kind of task notes of an item, but for the places that are marked in the text. */
function detailText(detail: EvaluationItem['detail']): string {
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return '';
  return Object.entries(detail)
    .filter(([name, value]) => !['evidence', 'inputLength'].includes(name) && value !== null)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}
