import { SegmentedControl } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { EvaluationView } from '../../../shared/api/evaluations.ts';
import { headlineOf } from '../../../shared/evaluation-figures.ts';
import type { EvaluationItem } from '../../../shared/evaluations.ts';
import { useAllRows } from '../../api/use-all-rows.ts';
import { DataTable } from '../../components/data-table.tsx';
import type { DataColumn } from '../../components/data-table.tsx';
import { formatCount, formatNumber } from '../../components/format.ts';
import { ErrorPanel, Loading } from '../../components/states.tsx';
import { changes, hasScore, sideBySide } from './flips.ts';
import type { AnsweredItem, Change } from './flips.ts';
import { sourceName } from './source-name.ts';

type Filter = 'all' | 'flipped' | Change;

/** Every item's answer, of one evaluation or of two side by side, with the items that flipped. */
export function Answers({ first, second }: { readonly first: EvaluationView; readonly second: EvaluationView | null }) {
  const a = useAllRows('evaluations.items', { id: first.id });
  const b = useAllRows('evaluations.items', { id: (second ?? first).id });
  const [filter, setFilter] = useState<Filter>('all');
  const [selected, select] = useState<number | null>(null);
  // Shares are right or wrong; an NLL or a KL is a number that is lower or higher.
  const judged = headlineOf(first.kind)?.unit === 'share';
  const rows = useMemo(() => sideBySide(a.rows, second === null ? [] : b.rows), [a.rows, b.rows, second]);
  const count = (change: Change): number => rows.filter((row) => row.change === change).length;
  const shown = rows.filter(
    ({ change }) =>
      filter === 'all' ||
      change === filter ||
      (filter === 'flipped' && (change === 'became right' || change === 'became wrong')),
  );
  const names = [sourceName(first), second === null ? '' : sourceName(second)] as const;
  const columns = useMemo(() => columnsFor(names[0], second === null ? null : names[1], judged), [...names, judged]);
  if (a.error !== null) return <ErrorPanel error={a.error} />;
  if (a.pending) return <Loading />;
  const at = rows.find(({ index }) => index === selected);
  return (
    <section aria-label="Answers of the set" style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: 8 }}>
      <div className="row">
        <h2 style={{ margin: 0 }}>
          {first.setName}: {names[0]}
          {second === null ? '' : ` and ${names[1]}`}
        </h2>
        {second !== null && judged && (
          <SegmentedControl
            size="xs"
            aria-label="Which items"
            value={filter}
            data={[
              { value: 'all', label: `all ${formatCount(rows.length)}` },
              { value: 'flipped', label: `flipped ${formatCount(count('became right') + count('became wrong'))}` },
              ...changes
                .filter((change) => change !== 'not comparable' || count(change) > 0)
                .map((change) => ({ value: change, label: `${change} ${formatCount(count(change))}` })),
            ]}
            onChange={(value) => {
              setFilter(value);
            }}
          />
        )}
      </div>
      <DataTable
        name={second === null ? 'answers' : 'answers-two'}
        label="Answers"
        rows={shown}
        columns={columns}
        rowId={(row) => row.index}
        selected={selected}
        onSelect={(row) => {
          select(row.index);
        }}
        filterHint="Search question and answers"
        height={360}
      />
      {at !== undefined && <Item item={at} names={names} judged={judged} />}
    </section>
  );
}

function columnsFor(first: string, second: string | null, judged: boolean): readonly DataColumn<AnsweredItem>[] {
  const answer = (side: 'first' | 'second', name: string): readonly DataColumn<AnsweredItem>[] => [
    { id: side, header: judged ? name : `${name}: text`, value: (row) => row[side]?.answer ?? null, width: 190 },
    {
      id: `${side}-score`,
      header: judged ? 'right' : 'value',
      value: (row) => row[side]?.score ?? null,
      cell: (row) => <Score item={row[side]} judged={judged} />,
      number: true,
      width: 64,
    },
  ];
  return [
    { id: 'index', header: 'Item', value: (row) => row.index + 1, number: true, width: 60 },
    { id: 'question', header: 'Question', value: (row) => row.question, width: 220 },
    { id: 'expected', header: 'Expected', value: (row) => row.expected, width: 160 },
    ...answer('first', first),
    ...(second === null ? [] : answer('second', second)),
    ...(second === null || !judged
      ? []
      : [
          {
            id: 'change',
            header: 'Change',
            value: (row: AnsweredItem) => row.change,
            cell: (row: AnsweredItem) => <ChangeWord change={row.change} />,
            width: 110,
          },
        ]),
  ];
}

function Score({ item, judged }: { readonly item: EvaluationItem | undefined; readonly judged: boolean }) {
  if (item === undefined) return null;
  if (!hasScore(item)) return <span className="muted">too long</span>;
  // Part of the outputs may have been named.
  if (!judged || (item.score > 0 && item.score < 1)) return formatNumber(item.score);
  return item.score === 1 ? <>yes</> : <span style={{ color: 'var(--rejected)' }}>no</span>;
}

function ChangeWord({ change }: { readonly change: Change }) {
  const color = { 'became right': 'var(--chosen)', 'became wrong': 'var(--rejected)' }[change as string];
  return color === undefined ? <span className="muted">{change}</span> : <strong style={{ color }}>{change}</strong>;
}

/** One item in full. */
function Item({
  item,
  names,
  judged,
}: {
  readonly item: AnsweredItem;
  readonly names: readonly [string, string];
  readonly judged: boolean;
}) {
  return (
    <div className="panel" role="region" aria-label={`Item ${item.index + 1}`}>
      <div className="text">
        <span className="muted">Question {item.index + 1}: </span>
        {item.question}
      </div>
      <div className="text">
        <span className="muted">Expected: </span>
        {item.expected}
      </div>
      <div
        style={{
          display: 'grid',
          gridTemplateColumns: `repeat(${item.second === undefined ? 1 : 2}, minmax(0, 1fr))`,
          gap: 12,
          marginTop: 8,
        }}
      >
        {[item.first, item.second].map(
          (answer, i) =>
            answer !== undefined && (
              <div key={names[i]} style={{ borderTop: '1px solid var(--line)', paddingTop: 6 }}>
                <strong>{names[i]}</strong> <Score item={answer} judged={judged} />
                <div className="text">{answer.answer}</div>
                <div className="muted mono">
                  {answer.detail === null
                    ? ''
                    : JSON.stringify(answer.detail).replaceAll(/[{}"]/g, '').replaceAll(',', ', ')}
                </div>
              </div>
            ),
        )}
      </div>
    </div>
  );
}
