import { Button } from '@mantine/core';
import { useState } from 'react';
import type { ApiJob } from '../../shared/api/jobs.ts';
import { useApi } from '../api/client.ts';
import { JobActions } from './job-actions.tsx';
import { JobProgressLine } from './job-progress.tsx';

/** The job worth a line: the one that runs, else one that waits, else the newest that failed or is paused. */
export function foremostJob(jobs: readonly ApiJob[]): ApiJob | undefined {
  const among = (...statuses: ApiJob['status'][]): ApiJob | undefined =>
    jobs.find(({ status }) => statuses.includes(status));
  return (
    among('running', 'pausing') ??
    among('waiting') ??
    jobs.find(({ status, earlier }) => status === 'paused' || (status === 'failed' && !earlier))
  );
}

/** One line at the foot of every page about the job that matters now; the drawer has all of them. */
export function JobsBar({ onOpen }: { readonly onOpen: () => void }) {
  const jobs = useApi('jobs.list', {}).data ?? [];
  const [dismissed, dismiss] = useState<readonly number[]>([]);
  const job = foremostJob(jobs.filter(({ id, status }) => status !== 'failed' || !dismissed.includes(id)));
  if (job === undefined) return null;
  const waiting = jobs.filter(({ id, status }) => status === 'waiting' && id !== job.id).length;
  return (
    <div className="jobs" role="status" aria-label="Jobs">
      <strong className="ellipsis">{job.title}</strong>
      <span>{job.status}</span>
      {job.status === 'failed' ? (
        <span className="ellipsis" style={{ color: 'var(--fail)' }} title={job.error?.message}>
          {job.error?.message}
        </span>
      ) : (
        <JobProgressLine job={job} />
      )}
      {waiting > 0 && <span className="muted">{waiting} waiting</span>}
      <span className="row end actions">
        <JobActions job={job} />
        {job.status === 'failed' && !job.resumable && (
          <Button size="compact-xs" variant="default" onClick={() => dismiss([...dismissed, job.id])}>
            Dismiss
          </Button>
        )}
        <Button size="compact-xs" variant="default" onClick={onOpen}>
          All jobs
        </Button>
      </span>
    </div>
  );
}
