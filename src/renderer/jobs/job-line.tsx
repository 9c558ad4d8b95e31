import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { isAlive } from '../../shared/api/jobs.ts';
import type { ApiJob } from '../../shared/api/jobs.ts';
import { useApiMutation } from '../api/client.ts';
import { JobProgressLine } from './job-progress.tsx';

/** A job that this form started: its progress with a way to stop it, then what came of it. */
export function JobLine({
  job,
  done,
}: {
  readonly job: ApiJob | undefined;
  readonly done: (result: unknown) => ReactNode;
}) {
  const cancel = useApiMutation('jobs.cancel');
  if (job === undefined) return null;
  if (isAlive(job)) {
    return (
      <div className="row" style={{ marginTop: 8 }}>
        <JobProgressLine job={job} />
        <Button size="compact-xs" variant="default" onClick={() => cancel.mutate({ id: job.id })}>
          Cancel
        </Button>
      </div>
    );
  }
  if (job.error !== null) {
    return (
      <div role="alert" style={{ marginTop: 8, color: 'var(--fail)' }}>
        {job.error.message} {job.error.hint}
      </div>
    );
  }
  return (
    <div role="status" style={{ marginTop: 8, overflowWrap: 'anywhere' }}>
      {job.status === 'finished' ? done(job.result) : 'Stopped; nothing was written.'}
    </div>
  );
}
