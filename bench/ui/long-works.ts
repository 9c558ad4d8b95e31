import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { isAlive } from '../../src/shared/api/jobs.ts';
import type { ApiJob } from '../../src/shared/api/jobs.ts';
import type { BackupRow, RestoreReport } from '../../src/shared/workspace-care.ts';

/** Work that takes seconds: its name, and how a window has it done. */
export interface LongWork {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** All pairs as a bundle and back, and the care of the workspace, each through the API as the page itself calls it. */
export function longWorks(page: Page, scratch: string): readonly LongWork[] {
  const bundle = join(scratch, 'all-pairs.jsonl');
  const folder = join(scratch, 'annotator');
  const backUp = async (): Promise<BackupRow> => (await jobDone(page, 'workspaces.backUp', {})).result as BackupRow;
  return [
    {
      name: 'writing a bundle of all pairs',
      run: async () => void (await jobDone(page, 'bundles.export', { path: bundle, limit: 100_000 })),
    },
    {
      name: 'opening the bundle',
      run: async () => void (await jobDone(page, 'bundles.open', { path: bundle, folder })),
    },
    { name: 'checking everything', run: async () => void (await jobDone(page, 'workspaces.check', {})) },
    { name: 'compacting', run: async () => void (await call(page, 'workspaces.compact', {})) },
    {
      name: 'backing up and putting back',
      run: async () => {
        const { name, path } = await backUp();
        const { kept } = (await call(page, 'workspaces.restore', { name })) as RestoreReport;
        // What only the measurement made.
        for (const left of [path, kept]) if (left !== null) rmSync(left);
      },
    },
  ];
}

async function jobDone(page: Page, method: string, input: object): Promise<ApiJob> {
  const { jobId } = (await call(page, method, input)) as { readonly jobId: number };
  for (;;) {
    const job = ((await call(page, 'jobs.list', {})) as readonly ApiJob[]).find(({ id }) => id === jobId);
    if (job === undefined) throw new Error(`${method}: its job is gone`);
    if (job.status === 'finished') return job;
    if (!isAlive(job)) throw new Error(`${method}: ${job.error?.message ?? job.status}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A call of the API as the page makes it. */
function call(page: Page, method: string, input: object): Promise<unknown> {
  return page.evaluate(
    async ([name, body]) => {
      const response = await fetch(`/api/${name}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body,
      });
      const answer = (await response.json()) as unknown;
      if (!response.ok) throw new Error(`${name}: ${JSON.stringify(answer)}`);
      return answer;
    },
    [method, JSON.stringify(input)] as const,
  );
}
