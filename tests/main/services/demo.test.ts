import { expect, test } from 'vitest';
import { runDemo } from '../../../src/main/services/demo.ts';
import { importDocuments } from '../../../src/main/services/documents.ts';
import { openWorkspace } from '../../../src/main/workspace/workspace.ts';
import { demoDocument, open } from './fixtures.ts';

// The whole demo is run by `npm run demo`, which checks its promises; here is how it begins and how it is stopped.

test('the demo wants a workspace of its own', async () => {
  const context = open();
  await importDocuments(context, [demoDocument(1)]);
  await context.close();
  const refused = runDemo({ folder: context.workspace.folder });
  await expect(refused).rejects.toMatchObject({ code: 'conflict', place: { file: context.workspace.folder } });
});

test('the demo can be stopped; its workspace is closed and keeps what was made', async () => {
  const context = open();
  await context.close();
  const { folder } = context.workspace;
  const stop = new AbortController();
  const phases: string[] = [];
  const stopped = runDemo(
    { folder, threads: 1 },
    {
      signal: stop.signal,
      onPhase: (name) => phases.push(name),
      onProgress: ({ phase, done }) => {
        if (phase === 'rejected' && done >= 3) stop.abort();
      },
    },
  );
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
  expect(phases).toEqual(['import', 'generate']);
  const workspace = openWorkspace(folder);
  expect(workspace.documents.totals().documents).toBe(300);
  expect(workspace.pairs.queueCounts().all).toBeGreaterThan(8);
  expect(workspace.generationJobs.list().rows).toMatchObject([{ status: 'paused' }]);
  workspace.close();
});
