import { Button } from '@mantine/core';
import { isAlive } from '../../shared/api/jobs.ts';
import type { ApiJob } from '../../shared/api/jobs.ts';
import { useApiMutation } from '../api/client.ts';
import { goTo } from '../app/router.ts';

/** Where a job's work can be seen. */
function pageOf(job: ApiJob): (() => void) | undefined {
  const { runId } = job;
  if (runId !== null && job.kind === 'train') return () => goTo('runs', runId);
  const page = {
    generate: 'generate',
    scorePairs: 'pairs',
    import: 'documents',
    countTokens: 'documents',
    evaluate: 'evaluate',
    dryRun: 'train',
    selfTest: 'system',
  };
  const name = (page as Readonly<Record<string, string>>)[job.kind];
  return name === undefined ? undefined : () => goTo(name);
}

/** What can be done with a job in its present state. */
export function JobActions({ job }: { readonly job: ApiJob }) {
  const pause = useApiMutation('jobs.pause');
  const resume = useApiMutation('jobs.resume');
  const cancel = useApiMutation('jobs.cancel');
  const open = pageOf(job);
  const { id, status } = job;
  const stopped = status === 'paused' || status === 'failed';
  const problem = pause.error ?? resume.error ?? cancel.error;
  return (
    <>
      {problem !== null && (
        <span role="alert" style={{ color: 'var(--fail)' }}>
          {problem.message}
        </span>
      )}
      {open !== undefined && (
        <Button size="compact-xs" variant="default" onClick={open}>
          Show
        </Button>
      )}
      {status === 'running' && job.resumable && (
        <Button size="compact-xs" variant="default" onClick={() => pause.mutate({ id })}>
          Pause
        </Button>
      )}
      {stopped && job.resumable && (
        <Button size="compact-xs" onClick={() => resume.mutate({ id })}>
          Resume
        </Button>
      )}
      {(isAlive(job) || (stopped && job.resumable)) && (
        <Button size="compact-xs" variant="default" onClick={() => cancel.mutate({ id })}>
          Cancel
        </Button>
      )}
    </>
  );
}
