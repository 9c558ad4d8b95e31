import { useEffect, useState } from 'react';
import type { ApiLogLine } from '../../shared/api/jobs.ts';
import { call, onApiEvent } from '../api/client.ts';

/** A job's log as it grows: only the lines that are new are asked for, after each event about the job. */
export function useJobLog(id: number): { readonly lines: readonly ApiLogLine[]; readonly error: unknown } {
  const [lines, setLines] = useState<readonly ApiLogLine[]>([]);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    let last = -1;
    let ended = false;
    let asking = false;
    let again = false;
    const ask = async (): Promise<void> => {
      if (asking) {
        again = true;
        return;
      }
      asking = true;
      do {
        again = false;
        const added = await call('jobs.log', { id, after: last });
        last = added.at(-1)?.index ?? last;
        if (!ended && added.length > 0) setLines((before) => [...before, ...added]);
      } while (again && !ended);
      asking = false;
    };
    const askSafely = (): void => {
      ask().catch((problem: unknown) => {
        asking = false;
        if (!ended) setError(problem);
      });
    };
    askSafely();
    const unsubscribe = onApiEvent((event) => {
      if (event.type === 'job' && event.job.id === id) askSafely();
    });
    return () => {
      ended = true;
      unsubscribe();
    };
  }, [id]);
  return { lines, error };
}
