// The loopback host on a workspace, watched, as a process of its own: what main does for a window, and how long it blocks.
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { PathGrants } from '../../src/main/services/api/path-grants.ts';
import { RecentWorkspaces } from '../../src/main/services/api/recent-workspaces.ts';
import { Session } from '../../src/main/services/api/session.ts';
import { UserSettings } from '../../src/main/services/api/user-settings.ts';
import { startLoopbackHost } from '../../src/main/shell/loopback/loopback-host.ts';
import { watchThread } from './watch-thread.ts';
import type { ThreadReport } from './watch-thread.ts';

/** What the measuring process asks for, one at a time. */
export type HostRequest =
  { readonly kind: 'report' } | { readonly kind: 'live'; readonly runId: number; readonly updates: number };

/** An update of a run: when it was stored (milliseconds since 1970, with fractions), and its loss. */
export interface LiveUpdate {
  readonly at: number;
  readonly loss: number;
}
export type HostAnswer = { readonly address: string } | ThreadReport | readonly LiveUpdate[];

/** Four updates a second. */
const interval = 250;

const [workspace = '', scratch = ''] = process.argv.slice(2);
const watch = watchThread();
subscribe('http.server.request.start', (message) => {
  watch.noteCall((message as { request: IncomingMessage }).request.url ?? '');
});

const session = new Session({
  grants: new PathGrants([workspace, scratch]),
  recent: new RecentWorkspaces(join(scratch, 'recent-workspaces.json')),
  settings: new UserSettings(join(scratch, 'settings.json')),
  shell: 'loopback',
});
await session.openWorkspace(workspace, false);
const renderer = join(import.meta.dirname, '..', '..', 'out', 'renderer');
const host = await startLoopbackHost({ session, renderer, port: 0 });

/** Stores one step after the other, as a run does, and tells the windows. */
async function live(runId: number, updates: number): Promise<readonly LiveUpdate[]> {
  const { workspace: store } = session.context;
  const made: LiveUpdate[] = [];
  for (let i = 0; i < updates; i++) {
    const last = store.runs.get(runId).lastStep ?? 0;
    // As the step before, but for the loss, by which an update is known on the screen.
    const loss = 0.4 + (last % 97) / 1000;
    const rows = store.metrics.atStep(runId, last).map((row) => ({ ...row, step: last + 1 }));
    store.metrics.append(
      runId,
      rows.map((row) => (row.key === 'loss' ? { ...row, value: loss } : row)),
    );
    made.push({ at: performance.timeOrigin + performance.now(), loss });
    session.changed('metrics', runId);
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
  return made;
}

const answer = (value: HostAnswer): void => {
  process.send?.(value);
};
process.on('message', (request: HostRequest) => {
  if (request.kind === 'report') answer(watch.report());
  else void live(request.runId, request.updates).then(answer);
});
process.on('SIGTERM', () => {
  void host.close().then(() => process.exit(0));
});
process.on('disconnect', () => {
  void host.close().then(() => process.exit(0));
});
answer({ address: host.address });
