import { Button, Select } from '@mantine/core';
import { useState } from 'react';
import { isAlive } from '../../../shared/api/jobs.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { formatDuration, formatTime } from '../../components/format.ts';
import { ErrorPanel } from '../../components/states.tsx';
import { ApiError } from '../../api/transport.ts';
import { JobActions } from '../../jobs/job-actions.tsx';
import { JobProgressLine } from '../../jobs/job-progress.tsx';

/** What the engine's self-test answers. */
interface SelfTest {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly detail: string;
    readonly seconds: number;
  }[];
}

/** Runs the engine's self-test and shows every check of the last one. */
export function SelfTestPanel({ hasWorkspace }: { readonly hasWorkspace: boolean }) {
  const jobs = useApi('jobs.list', {});
  const test = useApiMutation('system.selfTest');
  const [device, setDevice] = useState<'cpu' | 'cuda'>('cpu');
  const job = jobs.data?.find(({ kind }) => kind === 'selfTest');
  const active = job !== undefined && isAlive(job);
  const result = job?.status === 'finished' ? (job.result as SelfTest) : null;
  return (
    <section className="panel" aria-label="Self-test">
      <div className="row">
        <h2 style={{ margin: 0 }}>Self-test</h2>
        <span className="muted">
          {hasWorkspace
            ? 'the engine computes what is known, for real'
            : 'open a workspace first: the engine belongs to it'}
        </span>
        <span className="row end">
          <Select
            aria-label="Device of the self-test"
            w={90}
            allowDeselect={false}
            data={[
              { value: 'cpu', label: 'CPU' },
              { value: 'cuda', label: 'CUDA' },
            ]}
            value={device}
            onChange={(value) => {
              setDevice(value === 'cuda' ? 'cuda' : 'cpu');
            }}
          />
          <Button
            disabled={!hasWorkspace || active}
            loading={test.isPending}
            onClick={() => {
              test.mutate({ device });
            }}
          >
            Run self-test
          </Button>
        </span>
      </div>
      {test.isError && <ErrorPanel error={test.error} />}
      {active && (
        <div className="row" style={{ marginTop: 8 }}>
          <span>{job.status}</span>
          <JobProgressLine job={job} />
          <JobActions job={job} />
        </div>
      )}
      {job?.status === 'failed' && job.error !== null && <ErrorPanel error={new ApiError(job.error)} />}
      {result !== null && job !== undefined && (
        <>
          <p role="status" style={{ margin: '8px 0 4px' }}>
            {job.title}:{' '}
            <strong style={{ color: result.ok ? 'var(--short)' : 'var(--fail)' }}>
              {result.ok ? 'passed' : 'failed'}
            </strong>{' '}
            <span className="muted">{formatTime(job.endedAt ?? job.createdAt)}</span>
          </p>
          <table className="data" aria-label="Checks of the self-test">
            <tbody>
              {result.checks.map((check) => (
                <tr key={check.name}>
                  <td style={{ color: check.ok ? 'var(--short)' : 'var(--fail)' }}>{check.ok ? 'passed' : 'failed'}</td>
                  <td>{check.name}</td>
                  <td className="muted">{check.detail}</td>
                  <td className="number" style={{ whiteSpace: 'nowrap' }}>
                    {formatDuration(check.seconds)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </section>
  );
}
