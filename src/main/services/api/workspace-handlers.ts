import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isAlive } from '../../../shared/api/jobs.ts';
import type { FolderEntry, FolderListing, WorkspaceInfo } from '../../../shared/api/workspaces.ts';
import { UserError } from '../../../shared/errors.ts';
import { databaseName } from '../../workspace/workspace.ts';
import type { ServiceContext } from '../context.ts';
import { workBeside } from '../work-client.ts';
import { exportAll, workspaceBackups } from '../workspace-care.ts';
import { demoHandlers } from './demo-handlers.ts';
import type { DomainMethods, Handlers } from './handlers.ts';
import type { Session } from './session.ts';

/** What the start page shows of a workspace. */
export function workspaceInfo({ workspace }: Pick<ServiceContext, 'workspace'>): WorkspaceInfo {
  const { all, unreviewed } = workspace.pairs.queueCounts();
  return {
    folder: workspace.folder,
    models: workspace.models.list().length,
    documents: workspace.documents.totals().documents,
    pairs: all,
    unreviewed,
    runs: workspace.runs.count(),
    evaluations: workspace.evaluations.count(),
  };
}

async function browse(session: Session, wanted: string | null): Promise<FolderListing> {
  const path = await session.grants.check(wanted ?? session.grants.roots[0] ?? '.');
  const names = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    throw new UserError('not_found', `The folder ${path} cannot be read.`, { place: { file: path }, cause: error });
  });
  const entries = await Promise.all(
    names
      .filter((entry) => !entry.name.startsWith('.') && (entry.isDirectory() || entry.isFile()))
      .map(async (entry): Promise<FolderEntry> => {
        const full = join(path, entry.name);
        const folder = entry.isDirectory();
        const bytes = folder ? null : ((await stat(full).catch(() => null))?.size ?? null);
        return {
          name: entry.name,
          path: full,
          kind: folder ? 'folder' : 'file',
          role: folder ? roleOf(full) : null,
          bytes,
        };
      }),
  );
  entries.sort((a, b) => (a.kind === b.kind ? a.name.localeCompare(b.name) : a.kind === 'folder' ? -1 : 1));
  const parent = await session.grants.check(dirname(path)).catch(() => null);
  return { path, parent: parent === path ? null : parent, entries };
}

function roleOf(folder: string): FolderEntry['role'] {
  if (existsSync(join(folder, databaseName))) return 'workspace';
  return existsSync(join(folder, 'config.json')) && existsSync(join(folder, 'tokenizer.json')) ? 'model' : null;
}

type Care = 'backups' | 'backUp' | 'check' | 'compact' | 'restore' | 'exportAll';

/** `Session.whileClosed`, but not while a job runs (`conflict`). */
async function whileClosed<T>(session: Session, done: string, work: (folder: string) => Promise<T>): Promise<T> {
  const busy = session.jobs.list().find(isAlive);
  if (busy !== undefined) {
    throw new UserError('conflict', `"${busy.title}" is still running, so the workspace was not ${done}.`, {
      hint: 'Wait for its end, or pause it.',
    });
  }
  return session.whileClosed(work);
}

function careHandlers(session: Session): Pick<Handlers<DomainMethods<'workspaces'>>, `workspaces.${Care}`> {
  return {
    'workspaces.backups': async ({ folder }) =>
      folder === undefined ? session.context.workspace.backups() : workspaceBackups(await session.grants.check(folder)),
    'workspaces.backUp': () => {
      const { workspace } = session.context;
      const job = session.jobs.start({
        ...{ kind: 'care', title: 'Back up the workspace', beside: true },
        run: async ({ signal }) => {
          const backup = await workspace.backUp('manual', signal);
          session.changed('workspace');
          return backup;
        },
      });
      return { jobId: job.id };
    },
    'workspaces.check': () => {
      const { folder } = session.context.workspace;
      const job = session.jobs.start({
        ...{ kind: 'care', title: 'Check the workspace', beside: true },
        run: (control) => workBeside('check', { folder }, control),
      });
      return { jobId: job.id };
    },
    'workspaces.compact': () =>
      whileClosed(session, 'compacted', (folder) => workBeside('compact', { folder, now: Date.now() })),
    'workspaces.restore': async ({ folder, name }) =>
      folder === undefined
        ? whileClosed(session, 'put back', (open) => workBeside('restore', { folder: open, name, now: Date.now() }))
        : workBeside('restore', { folder: await session.grants.check(folder), name, now: Date.now() }),
    'workspaces.exportAll': async (request) => {
      const { context } = session;
      const folder = await session.grants.check(request.folder);
      const job = session.jobs.start({
        ...{ kind: 'export', title: 'Export everything' },
        run: (control) => exportAll(context, { folder }, control),
      });
      return { jobId: job.id };
    },
  };
}

export function workspaceHandlers(session: Session): Handlers<DomainMethods<'workspaces' | 'files' | 'demo'>> {
  return {
    'workspaces.current': () => (session.open ? workspaceInfo(session.context) : null),
    'workspaces.recent': () => session.recent.list(),
    'workspaces.open': async ({ folder, create }) =>
      workspaceInfo(await session.openWorkspace(await session.grants.check(folder), create)),
    'workspaces.close': async () => {
      await session.closeWorkspace();
      return null;
    },
    ...careHandlers(session),
    'files.browse': ({ path }) => browse(session, path),
    ...demoHandlers(session),
  };
}
