import { Select } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { EventView } from '../../../shared/api/system.ts';
import { useApi } from '../../api/client.ts';
import { DataTable } from '../../components/data-table.tsx';
import type { DataColumn } from '../../components/data-table.tsx';
import { formatTime } from '../../components/format.ts';
import { ErrorPanel } from '../../components/states.tsx';

const columns: readonly DataColumn<EventView>[] = [
  { id: 'at', header: 'Time', value: ({ at }) => at, cell: ({ at }) => formatTime(at), width: 140 },
  { id: 'kind', header: 'Kind', value: ({ kind }) => kind, width: 170 },
  {
    id: 'message',
    header: 'What',
    value: ({ message }) => message,
    cell: ({ message }) => <span className="mono">{message}</span>,
    width: 640,
  },
];
const none: readonly EventView[] = [];

/** The workspace's log, the newest first, by kind and text. */
export function EventsPanel() {
  const events = useApi('system.events', { limit: 1000 });
  const [kind, setKind] = useState<string | null>(null);
  const all = events.data ?? none;
  const kinds = useMemo(() => [...new Set(all.map((event) => event.kind))].sort(), [all]);
  const rows = useMemo(() => (kind === null ? all : all.filter((event) => event.kind === kind)), [all, kind]);
  return (
    <section aria-label="Log">
      <div className="row" style={{ marginBottom: 6 }}>
        <h2 style={{ margin: 0 }}>Events of the workspace</h2>
        <Select
          className="end"
          aria-label="Kind of event"
          placeholder="all kinds"
          clearable
          w={220}
          data={kinds}
          value={kind}
          onChange={setKind}
        />
      </div>
      {events.isError && <ErrorPanel error={events.error} />}
      <DataTable
        name="events"
        label="Events"
        rows={rows}
        columns={columns}
        rowId={({ id }) => id}
        filterHint="Kind, subject or detail"
        height={360}
      />
    </section>
  );
}
