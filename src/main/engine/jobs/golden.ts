import { runGolden } from '../golden/run-golden.ts';
import type { Job } from './job-context.ts';
import { threadsOf } from './model-holder.ts';

/** Compares the engine with golden cases; each case is reported as it ends. */
export const golden: Job<'golden'> = async ({ dirs, realModelDir, device, threads }, context) => {
  await context.models.release();
  const reported: Promise<unknown>[] = [];
  const result = await runGolden(dirs, {
    threads: threadsOf({ device, threads }),
    ...(realModelDir === null ? {} : { smollm2: realModelDir }),
    onCase: (report) => {
      reported.push(context.emit({ type: 'case', report }));
    },
  });
  await Promise.all(reported);
  return result;
};
