import { Button } from '@mantine/core';
import { useState } from 'react';
import type { EventView } from '../../../shared/api/system.ts';
import { call, useApi, useApiMutation } from '../../api/client.ts';
import { DataTable } from '../../components/data-table.tsx';
import type { DataColumn } from '../../components/data-table.tsx';
import { formatBytes, formatNumber, formatTime } from '../../components/format.ts';
import { Facts, Page } from '../../components/page.tsx';
import { ErrorPanel, Loading } from '../../components/states.tsx';

interface SelfTest {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly detail: string;
    readonly seconds: number;
  }[];
}

const eventColumns: readonly DataColumn<EventView>[] = [
  { id: 'at', header: 'Time', value: (event) => event.at, cell: (event) => formatTime(event.at), width: 140 },
  { id: 'kind', header: 'Kind', value: (event) => event.kind, width: 170 },
  {
    id: 'message',
    header: 'What',
    value: (event) => event.message,
    cell: (event) => <span className="mono">{event.message}</span>,
    width: 640,
  },
];

/** Versions, machine, the engine's self-test, the workspace's events. */
export function SystemPage() {
  const info = useApi('system.info', {});
  const events = useApi('system.events', { limit: 1000 });
  const jobs = useApi('jobs.list', {});
  const test = useApiMutation('system.selfTest');
  const [copied, setCopied] = useState(false);
  const [copyError, setCopyError] = useState<unknown>(null);
  const last = jobs.data?.find(({ kind, status }) => kind === 'selfTest' && status === 'finished')?.result as
    SelfTest | undefined;
  const copy = (): void => {
    call('system.diagnostics', {})
      .then((text) => navigator.clipboard.writeText(text))
      .then(() => {
        setCopied(true);
        setCopyError(null);
      }, setCopyError);
  };
  return (
    <Page
      title="System"
      actions={
        <>
          <Button variant="default" onClick={copy}>
            {copied ? 'Copied' : 'Copy diagnostics'}
          </Button>
          <Button
            loading={test.isPending}
            onClick={() => {
              test.mutate({});
            }}
          >
            Run self-test
          </Button>
        </>
      }
    >
      {copyError !== null && <ErrorPanel error={copyError} />}
      {test.isError && <ErrorPanel error={test.error} />}
      {info.isPending && <Loading />}
      {info.data !== undefined && (
        <div className="panel">
          <Facts
            facts={[
              ['Longhand', `${info.data.version}${info.data.commit === null ? '' : ` (${info.data.commit})`}`],
              ['Runs in', info.data.shell === 'electron' ? 'Electron' : 'a browser, over the loopback host'],
              ['ONNX Runtime', info.data.onnxruntime],
              ['Node', info.data.node],
              ['System', info.data.platform],
              ['Processor', `${info.data.cpu}, ${info.data.cores} cores`],
              ['Memory', `${formatBytes(info.data.memoryFree)} free of ${formatBytes(info.data.memoryTotal)}`],
              [
                'Main process',
                `${formatBytes(info.data.mainRss)}, longest delay ${formatNumber(info.data.eventLoopDelay.max)} ms, 99% under ${formatNumber(info.data.eventLoopDelay.p99)} ms`,
              ],
              [
                'Engine process',
                info.data.engine === null
                  ? 'not running'
                  : `process ${info.data.engine.pid}${info.data.engine.peakBytes === null ? '' : `, peak ${formatBytes(info.data.engine.peakBytes)}`}`,
              ],
            ]}
          />
        </div>
      )}
      {last !== undefined && (
        <div className="panel">
          <h2>Self-test: {last.ok ? 'passed' : 'failed'}</h2>
          <table className="data">
            <tbody>
              {last.checks.map((check) => (
                <tr key={check.name}>
                  <td>{check.ok ? 'passed' : <strong style={{ color: 'var(--fail)' }}>failed</strong>}</td>
                  <td>{check.name}</td>
                  <td className="muted">{check.detail}</td>
                  <td className="number">{formatNumber(check.seconds)} s</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <h2>Events of the workspace</h2>
      {events.isError && <ErrorPanel error={events.error} />}
      {events.data !== undefined && (
        <DataTable
          name="events"
          label="Events"
          rows={events.data}
          columns={eventColumns}
          rowId={(event) => event.id}
          filterHint="Kind, subject or detail"
          height={360}
        />
      )}
    </Page>
  );
}
