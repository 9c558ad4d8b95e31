import { Button, Progress } from '@mantine/core';
import type { ApiJob } from '../../shared/api/jobs.ts';
import { useApi, useApiMutation } from '../api/client.ts';
import { formatCount, formatDuration } from '../components/format.ts';
import { goTo } from './router.ts';

function target(job: ApiJob): (() => void) | undefined {
  if (job.runId !== null)
    return () => {
      goTo('runs', job.runId ?? 0);
    };
  if (job.kind === 'generate')
    return () => {
      goTo('generate');
    };
  if (job.kind === 'demo')
    return () => {
      goTo('home');
    };
  return undefined;
}

/** The running job at the bottom of every page, or the last one that failed or was paused. */
export function JobsBar() {
  const jobs = useApi('jobs.list', {});
  const pause = useApiMutation('jobs.pause');
  const resume = useApiMutation('jobs.resume');
  const cancel = useApiMutation('jobs.cancel');
  const list = jobs.data ?? [];
  const job =
    list.find(({ status }) => status === 'running' || status === 'pausing') ??
    list.find(({ status }) => status === 'waiting') ??
    list.find(({ status }) => status === 'failed' || status === 'paused');
  if (job === undefined) return null;
  const { progress } = job;
  const share = progress === null || progress.total === 0 ? 0 : (100 * progress.done) / progress.total;
  const open = target(job);
  return (
    <div className="jobs" role="status" aria-label="Jobs">
      <strong>{job.title}</strong>
      <span>{job.status}</span>
      {job.status === 'failed' && <span style={{ color: 'var(--fail)' }}>{job.error?.message}</span>}
      {progress !== null && job.status !== 'failed' && (
        <>
          <span className="muted">
            {progress.phase}: {formatCount(progress.done)} of {formatCount(progress.total)} {progress.unit}
          </span>
          <Progress value={share} w={220} size="sm" aria-label={`${progress.phase} ${share.toFixed(0)}%`} />
          <span className="muted">
            {progress.etaSeconds === null ? '' : `about ${formatDuration(progress.etaSeconds)} left in this phase`}
          </span>
        </>
      )}
      <span style={{ marginLeft: 'auto', display: 'flex', gap: 8 }}>
        {open !== undefined && (
          <Button size="compact-xs" variant="default" onClick={open}>
            Show
          </Button>
        )}
        {job.status === 'running' && (
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => {
              pause.mutate({ id: job.id });
            }}
          >
            {job.resumable ? 'Pause' : 'Stop'}
          </Button>
        )}
        {(job.status === 'paused' || job.status === 'failed') && job.resumable && (
          <Button
            size="compact-xs"
            onClick={() => {
              resume.mutate({ id: job.id });
            }}
          >
            Resume
          </Button>
        )}
        {job.status !== 'failed' && (
          <Button
            size="compact-xs"
            variant="subtle"
            color="red"
            onClick={() => {
              cancel.mutate({ id: job.id });
            }}
          >
            Cancel
          </Button>
        )}
      </span>
    </div>
  );
}
