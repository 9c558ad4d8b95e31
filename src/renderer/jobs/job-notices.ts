import { notifications } from '@mantine/notifications';
import { useEffect } from 'react';
import type { ApiJob } from '../../shared/api/jobs.ts';
import { onApiEvent } from '../api/client.ts';
import { formatDuration } from '../components/format.ts';

/** Jobs shorter than this end while the person still looks at what they started; the line at the foot tells failures, too. */
const noticeableMilliseconds = 20_000;

/** What is worth telling about a job that has just ended; undefined = nothing. */
export function noticeOf(job: ApiJob): { readonly title: string; readonly message: string } | undefined {
  const took = job.startedAt === null || job.endedAt === null ? 0 : job.endedAt - job.startedAt;
  if (took < noticeableMilliseconds) return undefined;
  if (job.status === 'failed') return { title: `${job.title} failed`, message: job.error?.message ?? '' };
  if (job.status !== 'finished') return undefined;
  return { title: `${job.title} is finished`, message: `It took ${formatDuration(took / 1000)}.` };
}

/** Tells of jobs that end, wherever the person is in the window by then. */
export function useJobNotices(): void {
  useEffect(() => {
    const last = new Map<number, ApiJob['status']>();
    return onApiEvent((event) => {
      if (event.type !== 'job') return;
      const { job } = event;
      const before = last.get(job.id);
      last.set(job.id, job.status);
      const notice = before === job.status ? undefined : noticeOf(job);
      if (notice === undefined) return;
      notifications.show({
        closeButtonProps: { 'aria-label': 'Close the notice' },
        ...notice,
        id: `job ${job.id} ${job.status}`,
        color: job.status === 'failed' ? 'red' : 'gray',
        autoClose: job.status === 'failed' ? 12_000 : 6000,
      });
    });
  }, []);
}
