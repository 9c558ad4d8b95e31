import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { DemoView } from '../../../shared/api/workspaces.ts';
import { runDemoIn } from '../demo.ts';
import type { DomainMethods, Handlers } from './handlers.ts';
import type { Session } from './session.ts';

type Phases = DemoView['phases'];

/** The phases once the one that runs has ended. */
function closed(phases: Phases, at: number): Phases {
  return phases.map((phase) => (phase.endedAt === null ? { ...phase, endedAt: at } : phase));
}

/** The demo in a workspace of its own, with everything that it does to be seen while it runs. */
export function demoHandlers(session: Session): Handlers<DomainMethods<'demo'>> {
  let state: DemoView | null = null;
  const update = (change: Partial<DemoView>): void => {
    if (state !== null) state = { ...state, ...change };
    session.changed('demo');
  };
  return {
    'demo.start': async ({ folder, seed, compare }) => {
      const place =
        folder === undefined ? await mkdtemp(join(tmpdir(), 'longhand-demo-')) : await session.grants.check(folder);
      const context = await session.openWorkspace(resolve(place), true);
      const job = session.jobs.start({
        kind: 'demo',
        title: 'Demo',
        run: async (control) => {
          try {
            const report = await runDemoIn(
              context,
              { folder: place, seed, compare },
              {
                ...control,
                onProgress: (progress) => {
                  control.onProgress?.(progress);
                  for (const topic of ['metrics', 'pairs', 'runs', 'generations'] as const) session.changed(topic);
                },
                onPhase: (name) => {
                  control.log(`phase: ${name}`);
                  const at = Date.now();
                  const phases = [...closed(state?.phases ?? [], at), { name, startedAt: at, endedAt: null }];
                  update({ phases });
                  const topics = ['models', 'documents', 'pairs', 'generations', 'runs', 'evaluations'] as const;
                  for (const topic of topics) session.changed(topic);
                },
                onFigures: (figures) => {
                  update({ figures: [...(state?.figures ?? []), figures] });
                  session.changed('evaluations');
                },
              },
            );
            update({ checks: report.checks });
            return report;
          } finally {
            update({ phases: closed(state?.phases ?? [], Date.now()) });
          }
        },
      });
      state = { jobId: job.id, folder: context.workspace.folder, phases: [], figures: [], checks: null };
      session.changed('demo');
      return { jobId: job.id };
    },
    'demo.state': () => state,
  };
}
