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
import type { TrainingMetric } from '../../src/shared/metrics.ts';
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

const names: readonly TrainingMetric[] = [
  ...(['nll', 'nll/document', 'nll/answers', 'preference_loss', 'grad_norm', 'learning_rate'] as const),
  ...(['rewards/chosen', 'rewards/rejected', 'rewards/margins', 'rewards/accuracies'] as const),
  ...(['logps/chosen', 'logps/rejected', 'kl/short_to_long/chosen', 'tokens_per_second'] as const),
];

/** Stores one step after the other, as a run does, and tells the windows. */
async function live(runId: number, updates: number): Promise<readonly LiveUpdate[]> {
  const { workspace: store } = session.context;
  const made: LiveUpdate[] = [];
  for (let i = 0; i < updates; i++) {
    const step = (store.runs.get(runId).lastStep ?? -1) + 1;
    const loss = 1 + (step % 7919) / 1000;
    store.metrics.append(runId, [
      { step, key: 'loss', value: loss },
      ...names.map((key) => ({ step, key, value: 0.5 + (step % 10) / 20 })),
    ]);
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
