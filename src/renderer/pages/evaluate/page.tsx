import type { EvaluationView } from '../../../shared/api/evaluations.ts';
import { headlineOf, setsOf } from '../../../shared/evaluation-figures.ts';
import { useAllRows } from '../../api/use-all-rows.ts';
import { hrefOf, useRoute } from '../../app/router.ts';
import { formatTime } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { Empty, ErrorPanel, Loading } from '../../components/states.tsx';
import { Headline } from '../compare/evaluations-table.tsx';
import { Answers } from './answers.tsx';
import { heatGrid } from './heat-grid.ts';
import { HeatMap } from './heat-map.tsx';
import { sourceName } from './source-name.ts';
import { StartForm } from './start-form.tsx';

/** Question sets on the base model or a run: figures side by side, and every item's answer. */
export function EvaluatePage() {
  const { query } = useRoute();
  const all = useAllRows('evaluations.list', {});
  const rows: readonly EvaluationView[] = all.rows;
  const find = (id: string | undefined): EvaluationView | undefined =>
    id === undefined ? undefined : rows.find((row) => row.id === Number(id));
  const first = find(query['a']);
  const second = find(query['b']);
  const open = rows.filter(({ status }) => status !== 'finished' && status !== 'cancelled');
  return (
    <Page title="Evaluate">
      <StartForm key={`${query['run'] ?? ''} ${query['checkpoint'] ?? ''}`} />
      {all.error !== null && <ErrorPanel error={all.error} />}
      {all.pending && all.error === null && <Loading />}
      {!all.pending && rows.length === 0 && (
        <Empty title="No evaluations yet">Evaluate the base model first, then a run on the same sets.</Empty>
      )}
      {open.length > 0 && (
        <div className="muted" role="status">
          {open.map((row) => (
            <div key={row.id}>
              {row.setName} on {sourceName(row)}: {row.status}
              {row.error === null ? '' : `. ${row.error}`}
            </div>
          ))}
        </div>
      )}
      <Results rows={rows} />
      {[first, second].map((row) => {
        const grid = row === undefined ? null : heatGrid(row.summary);
        if (row === undefined || grid === null) return null;
        return <HeatMap key={row.id} title={`${row.setName} on ${sourceName(row)}`} grid={grid} />;
      })}
      {first !== undefined && <Answers key={`${first.id} ${second?.id ?? ''}`} first={first} second={second ?? null} />}
    </Page>
  );
}

/** The newest figure of each model on each set; a cell opens its answers beside those of the first column. */
function Results({ rows }: { readonly rows: readonly EvaluationView[] }) {
  const sets = setsOf(rows);
  if (sets.length === 0) return null;
  const names = [...new Set(rows.filter(({ status }) => status === 'finished').map(sourceName))];
  // The base model stands first: everything is read against it.
  names.sort((a, b) => Number(b === 'base') - Number(a === 'base') || a.localeCompare(b, 'en', { numeric: true }));
  const byId = new Map(rows.map((row) => [row.id, row]));
  const newest = (ids: readonly { readonly id: number }[], name: string): EvaluationView | undefined =>
    ids.flatMap(({ id }) => byId.get(id) ?? []).findLast((row) => sourceName(row) === name);
  return (
    <div style={{ overflowX: 'auto', flex: 'none' }}>
      <table className="data" aria-label="Results">
        <thead>
          <tr>
            <th>Set</th>
            <th>Figure</th>
            {names.map((name) => (
              <th key={name}>{name}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sets.map((set) => {
            const info = headlineOf(set.kind);
            const cells = names.map((name) => newest(set.rows, name));
            const base = cells.find((row) => row !== undefined);
            return (
              <tr key={set.key}>
                <td>{set.name}</td>
                <td className="muted">
                  {info?.label}, {info?.unit}
                </td>
                {cells.map((row, i) => (
                  <td key={names[i]} style={{ whiteSpace: 'nowrap' }}>
                    {row !== undefined && base !== undefined && (
                      <a
                        href={`${hrefOf('evaluate')}?a=${base.id}${row === base ? '' : `&b=${row.id}`}`}
                        title={`Every answer of ${sourceName(row)} (${formatTime(row.createdAt)})`}
                      >
                        <Headline row={row} />
                      </a>
                    )}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
