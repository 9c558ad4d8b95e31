import type { ApiJob } from '../../shared/api/jobs.ts';
import { useApi } from '../api/client.ts';

/** A job by its number as it stands now; undefined for null and until it is known. */
export function useJob(id: number | null): ApiJob | undefined {
  const jobs = useApi('jobs.list', {});
  return id === null ? undefined : jobs.data?.find((job) => job.id === id);
}
