import { expect, test, vi } from 'vitest';
import { paced } from '../../../../src/main/engine/jobs/job-context.ts';
import type { JobProgress } from '../../../../src/shared/job-progress.ts';

test('the time left follows from the pace since the first report', () => {
  vi.useFakeTimers();
  try {
    const seen: JobProgress[] = [];
    const report = paced({ progress: (progress) => seen.push(progress) }, 'long', 'questions');
    vi.advanceTimersByTime(5000);
    report(64, 512); // 64 at once: by a batch, or by the job that this one goes on from
    vi.advanceTimersByTime(2000);
    report(128, 512);
    vi.advanceTimersByTime(4000);
    report(256, 512);
    report(512, 512);
    expect(seen.map(({ etaSeconds }) => etaSeconds)).toEqual([null, 12, 8, 0]);
  } finally {
    vi.useRealTimers();
  }
});
