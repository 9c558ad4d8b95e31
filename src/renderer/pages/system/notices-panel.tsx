import { Button } from '@mantine/core';
import { useState } from 'react';
import type { Notice } from '../../../shared/api/system.ts';
import { useApi } from '../../api/client.ts';
import { DataTable } from '../../components/data-table.tsx';
import type { DataColumn } from '../../components/data-table.tsx';
import { ErrorPanel, Loading } from '../../components/states.tsx';

const columns: readonly DataColumn<Notice>[] = [
  { id: 'name', header: 'Package', value: ({ name }) => name, width: 220 },
  { id: 'version', header: 'Version', value: ({ version }) => version, width: 80 },
  { id: 'licence', header: 'Licence', value: ({ licence }) => licence, width: 190 },
];
const keyOf = ({ name, version }: Notice): string => `${name} ${version}`;

/** Longhand's own licence, and whose works it is packed with: licence and text of each, read only once asked for. */
export function NoticesPanel() {
  const [shown, show] = useState(false);
  return (
    <section className="panel" aria-label="Licences">
      <div className="row">
        <h2 style={{ margin: 0 }}>Licences</h2>
        <span className="muted">
          Longhand is free software under the Apache License 2.0. What it is packed with has licences of its own.
        </span>
        <Button className="end" variant="default" aria-expanded={shown} onClick={() => show(!shown)}>
          {shown ? 'Hide them' : 'Show them'}
        </Button>
      </div>
      {shown && <Notices />}
    </section>
  );
}

function Notices() {
  const notices = useApi('system.notices', {});
  const [selected, select] = useState<string | null>(null);
  if (notices.isPending) return <Loading />;
  if (notices.isError) return <ErrorPanel error={notices.error} retry={() => void notices.refetch()} />;
  const notice = notices.data.find((candidate) => keyOf(candidate) === selected) ?? notices.data[0];
  return (
    <div className="notices">
      <DataTable
        name="notices"
        label="Packages"
        rows={notices.data}
        columns={columns}
        rowId={keyOf}
        selected={notice === undefined ? null : keyOf(notice)}
        onSelect={(row) => select(keyOf(row))}
        filterHint="Package or licence"
        height={360}
      />
      {notice !== undefined && (
        <div role="group" aria-label={`Licence of ${notice.name}`} tabIndex={0} className="mono notice-text">
          {notice.text}
        </div>
      )}
    </div>
  );
}
