import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { synthesisPresets } from '../../src/shared/synthesis-config.ts';
import { callFrom, until } from './in-page.ts';
import type { App } from './start-app.ts';

/** The demo's files. */
export const demoFiles = join(import.meta.dirname, '..', '..', 'resources', 'demo');
export const demoModel = join(demoFiles, 'base-model');

/** Waits until no job is waiting, running or pausing. */
export function idleIn({ page }: App): Promise<void> {
  return until('all jobs to end', async () =>
    (await callFrom<{ status: string }[]>(page, 'jobs.list', {})).every(
      ({ status }) => !['waiting', 'running', 'pausing'].includes(status),
    ),
  );
}

/** A workspace with the first documents of the demo and its model's own pairs, made by the application itself. */
export async function harbourWorkspace(app: App, documents: number): Promise<void> {
  const call = (name: string, input: unknown): Promise<unknown> => callFrom(app.page, name, input);
  const folder = join(app.folder, 'documents');
  mkdirSync(folder);
  for (let i = 1; i <= documents; i++) {
    const name = `harbour-${String(i).padStart(3, '0')}.txt`;
    copyFileSync(join(demoFiles, 'documents', 'train', name), join(folder, name));
  }
  await call('workspaces.open', { folder: join(app.folder, 'workspace'), create: true });
  await call('models.add', { dir: demoModel });
  await call('documents.import', { paths: [folder] });
  await idleIn(app);
  await call('generations.start', { modelDir: demoModel, settings: synthesisPresets.demo });
  await idleIn(app);
}
