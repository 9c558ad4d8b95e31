import './evaluate.css';
import { useState } from 'react';
import type { EvaluationView } from '../../../shared/api/evaluations.ts';
import { useAllRows } from '../../api/use-all-rows.ts';
import { useRoute } from '../../app/router.ts';
import { Page } from '../../components/page.tsx';
import { Empty, ErrorPanel, Loading } from '../../components/states.tsx';
import { idsOfAddress } from './address.ts';
import { Comparison } from './comparison.tsx';
import { ResultsTable } from './results-table.tsx';
import { sourceNames } from './source-name.ts';
import { StartForm } from './start-form.tsx';

/** Start evaluations; figures side by side; paired differences, heat maps and every item's answers. */
export function EvaluatePage() {
  const { query } = useRoute();
  const all = useAllRows('evaluations.list', {});
  const rows: readonly EvaluationView[] = all.rows;
  const ids = idsOfAddress(query);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const named = ids.flatMap((id) => byId.get(id) ?? []);
  const [first] = named;
  const ofSet = (row: EvaluationView): boolean => row.kind === first?.kind && row.setSha256 === first.setSha256;
  const chosen = named.filter(ofSet);
  const others = rows.filter((row) => ofSet(row) && row.status === 'finished' && !ids.includes(row.id));
  const missing = all.pending || all.more ? [] : ids.filter((id) => !chosen.some((row) => row.id === id));
  const nameOf = sourceNames(rows);
  const open = rows.filter(({ status }) => status !== 'finished' && status !== 'cancelled');
  return (
    <Page
      title="Evaluate"
      note={rows.length === 0 ? undefined : 'Only differences on the same questions say something'}
    >
      <NewEvaluation
        key={`${query['run'] ?? ''} ${query['checkpoint'] ?? ''}`}
        asked={query['run'] !== undefined}
        none={!all.pending && rows.length === 0}
      />
      {all.error !== null && <ErrorPanel error={all.error} />}
      {all.pending && all.error === null && <Loading />}
      {!all.pending && rows.length === 0 && (
        <Empty title="No evaluations yet">Evaluate the base model first, then runs on the same sets.</Empty>
      )}
      {open.length > 0 && (
        <div className="muted" role="status">
          {open.map((row) => (
            <div key={row.id}>
              {row.setName} on {nameOf(row)}: {row.status}
              {row.error === null ? '' : `. ${row.error}`}
            </div>
          ))}
        </div>
      )}
      {missing.length > 0 && (
        <div role="alert" style={{ color: 'var(--warn)' }}>
          The address names evaluations that are not of this set, or not in this workspace: {missing.join(', ')}.
        </div>
      )}
      {chosen.length > 0 && <Comparison chosen={chosen} others={others} nameOf={nameOf} />}
      <ResultsTable rows={rows} nameOf={nameOf} />
    </Page>
  );
}

/** The form takes room: it is folded away where there are results to read, until it is asked for. */
function NewEvaluation({ asked, none }: { readonly asked: boolean; readonly none: boolean }) {
  const [toggled, toggle] = useState<boolean | null>(null);
  const shown = toggled ?? (asked || none);
  return (
    <details
      className="panel"
      open={shown}
      style={{ flex: 'none' }}
      onToggle={(event) => {
        if (event.currentTarget.open !== shown) toggle(event.currentTarget.open);
      }}
    >
      <summary>New evaluation</summary>
      {shown && (
        <div style={{ display: 'grid', gap: 10, marginTop: 8 }}>
          <StartForm />
        </div>
      )}
    </details>
  );
}
