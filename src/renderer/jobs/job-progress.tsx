import { Progress } from '@mantine/core';
import { isAlive } from '../../shared/api/jobs.ts';
import type { ApiJob } from '../../shared/api/jobs.ts';
import { formatCount, formatDuration } from '../components/format.ts';

/** Phase, figure, bar and, while it goes on, time left; nothing before the first report. */
export function JobProgressLine({ job, width = 160 }: { readonly job: ApiJob; readonly width?: number }) {
  const { progress } = job;
  if (progress === null) return null;
  const share = progress.total === 0 ? 0 : (100 * progress.done) / progress.total;
  return (
    <span className="row" style={{ flexWrap: 'nowrap', whiteSpace: 'nowrap' }}>
      <span className="muted">
        {progress.phase} {formatCount(progress.done)}
        {progress.total > 0 && `/${formatCount(progress.total)}`} {progress.unit}
        {progress.part !== undefined && `, part ${progress.part.done}/${progress.part.total} of the next`}
      </span>
      <Progress value={share} w={width} size="sm" aria-label={`${progress.phase} ${share.toFixed(0)}%`} />
      <span className="muted">
        {isAlive(job) && progress.etaSeconds !== null && `${formatDuration(progress.etaSeconds)} left`}
      </span>
    </span>
  );
}
