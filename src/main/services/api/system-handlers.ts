import { cpus, freemem, platform, release, totalmem } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { EventView, SystemInfo } from '../../../shared/api/system.ts';
import { selfTest } from '../checks.ts';
import { codeVersion } from '../code-version.ts';
import { CARD_SETTING, adoptCard } from '../cuda/chosen-card.ts';
import { cudaReport, onnxruntimeVersion } from '../cuda/report.ts';
import { notices } from '../notices.ts';
import type { DomainMethods, Handlers } from './handlers.ts';
import type { Session } from './session.ts';
import { workspaceInfo } from './workspace-handlers.ts';

const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();

export function systemInfo(session: Session): SystemInfo {
  const [version = '', commit = null] = codeVersion().split('+');
  const engine = session.open ? session.context.engine : undefined;
  return {
    version,
    commit,
    node: process.version,
    onnxruntime: onnxruntimeVersion(),
    platform: `${platform()} ${release()}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryTotal: totalmem(),
    memoryFree: freemem(),
    mainRss: process.memoryUsage().rss,
    engine: engine?.pid === undefined ? null : { pid: engine.pid, peakBytes: engine.usage?.peakBytes ?? null },
    shell: session.shell,
    eventLoopDelay: { max: delay.max / 1e6, p99: delay.percentile(99) / 1e6 },
  };
}

function events(session: Session, limit: number): EventView[] {
  if (!session.open) return [];
  return session.context.workspace.events.latest(limit).map(({ id, at, kind, subject, detail }) => ({
    id,
    at,
    kind,
    message: `${subject} ${JSON.stringify(detail)}`.trim(),
  }));
}

/** For a bug report: machine, versions, counts and the last events; no text of documents, pairs or answers. */
function diagnostics(session: Session): string {
  const lines = [
    'Longhand diagnostics',
    JSON.stringify(systemInfo(session), null, 1),
    session.open ? JSON.stringify(workspaceInfo(session.context), null, 1) : 'no workspace is open',
    ...session.jobs.list().map((job) => `job ${job.id} ${job.kind} ${job.status} ${job.error?.message ?? ''}`),
    ...events(session, 50).map((event) => `${new Date(event.at).toISOString()} ${event.kind} ${event.message}`),
  ];
  return lines.join('\n');
}

/** Our own engine is no stranger on the card. */
export function ownEngine(session: Session): { readonly ownPids: readonly number[] } {
  const pid = session.open ? session.context.engine.pid : undefined;
  return { ownPids: pid === undefined ? [] : [pid] };
}

export function systemHandlers(session: Session): Handlers<DomainMethods<'system' | 'jobs' | 'settings'>> {
  return {
    'system.info': () => systemInfo(session),
    'system.events': ({ limit }) => events(session, limit),
    'system.cuda': () => cudaReport(ownEngine(session)),
    'system.selfTest': ({ device }) => {
      const { engine } = session.context;
      const job = session.jobs.start({
        kind: 'selfTest',
        title: `Self-test on ${device}`,
        run: (control) => selfTest(engine, { device }, control),
      });
      return { jobId: job.id };
    },
    'system.notices': () => notices(),
    'system.diagnostics': () => diagnostics(session),
    'settings.all': () => session.settings.all(),
    'settings.set': async ({ key, value }) => {
      await session.settings.set(key, value);
      if (key === CARD_SETTING) adoptCard(value);
      session.changed('settings');
      return null;
    },
    'jobs.list': () => session.jobs.list(),
    'jobs.log': ({ id, after }) => session.jobs.log(id, after),
    'jobs.pause': ({ id }) => session.jobs.pause(id),
    'jobs.resume': ({ id }) => session.jobs.resume(id),
    'jobs.cancel': ({ id }) => session.jobs.cancel(id),
  };
}
