import { Button } from '@mantine/core';
import type { ApiJob } from '../../../shared/api/jobs.ts';
import type { RunRow } from '../../../shared/runs.ts';
import { isAlive } from '../../../shared/api/jobs.ts';
import { useApiMutation } from '../../api/client.ts';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { formatDuration } from '../../components/format.ts';
import { ErrorPanel } from '../../components/states.tsx';
import { JobProgressLine } from '../../jobs/job-progress.tsx';

const phases = [
  ['load', 'Load the model'],
  ['reference', 'Score the reference once'],
  ['train', 'Train'],
] as const;

/** The job that works on a run now, if there is one. */
export function jobOfRun(jobs: readonly ApiJob[], runId: number): ApiJob | undefined {
  return jobs.find((job) => job.kind === 'train' && job.runId === runId && isAlive(job));
}

/** Phases of a run with the time left, and what can be done: pause, go on, stop and save. */
export function RunProgress({ run, job }: { readonly run: RunRow; readonly job: ApiJob | undefined }) {
  const resume = useApiMutation('runs.resume');
  const pause = useApiMutation('jobs.pause');
  const stop = useApiMutation('jobs.cancel');
  const end = useApiMutation('runs.cancel');
  const canGoOn = job === undefined && (run.status === 'paused' || run.status === 'failed');
  if (job === undefined && !canGoOn) return null;
  const error = resume.error ?? pause.error ?? stop.error ?? end.error;
  // Weights are converted to 4 bits before they are loaded.
  const current = job?.progress?.phase === 'convert' ? 'load' : job?.progress?.phase;
  const at = phases.findIndex(([phase]) => phase === current);
  return (
    <section className="panel row" aria-label="Progress" style={{ gap: 16 }}>
      {job !== undefined && (
        <ol className="row" style={{ margin: 0, padding: 0, listStyle: 'none', gap: 12 }}>
          {phases.map(([phase, label], i) => (
            <li
              key={phase}
              aria-current={i === at ? 'step' : undefined}
              className={i === at ? undefined : 'muted'}
              style={i === at ? { fontWeight: 600 } : undefined}
            >
              {i + 1}. {label}
              {i < at ? ' (done)' : ''}
            </li>
          ))}
        </ol>
      )}
      {job?.status === 'waiting' && <span className="muted">Waits for the job before it.</span>}
      {job?.status === 'pausing' && <span>Finishes its example and writes a checkpoint.</span>}
      {job?.status === 'running' && <JobProgressLine job={job} width={120} />}
      {job?.progress?.phase === 'train' && job.startedAt !== null && (
        <span className="muted" title="From the pace since it was started; evaluations on held-out pairs count in">
          {formatDuration((Date.now() - job.startedAt) / 1000)} so far
        </span>
      )}
      {canGoOn && (
        <span>
          {run.status === 'paused'
            ? 'Paused. It goes on from its newest checkpoint to the same result.'
            : 'It failed. It can go on from its newest checkpoint.'}
        </span>
      )}
      <span className="end row">
        {canGoOn && (
          <>
            <ConfirmButton
              size="xs"
              question="The run ends for good; its metrics and checkpoints stay."
              verb="End the run"
              onConfirm={() => {
                end.mutate({ id: run.id });
              }}
            >
              End for good
            </ConfirmButton>
            <Button
              size="xs"
              loading={resume.isPending}
              onClick={() => {
                resume.mutate({ id: run.id });
              }}
            >
              Resume
            </Button>
          </>
        )}
        {job !== undefined && job.status !== 'pausing' && (
          <>
            <Button
              size="xs"
              variant="default"
              onClick={() => {
                pause.mutate({ id: job.id });
              }}
            >
              Pause
            </Button>
            <ConfirmButton
              size="xs"
              question="A checkpoint is written and the run ends for good."
              verb="Stop and save"
              onConfirm={() => {
                stop.mutate({ id: job.id });
              }}
            >
              Stop and save
            </ConfirmButton>
          </>
        )}
      </span>
      {error !== null && <ErrorPanel error={error} />}
    </section>
  );
}
