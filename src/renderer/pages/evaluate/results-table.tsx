import { Button } from '@mantine/core';
import { useState } from 'react';
import type { EvaluationView } from '../../../shared/api/evaluations.ts';
import { headlineOf, setsOf } from '../../../shared/evaluation-figures.ts';
import type { EvaluatedSet } from '../../../shared/evaluation-figures.ts';
import { saveBlob } from '../../charts/save-picture.ts';
import { formatShare, Interval } from '../../components/figure.tsx';
import { formatNumber, formatTime } from '../../components/format.ts';
import { Headline } from '../compare/evaluations-table.tsx';
import { hrefOfEvaluations } from './address.ts';
import { isShare, partsOf, partValue } from './result-parts.ts';
import { SelfJudged } from './self-judged.tsx';

/** The newest figure of each model on each set, by length where there are several, with 95% intervals. */
export function ResultsTable({
  rows,
  nameOf,
}: {
  readonly rows: readonly EvaluationView[];
  readonly nameOf: (row: EvaluationView) => string;
}) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const sets = setsOf(rows);
  if (sets.length === 0) return null;
  const finished = rows.filter(({ status }) => status === 'finished');
  const byName = new Map(finished.map((row) => [nameOf(row), row]));
  // The base model stands first, since everything is read against it; the others as they were first measured.
  const names = [...byName.keys()].sort((a, b) => Number(b.startsWith('base')) - Number(a.startsWith('base')));
  const byId = new Map(rows.map((row) => [row.id, row]));
  const cellsOf = (set: EvaluatedSet): readonly (EvaluationView | undefined)[] =>
    names.map((name) => set.rows.flatMap(({ id }) => byId.get(id) ?? []).findLast((row) => nameOf(row) === name));
  return (
    <section aria-label="Results" style={{ flex: 'none' }}>
      <div className="row" style={{ marginBottom: 4 }}>
        <h2 style={{ margin: 0 }}>Results</h2>
        <span className="muted">newest figure of each, 95% interval; a click opens every answer</span>
        <Button
          size="compact-xs"
          variant="default"
          aria-label="Save CSV of the results"
          onClick={() => {
            const text = resultsCsv(
              sets.map((set) => ({ set, cells: cellsOf(set) })),
              names,
            );
            saveBlob('evaluations.csv', new Blob([text], { type: 'text/csv' }));
          }}
        >
          Save CSV
        </Button>
      </div>
      <div style={{ overflowX: 'auto' }}>
        <table className="data results" aria-label="Results">
          <thead>
            <tr>
              <th scope="col">Set</th>
              {names.map((name) => {
                const run = byName.get(name)?.run;
                return (
                  <th key={name} scope="col">
                    {name}
                    {run !== null && run !== undefined && (
                      <div className="muted ellipsis" style={{ maxWidth: 180 }} title={run.name}>
                        {run.objective}: {run.name}
                      </div>
                    )}
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {sets.map((set) => (
              <SetRows
                key={set.key}
                set={set}
                cells={cellsOf(set)}
                names={names}
                open={open.has(set.key)}
                onToggle={() => {
                  setOpen((before) => {
                    const next = new Set(before);
                    if (!next.delete(set.key)) next.add(set.key);
                    return next;
                  });
                }}
              />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function SetRows({
  set,
  cells,
  names,
  open,
  onToggle,
}: {
  readonly set: EvaluatedSet;
  readonly cells: readonly (EvaluationView | undefined)[];
  readonly names: readonly string[];
  readonly open: boolean;
  readonly onToggle: () => void;
}) {
  const info = headlineOf(set.kind);
  const present = cells.filter((row) => row !== undefined);
  const [base] = present;
  const parts = partsOf(present);
  const more = parts.filter(({ foremost }) => !foremost).length;
  const format = isShare(set.kind) ? formatShare : formatNumber;
  return (
    <>
      <tr>
        <td>
          {set.name}{' '}
          <span className="muted">
            {info?.label}, {info?.unit}
          </span>
          <div className="row" style={{ gap: 10 }}>
            {present.length > 1 && (
              <a
                href={hrefOfEvaluations(present.map(({ id }) => id))}
                aria-label={`Compare all ${present.length} on ${set.name}`}
              >
                Compare all {present.length}
              </a>
            )}
            {more > 0 && (
              <Button size="compact-xs" variant="subtle" color="gray" aria-expanded={open} onClick={onToggle}>
                {open ? 'Fewer figures' : `${more} more ${more === 1 ? 'figure' : 'figures'}`}
              </Button>
            )}
          </div>
        </td>
        {cells.map((row, i) => (
          <td key={names[i]} style={{ whiteSpace: 'nowrap' }}>
            {row === undefined ? (
              <span className="muted">not measured</span>
            ) : (
              <>
                <a
                  href={hrefOfEvaluations(base === undefined || row === base ? [row.id] : [base.id, row.id])}
                  title={`Every answer (${formatTime(row.createdAt)})`}
                >
                  <Headline row={row} />
                </a>{' '}
                <SelfJudged row={row} />
              </>
            )}
          </td>
        ))}
      </tr>
      {parts
        .filter(({ foremost }) => open || foremost)
        .map(({ name, label }) => (
          <tr key={name} className="part">
            <td className="muted">{label}</td>
            {cells.map((row, i) => {
              const value = row === undefined ? undefined : partValue(row, name);
              return (
                <td key={names[i]} style={{ whiteSpace: 'nowrap' }}>
                  {value === undefined ? '' : <Interval {...value} format={format} />}
                </td>
              );
            })}
          </tr>
        ))}
    </>
  );
}

const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Every figure with its interval, a line each, for a spreadsheet. */
function resultsCsv(
  sets: readonly { readonly set: EvaluatedSet; readonly cells: readonly (EvaluationView | undefined)[] }[],
  names: readonly string[],
): string {
  const lines = sets.flatMap(({ set, cells }) =>
    cells.flatMap((row, i) => {
      if (row === undefined) return [];
      const main = headlineOf(row.kind)?.figure ?? '';
      return ['', ...partsOf([row]).map(({ name }) => name)].flatMap((part) => {
        const value = partValue(row, part);
        if (value === undefined) return [];
        const judge = row.selfJudged === true ? 'self-judged' : (row.judge?.name ?? '');
        return [[quoted(set.name), set.kind, part === '' ? main : part, quoted(names[i] ?? ''), value.value, value.low, value.high, row.items, quoted(judge)].join(',')]; // prettier-ignore
      });
    }),
  );
  return `${['set,kind,figure,model,value,low,high,items,judge', ...lines].join('\n')}\n`;
}
