import type { EvaluationRow } from '../../../shared/evaluations.ts';
import { headlineOf, headlineValue, setsOf } from '../../../shared/evaluation-figures.ts';
import type { EvaluatedSet } from '../../../shared/evaluation-figures.ts';
import { useApi } from '../../api/client.ts';
import { useAllRows } from '../../api/use-all-rows.ts';
import { hrefOf } from '../../app/router.ts';
import { Difference } from '../../components/difference.tsx';
import { formatShare, Interval } from '../../components/figure.tsx';
import { formatNumber } from '../../components/format.ts';
import { ErrorPanel, Loading } from '../../components/states.tsx';
import { hrefOfEvaluations } from '../evaluate/address.ts';

/** What was measured of the compared runs (and of the base model) on the same sets, with paired differences. */
export function EvaluationsTable({ ids }: { readonly ids: readonly number[] }) {
  const all = useAllRows('evaluations.list', {});
  const jobs = useApi('jobs.list', {});
  const busy = jobs.data?.some(({ status }) => status === 'running' || status === 'pausing') ?? true;
  const sources = [null, ...ids];
  const measured = all.rows.filter(({ runId, source }) => (runId === null ? source === 'base' : ids.includes(runId)));
  const sets = setsOf(measured).filter(({ rows }) => rows.some((row) => row.runId !== null));
  return (
    <section className="panel" aria-label="Evaluations">
      <h2>Evaluations</h2>
      {all.error !== null && <ErrorPanel error={all.error} />}
      {all.pending && all.error === null && <Loading lines={3} />}
      {!all.pending && sets.length === 0 && (
        <span className="muted">
          None of these runs was evaluated yet. <a href={hrefOf('evaluate')}>Evaluate them on the same sets.</a>
        </span>
      )}
      {sets.length > 0 && (
        <div style={{ overflowX: 'auto' }}>
          <table className="data" aria-label="Evaluations side by side">
            <thead>
              <tr>
                <th>Set</th>
                {sources.map((id) => (
                  <th key={id}>{id === null ? 'base' : `run ${id}`}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {sets.map((set) => (
                <SetRow key={set.key} set={set} sources={sources} busy={busy} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {sets.length > 0 && busy && (
        <div className="muted" style={{ marginTop: 4 }}>
          Paired differences are worked out when the running job has ended.
        </div>
      )}
    </section>
  );
}

function SetRow({
  set,
  sources,
  busy,
}: {
  readonly set: EvaluatedSet;
  readonly sources: readonly (number | null)[];
  readonly busy: boolean;
}) {
  const latest = sources.map((id) => set.rows.findLast((row) => row.runId === id));
  const present = latest.filter((row) => row !== undefined);
  const comparison = useApi(
    'evaluations.compare',
    { ids: present.map(({ id }) => id) },
    { enabled: !busy && present.length > 1 },
  );
  const info = headlineOf(set.kind);
  return (
    <tr>
      <td>
        {set.name}
        <div className="muted">
          {info?.label}, {info?.unit}, {info?.better} is better
        </div>
        {present.length > 1 && (
          <a href={hrefOfEvaluations(present.map(({ id }) => id))} aria-label={`Items that flipped on ${set.name}`}>
            Items that flipped
          </a>
        )}
        {comparison.isError && <div className="muted">{comparison.error.message}</div>}
      </td>
      {latest.map((row, i) => {
        const difference = row === undefined ? undefined : comparison.data?.rows[present.indexOf(row)];
        return (
          <td key={sources[i]}>
            {row === undefined ? <span className="muted">not measured</span> : <Headline row={row} />}
            {difference !== undefined && (
              <div>
                <Difference row={difference} />
              </div>
            )}
          </td>
        );
      })}
    </tr>
  );
}

/** An evaluation's one figure with its interval. */
export function Headline({ row }: { readonly row: EvaluationRow }) {
  const estimate = headlineValue(row);
  if (estimate === undefined) return <span className="muted">{row.status}</span>;
  const format = headlineOf(row.kind)?.unit === 'share' ? formatShare : formatNumber;
  if (Number.isNaN(estimate.low)) return <>{format(estimate.value)}</>;
  return <Interval {...estimate} format={format} />;
}
