import type { ExtensionView } from '../../../shared/api/extensions.ts';
import type { EvaluationTask } from '../../../shared/evaluation-tasks.ts';
import { parseExtensionPlan } from '../../../shared/extension-plan.ts';
import type { ExtensionRow } from '../../../shared/extension-plan.ts';
import { cancelExtension, startExtension } from '../extensions.ts';
import type { DomainMethods, Handlers } from './handlers.ts';
import { extensionContinuation, watchedExtension } from './resumable-jobs.ts';
import type { Session } from './session.ts';

function extensionView({ context: { workspace } }: Session, { plan, stages, ...row }: ExtensionRow): ExtensionView {
  return {
    ...row,
    modelDir: plan.modelDir,
    stages: stages.map((stage) => {
      const { length = 0, ropeTheta = null } = plan.stages[stage.stage - 1] ?? {};
      return {
        ...stage,
        length,
        ropeTheta,
        run: stage.runId === null ? null : workspace.runs.get(stage.runId),
        evaluations: stage.evaluationIds.map((id) => workspace.evaluations.get(id)),
      };
    }),
  };
}

export function extensionHandlers(session: Session): Handlers<DomainMethods<'extensions'>> {
  const granted = async (tasks: readonly EvaluationTask[]): Promise<EvaluationTask[]> =>
    Promise.all(
      tasks.map(async (task) => ('path' in task ? { ...task, path: await session.grants.check(task.path) } : task)),
    );
  return {
    'extensions.list': (request) => {
      const { rows, next } = session.context.workspace.extensions.list(request);
      return { rows: rows.map((row) => extensionView(session, row)), next };
    },
    'extensions.start': async (input) => {
      const { context } = session;
      const plan = parseExtensionPlan(input.plan);
      const modelDir = await session.grants.check(plan.modelDir);
      const stages = await Promise.all(
        plan.stages.map(async (stage) => ({ ...stage, evaluations: await granted(stage.evaluations) })),
      );
      const started: { id: number | null } = { id: null };
      const job = session.jobs.start({
        ...extensionContinuation(session, started),
        title: `Extend: ${plan.name}`,
        run: (control) =>
          startExtension(
            context,
            { ...plan, modelDir, stages },
            {
              ...watchedExtension(session, control),
              onPlan: (id) => {
                started.id = id;
                session.changed('extensions');
              },
            },
          ),
      });
      return { jobId: job.id };
    },
    'extensions.resume': ({ id }) => {
      const { name } = session.context.workspace.extensions.get(id);
      const continuation = extensionContinuation(session, { id });
      const job = session.jobs.start({
        ...continuation,
        title: `Extend: ${name}`,
        run: (control) => continuation.resume({ runId: null, generationId: null, evaluationIds: [] }, control),
      });
      return { jobId: job.id };
    },
    'extensions.cancel': ({ id }) => {
      cancelExtension(session.context, id);
      session.changed('extensions');
      return null;
    },
  };
}
