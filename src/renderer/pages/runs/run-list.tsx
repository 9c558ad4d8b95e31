import type { RunRow } from '../../../shared/runs.ts';
import { useAllRows } from '../../api/use-all-rows.ts';
import { goTo, hrefOf } from '../../app/router.ts';
import { DataTable } from '../../components/data-table.tsx';
import type { DataColumn } from '../../components/data-table.tsx';
import { formatCount, formatTime } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { Empty, ErrorPanel, Loading } from '../../components/states.tsx';
import { ExtensionPlans } from './extension-plans.tsx';

const columns: readonly DataColumn<RunRow>[] = [
  { id: 'id', header: 'No.', value: (run) => run.id, number: true, width: 60 },
  {
    id: 'name',
    header: 'Run',
    value: (run) => run.name,
    cell: (run) => <a href={hrefOf('runs', run.id)}>{run.name}</a>,
    width: 280,
  },
  { id: 'objective', header: 'Objective', value: (run) => run.objective, width: 100 },
  {
    id: 'status',
    header: 'Status',
    value: (run) => (run.error === null ? run.status : `${run.status}: ${run.error}`),
    cell: (run) => <span style={run.status === 'failed' ? { color: 'var(--fail)' } : undefined}>{run.status}</span>,
    width: 100,
  },
  {
    id: 'pairs',
    header: 'Pairs',
    value: (run) => run.pairCount,
    cell: (run) => formatCount(run.pairCount),
    number: true,
  },
  {
    id: 'step',
    header: 'Step',
    value: (run) => run.lastStep,
    cell: (run) => (run.lastStep === null ? '' : formatCount(run.lastStep)),
    number: true,
  },
  { id: 'seed', header: 'Seed', value: (run) => run.seed, number: true, width: 70 },
  {
    id: 'started',
    header: 'Begun',
    value: (run) => run.startedAt,
    cell: (run) => (run.startedAt === null ? '' : formatTime(run.startedAt)),
    width: 140,
  },
];

/** All runs of the workspace. */
export function RunList() {
  const runs = useAllRows('runs.list', {});
  return (
    <Page title="Runs">
      {runs.error !== null && <ErrorPanel error={runs.error} />}
      {runs.pending && runs.error === null && <Loading />}
      {!runs.pending && runs.rows.length === 0 && (
        <Empty title="No runs yet">
          <a href={hrefOf('train')}>Train on the pairs of this workspace.</a>
        </Empty>
      )}
      <ExtensionPlans />
      {runs.rows.length > 0 && (
        <DataTable
          name="runs"
          label="Runs"
          rows={runs.rows}
          columns={columns}
          rowId={(run) => run.id}
          filterHint="Name, objective or status"
          onSelect={(run) => {
            goTo('runs', run.id);
          }}
        />
      )}
    </Page>
  );
}
