import { Button, MultiSelect } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { EvaluationView } from '../../../shared/api/evaluations.ts';
import { isAlive } from '../../../shared/api/jobs.ts';
import { headlineOf } from '../../../shared/evaluation-figures.ts';
import type { Estimate } from '../../../shared/evaluation-tasks.ts';
import { useApi } from '../../api/client.ts';
import { signed } from '../../components/difference.tsx';
import { formatShare, Interval } from '../../components/figure.tsx';
import { formatCount, formatNumber, formatTime } from '../../components/format.ts';
import { ErrorPanel } from '../../components/states.tsx';
import { Headline } from '../compare/evaluations-table.tsx';
import { hrefOfEvaluations, mostCompared } from './address.ts';
import type { ItemFilter } from './flips.ts';
import { heatGrid } from './heat-grid.ts';
import { HeatMap } from './heat-map.tsx';
import { Items } from './items.tsx';
import { SelfJudged } from './self-judged.tsx';

/** Evaluations of one set side by side: figures, paired differences to the first, heat maps, every item. */
export function Comparison({
  chosen,
  others,
  nameOf,
}: {
  readonly chosen: readonly EvaluationView[];
  /** Finished evaluations of the same set that could be put beside them. */
  readonly others: readonly EvaluationView[];
  readonly nameOf: (row: EvaluationView) => string;
}) {
  const [filter, setFilter] = useState<{ readonly what: ItemFilter; readonly arm: number | null }>({
    ...{ what: 'all', arm: null },
  });
  const section = useRef<HTMLElement>(null);
  const jobs = useApi('jobs.list', {});
  const busy = jobs.data?.some(isAlive) ?? true;
  const ids = chosen.map(({ id }) => id);
  const comparison = useApi('evaluations.compare', { ids }, { enabled: !busy && ids.length > 1 });
  // What was asked for in the table below would appear out of sight.
  const key = ids.join();
  useEffect(() => {
    section.current?.scrollIntoView({ block: 'nearest' });
  }, [key]);
  const [first] = chosen;
  if (first === undefined) return null;
  const info = headlineOf(first.kind);
  const format = info?.unit === 'share' ? formatShare : formatNumber;
  const go = (next: readonly number[]): void => {
    setFilter({ what: 'all', arm: null });
    location.hash = hrefOfEvaluations(next);
  };
  const grids = chosen.flatMap((row) => {
    const grid = heatGrid(row.summary);
    return grid === null ? [] : [{ row, grid }];
  });
  return (
    <section
      ref={section}
      className="panel"
      aria-label="Comparison"
      style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: 10 }}
    >
      <div className="row">
        <h2 style={{ margin: 0 }}>{first.setName}</h2>
        <span className="muted">
          {info?.label}, {info?.unit}, {info?.better} is better
        </span>
        <Button
          className="end"
          size="compact-xs"
          variant="default"
          onClick={() => {
            go([]);
          }}
        >
          Close
        </Button>
      </div>
      <MultiSelect
        size="xs"
        label="Evaluations of this set"
        description="The first one is the baseline"
        inputWrapperOrder={['label', 'input', 'description']}
        data={[...chosen, ...others].map((row) => ({ value: String(row.id), label: labelOf(row, nameOf(row)) }))}
        value={ids.map(String)}
        maxValues={mostCompared}
        searchable
        hidePickedOptions
        onChange={(values) => {
          go(values.map(Number));
        }}
      />
      {chosen.length > 1 && (
        <div style={{ overflowX: 'auto' }}>
          <table className="data" aria-label="Paired differences">
            <thead>
              <tr>
                <th scope="col">Model</th>
                <th scope="col">Figure [95% interval]</th>
                <th scope="col">Difference to {nameOf(first)} [95%, paired]</th>
                <th scope="col">Items</th>
                <th scope="col">Baseline</th>
              </tr>
            </thead>
            <tbody>
              {chosen.map((row, i) => {
                const compared = comparison.data?.rows[i];
                return (
                  <tr key={row.id}>
                    <td>
                      {nameOf(row)} <SelfJudged row={row} />
                      {row.run !== null && (
                        <div className="muted">
                          {row.run.objective}: {row.run.name}
                        </div>
                      )}
                    </td>
                    <td>
                      {compared === undefined ? (
                        <Headline row={row} />
                      ) : (
                        <Interval {...compared.mean} format={format} />
                      )}
                    </td>
                    <td>
                      {i === 0 ? (
                        <span className="muted">baseline</span>
                      ) : compared?.difference === undefined || compared.difference === null ? (
                        <span className="muted">
                          {comparison.isError ? '' : busy ? 'once the running job has ended' : 'comparing'}
                        </span>
                      ) : (
                        <PairedDifference estimate={compared.difference} share={info?.unit === 'share'} />
                      )}
                    </td>
                    <td>
                      {i > 0 && compared !== undefined && (
                        <span className="row">
                          {(['won', 'lost'] as const).map((what) => {
                            const number = (what === 'won' ? compared.better : compared.worse).length;
                            const on = filter.what === what && filter.arm === i;
                            return (
                              <Button
                                key={what}
                                size="compact-xs"
                                variant={on ? 'filled' : 'default'}
                                aria-pressed={on}
                                aria-label={`${formatCount(number)} ${what} by ${nameOf(row)}`}
                                onClick={() => {
                                  setFilter(on ? { what: 'all', arm: null } : { what, arm: i });
                                }}
                              >
                                {formatCount(number)} {what}
                              </Button>
                            );
                          })}
                        </span>
                      )}
                    </td>
                    <td>
                      {i > 0 && (
                        <Button
                          size="compact-xs"
                          variant="subtle"
                          color="gray"
                          aria-label={`Make baseline: ${nameOf(row)}`}
                          onClick={() => {
                            go([row.id, ...ids.filter((id) => id !== row.id)]);
                          }}
                        >
                          Make baseline
                        </Button>
                      )}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
          {comparison.data !== undefined && (
            <div className="muted" style={{ marginTop: 4 }}>
              Over {formatCount(comparison.data.items.length)} items that all of them answered.
            </div>
          )}
          {comparison.isError && <ErrorPanel error={comparison.error} />}
        </div>
      )}
      {grids.length > 0 && (
        <div style={{ display: 'flex', flexWrap: 'wrap', gap: '12px 24px', minWidth: 0 }}>
          {grids.map(({ row, grid }) => (
            <HeatMap key={row.id} title={`${row.setName} on ${nameOf(row)}`} grid={grid} narrow={grids.length > 1} />
          ))}
        </div>
      )}
      <Items
        key={key}
        evaluations={chosen}
        names={chosen.map(nameOf)}
        filter={filter.what}
        arm={filter.arm}
        busy={busy}
        onFilter={(what, arm) => {
          setFilter({ what, arm });
        }}
      />
    </section>
  );
}

const labelOf = (row: EvaluationView, name: string): string => `${name}, ${formatTime(row.createdAt)}`;

/** Points of a share are told as percent; a word says whether the difference can be chance. */
function PairedDifference({
  estimate: { value, low, high },
  share,
}: {
  readonly estimate: Estimate;
  readonly share: boolean;
}) {
  const clear = low > 0 || high < 0;
  const shown = (x: number): string => (share ? `${x > 0 ? '+' : ''}${(100 * x).toFixed(1)}` : signed(x));
  return (
    <span style={{ whiteSpace: 'nowrap' }}>
      {shown(value)}{' '}
      <span className="muted">
        [{shown(low)}, {shown(high)}]{share ? ' points' : ''}
      </span>{' '}
      <span className={clear ? undefined : 'muted'}>{clear ? 'clear' : 'within chance'}</span>
    </span>
  );
}
