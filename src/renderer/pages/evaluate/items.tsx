import { Button, SegmentedControl, Select } from '@mantine/core';
import { useMemo, useRef, useState } from 'react';
import type { EvaluationView } from '../../../shared/api/evaluations.ts';
import { headlineOf } from '../../../shared/evaluation-figures.ts';
import { useCommands } from '../../commands/active-commands.ts';
import { useKeyLabel } from '../../commands/use-keymap.ts';
import { DataTable } from '../../components/data-table.tsx';
import type { DataColumn, DataTableHandle } from '../../components/data-table.tsx';
import { formatCount } from '../../components/format.ts';
import { ErrorPanel, Loading } from '../../components/states.tsx';
import { passes, sideBySide } from './flips.ts';
import type { AnsweredItem, ItemFilter } from './flips.ts';
import { ItemView } from './item-view.tsx';
import { ChangeMark, Score } from './score.tsx';
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
        <ItemView item={at} names={names} evaluations={evaluations} busy={busy} />
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
        width: (i === 0 ? 52 : 78) + (judged ? 0 : 24),
      },
    ]),
  ];
}
