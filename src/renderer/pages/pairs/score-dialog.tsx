import { Button, Modal, Select } from '@mantine/core';
import { useState } from 'react';
import { isAlive } from '../../../shared/api/jobs.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { hrefOf } from '../../app/router.ts';
import { formatCount } from '../../components/format.ts';
import { ErrorPanel } from '../../components/states.tsx';
import { JobActions } from '../../jobs/job-actions.tsx';
import { JobProgressLine } from '../../jobs/job-progress.tsx';
import { useJob } from '../../jobs/use-job.ts';

const devices = { cpu: 'Processor (CPU)', cuda: 'NVIDIA card (CUDA)' } as const;

/** Log-probabilities of all pairs under a model as it is, without a training run. */
export function ScoreDialog({ opened, onClose }: { readonly opened: boolean; readonly onClose: () => void }) {
  const models = useApi('models.list', {}, { enabled: opened });
  const start = useApiMutation('audit.scorePairs');
  const [path, setPath] = useState<string | null>(null);
  const [device, setDevice] = useState<keyof typeof devices>('cpu');
  const [jobId, setJob] = useState<number | null>(null);
  const job = useJob(jobId);
  const dir = path ?? models.data?.[0]?.path ?? null;
  const result =
    job?.status === 'finished' ? (job.result as { readonly scored: number; readonly known: number }) : null;
  const alive = job !== undefined && isAlive(job);
  return (
    <Modal opened={opened} onClose={onClose} title="Score pairs" size={520}>
      <div style={{ display: 'grid', gap: 10 }}>
        <div className="muted">
          How likely the model, before any training, holds the chosen and the rejected answer with the chunk before it.
          A rejected answer that is likelier than the chosen one is worth a look. Training uses the same figures again.
        </div>
        {models.data?.length === 0 ? (
          <a href={hrefOf('models')}>Add a model first.</a>
        ) : (
          <div style={{ display: 'grid', gridTemplateColumns: '2fr 1fr', gap: 10 }}>
            <Select
              label="Model"
              data={(models.data ?? []).map(({ path: value, name }) => ({ value, label: name }))}
              value={dir}
              allowDeselect={false}
              onChange={setPath}
            />
            <Select
              label="Compute on"
              data={Object.entries(devices).map(([value, label]) => ({ value, label }))}
              value={device}
              allowDeselect={false}
              onChange={(value) => {
                setDevice(value === 'cuda' ? 'cuda' : 'cpu');
              }}
            />
          </div>
        )}
        {models.isError && <ErrorPanel error={models.error} />}
        {start.isError && <ErrorPanel error={start.error} />}
        {job !== undefined && (
          <div className="row" role="status">
            <span>{job.status}</span>
            {alive && <JobProgressLine job={job} />}
            {result !== null && (
              <span>
                {formatCount(result.scored)} pairs scored, {formatCount(result.known)} had a score before. Filters,
                “Log-ratios of”, and the order use them.
              </span>
            )}
            {job.error !== null && <span style={{ color: 'var(--fail)' }}>{job.error.message}</span>}
            {job.status !== 'finished' && (
              <span className="end row">
                <JobActions job={job} />
              </span>
            )}
          </div>
        )}
        <div className="row" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
          <Button
            disabled={dir === null || alive}
            loading={start.isPending}
            onClick={() => {
              if (dir === null) return;
              start.mutate(
                { modelDir: dir, device },
                {
                  onSuccess: ({ jobId: started }) => {
                    setJob(started);
                  },
                },
              );
            }}
          >
            Score
          </Button>
        </div>
      </div>
    </Modal>
  );
}
