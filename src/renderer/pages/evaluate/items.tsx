import { Button, SegmentedControl, Select } from '@mantine/core';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { EvaluationView } from '../../../shared/api/evaluations.ts';
import { headlineOf } from '../../../shared/evaluation-figures.ts';
import { hasScore } from '../../../shared/evaluations.ts';
import type { EvaluationItem } from '../../../shared/evaluations.ts';
import { useCommands } from '../../commands/active-commands.ts';
import { useKeyLabel } from '../../commands/use-keymap.ts';
import { DataTable } from '../../components/data-table.tsx';
import type { DataColumn, DataTableHandle } from '../../components/data-table.tsx';
import { formatCount, formatNumber } from '../../components/format.ts';
import { ErrorPanel, Loading } from '../../components/states.tsx';
import { EvidencePanel } from './evidence-panel.tsx';
import { passes, sideBySide } from './flips.ts';
import type { AnsweredItem, Change, ItemFilter } from './flips.ts';
import { useItems } from './use-items.ts';

/** Every item as each model answered it, those that flipped, and the text with its evidence. */
export function Items({
  evaluations,
  names,
  filter,
  arm,
  busy,
  onFilter,
}: {
  readonly evaluations: readonly EvaluationView[];
  readonly names: readonly string[];
  readonly filter: ItemFilter;
  /** The model whose wins and losses count; null = any. */
  readonly arm: number | null;
  readonly busy: boolean;
  readonly onFilter: (filter: ItemFilter, arm: number | null) => void;
}) {
  const { items, pending, error } = useItems(evaluations.map(({ id }) => id));
  const [selected, select] = useState<number | null>(null);
  const table = useRef<DataTableHandle>(null);
  const labelOf = useKeyLabel();
  const kind = evaluations[0]?.kind ?? '';
  const info = headlineOf(kind);
  const judged = info?.unit === 'share';
  const several = evaluations.length > 1;
  const rows = useMemo(() => sideBySide(items, info?.better), [items, info?.better]);
  const shown = useMemo(() => rows.filter((row) => passes(row, filter, arm)), [rows, filter, arm]);
  const counts = useMemo(() => {
    const count = (wanted: ItemFilter): number => rows.filter((row) => passes(row, wanted, arm)).length;
    return { all: rows.length, flipped: count('flipped'), won: count('won'), lost: count('lost') };
  }, [rows, arm]);
  const key = names.join('\n');
  const columns = useMemo(() => columnsFor(names, judged), [key, judged]);
  const step = (by: number): void => {
    table.current?.step(by);
  };
  useCommands({
    'evaluate.next': () => {
      step(1);
    },
    'evaluate.previous': () => {
      step(-1);
    },
    ...(several
      ? {
          'evaluate.flipped': () => {
            onFilter(filter === 'flipped' ? 'all' : 'flipped', arm);
          },
        }
      : {}),
  });
  if (error !== null) return <ErrorPanel error={error} />;
  if (pending) return <Loading />;
  const at = shown.find(({ index }) => index === selected) ?? rows.find(({ index }) => index === selected);
  return (
    <section aria-label="Answers of the set" style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: 8 }}>
      {several && (
        <div className="row">
          <SegmentedControl
            size="xs"
            aria-label="Which items"
            value={filter}
            data={(['all', 'flipped', 'won', 'lost'] as const).map((value) => ({
              value,
              label: `${value} ${formatCount(counts[value])}`,
            }))}
            onChange={(value) => {
              onFilter(value, arm);
            }}
          />
          {evaluations.length > 2 && (
            <Select
              size="xs"
              aria-label="By which model"
              data={[
                { value: '', label: 'by any model' },
                ...names.slice(1).map((name, i) => ({ value: String(i + 1), label: `by ${name}` })),
              ]}
              value={arm === null ? '' : String(arm)}
              allowDeselect={false}
              onChange={(value) => {
                onFilter(filter, value === null || value === '' ? null : Number(value));
              }}
            />
          )}
          <span className="muted">against {names[0]}</span>
          <span className="end row">
            <Button
              size="compact-xs"
              variant="default"
              disabled={shown.length === 0}
              rightSection={<span className="key">{labelOf('evaluate.previous')}</span>}
              onClick={() => step(-1)}
            >
              Previous
            </Button>
            <Button
              size="compact-xs"
              variant="default"
              disabled={shown.length === 0}
              rightSection={<span className="key">{labelOf('evaluate.next')}</span>}
              onClick={() => step(1)}
            >
              Next
            </Button>
          </span>
        </div>
      )}
      <DataTable
        name={`answers-${Math.min(evaluations.length, 3)}`}
        label="Answers"
        rows={shown}
        columns={columns}
        rowId={(row) => row.index}
        selected={selected}
        onSelect={(row) => {
          select(row.index);
        }}
        filterHint="Search question and answers"
        height={300}
        handle={table}
      />
      {at === undefined ? (
        <span className="muted">
          Choose an item, or press {labelOf('evaluate.next')}, to read its answers and the text that it was asked about.
        </span>
      ) : (
        <Item item={at} names={names} judged={judged} kind={kind} id={evaluations[0]?.id ?? 0} busy={busy} />
      )}
    </section>
  );
}

function columnsFor(names: readonly string[], judged: boolean): readonly DataColumn<AnsweredItem>[] {
  const [answerWidth, questionWidth, expectedWidth] = names.length > 2 ? [96, 140, 110] : [180, 220, 140];
  return [
    { id: 'index', header: 'Item', value: (row) => row.index + 1, number: true, width: 54 },
    { id: 'question', header: 'Question', value: (row) => row.question, width: questionWidth },
    { id: 'expected', header: 'Expected', value: (row) => row.expected, width: expectedWidth },
    ...names.flatMap((name, i): readonly DataColumn<AnsweredItem>[] => [
      {
        id: `answer-${i}`,
        header: judged ? name : `${name}: text`,
        value: (row) => row.answers[i]?.answer ?? null,
        width: answerWidth,
      },
      {
        id: `score-${i}`,
        header: judged ? 'right' : 'value',
        value: (row) => row.answers[i]?.score ?? null,
        cell: (row) => (
          <>
            <Score item={row.answers[i]} judged={judged} /> {i > 0 && <ChangeMark change={row.changes[i] ?? 'same'} />}
          </>
        ),
        number: true,
        width: i === 0 ? 52 : 78,
      },
    ]),
  ];
}

function Score({ item, judged }: { readonly item: EvaluationItem | undefined; readonly judged: boolean }) {
  if (item === undefined) return null;
  if (!hasScore(item)) {
    const unrated = typeof item.detail === 'object' && item.detail !== null && 'rating' in item.detail;
    return <span className="muted">{unrated ? 'not rated' : 'too long'}</span>;
  }
  // Part of the outputs may have been named.
  if (!judged || (item.score > 0 && item.score < 1)) return formatNumber(item.score);
  return item.score === 1 ? <>yes</> : <span style={{ color: 'var(--rejected)' }}>no</span>;
}

function ChangeMark({ change }: { readonly change: Change }) {
  return change === 'won' || change === 'lost' ? <span className={change}>{change}</span> : null;
}

/** One item in full: question, what was expected, each answer, and the text with the evidence in sight. */
function Item({
  item: { index, question, expected, answers, changes },
  names,
  judged,
  kind,
  id,
  busy,
}: {
  readonly item: AnsweredItem;
  readonly names: readonly string[];
  readonly judged: boolean;
  readonly kind: string;
  /** The evaluation whose set it is of. */
  readonly id: number;
  readonly busy: boolean;
}) {
  const view = useRef<HTMLDivElement>(null);
  // Who goes from item to item by a key shall not have to scroll.
  useEffect(() => {
    view.current?.scrollIntoView({ block: 'nearest' });
  }, [index]);
  const alone = kind === 'multiple_choice' || kind === 'kl' || kind === 'judged';
  return (
    <div ref={view} className={alone ? 'item-view alone' : 'item-view'} role="region" aria-label={`Item ${index + 1}`}>
      <div className="question">
        <div className="text">
          <span className="muted">Question {index + 1}: </span>
          {question}
        </div>
        <div className="text">
          <span className="muted">Expected: </span>
          {expected}
        </div>
        <div className="answers-grid">
          {answers.map((answer, i) => (
            <div key={names[i]}>
              <strong>{names[i]}</strong> <Score item={answer} judged={judged} />{' '}
              {i > 0 && <ChangeMark change={changes[i] ?? 'same'} />}
              {answer === undefined ? (
                <div className="muted">not answered</div>
              ) : (
                <>
                  <div className="text">{answer.answer}</div>
                  <div className="muted mono">{detailText(answer.detail)}</div>
                </>
              )}
            </div>
          ))}
        </div>
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
