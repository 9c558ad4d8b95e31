import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { EvaluationView } from '../../../shared/api/evaluations.ts';
import type { EvaluationTask } from '../../../shared/evaluation-tasks.ts';
import { headlineValue } from '../../../shared/evaluation-figures.ts';
import { judgeOf } from '../../../shared/evaluations.ts';
import type { EvaluationRow } from '../../../shared/evaluations.ts';
import { demoFolder } from '../demo-folder.ts';
import { compareEvaluations, evaluate, evaluationItems, listEvaluations } from '../evaluations.ts';
import type { EvaluationSource } from '../evaluations.ts';
import { evaluationContinuation } from './resumable-jobs.ts';
import type { DomainMethods, Handlers } from './handlers.ts';
import { PathGrants } from './path-grants.ts';
import type { Session } from './session.ts';

const builtIn = ['short', 'long', 'closed'] as const;

function evaluationView(session: Session, row: EvaluationRow): EvaluationView {
  const { checkpoints } = session.context.workspace;
  const judge = judgeOf(row);
  return {
    ...row,
    step: row.checkpointId === null ? null : checkpoints.get(row.checkpointId).step,
    source: row.runId !== null ? 'run' : isAdapter(row.config) ? 'adapter' : 'base',
    judge: judge === null ? null : { name: judge.name, fingerprint: judge.fingerprint },
    selfJudged: judge?.selfJudged ?? null,
    rating: judge === null ? null : (headlineValue(row) ?? null),
  };
}

function isAdapter(config: unknown): boolean {
  const source = (config as { readonly source?: { readonly kind?: unknown } } | null)?.source;
  return source?.kind === 'adapter';
}

/** The task with every path that it names checked. Errors: those of `granted`. */
async function withGrantedPaths(
  task: EvaluationTask,
  granted: (path: string) => Promise<string>,
): Promise<EvaluationTask> {
  const optional = async (path: string | null): Promise<string | null> => (path === null ? null : granted(path));
  switch (task.kind) {
    case 'kl':
      return task;
    case 'ruler':
      return {
        ...task,
        documents: await Promise.all(task.documents.map(granted)),
        questions: await optional(task.questions),
      };
    case 'multiple_choice':
      return { ...task, path: await granted(task.path), examples: await optional(task.examples) };
    case 'judged':
      return {
        ...{ ...task, path: await granted(task.path) },
        ...{ judge: await granted(task.judge), references: await optional(task.references) },
      };
    default:
      return { ...task, path: await granted(task.path) };
  }
}

export function evaluationHandlers(session: Session): Handlers<DomainMethods<'evaluations'>> {
  const demo = new PathGrants([demoFolder]);
  const granted = (path: string): Promise<string> =>
    isAbsolute(path) ? demo.check(path).catch(() => session.grants.check(path)) : session.grants.check(path);
  return {
    'evaluations.list': ({ runId, ...page }) => {
      const { rows, next } = listEvaluations(session.context, { ...page, ...(runId === undefined ? {} : { runId }) });
      return { rows: rows.map((row) => evaluationView(session, row)), next };
    },
    'evaluations.items': ({ id, ...page }) => evaluationItems(session.context, id, page),
    'evaluations.builtIn': () =>
      builtIn.map((name) => {
        const path = join(demoFolder, 'documents', 'eval', `${name}.jsonl`);
        return { name: `demo ${name}`, path, items: readFileSync(path, 'utf8').trimEnd().split('\n').length };
      }),
    'evaluations.start': async ({ source, tasks, threads, device, baseBits }) => {
      const { context } = session;
      const checked: EvaluationSource =
        source.kind === 'run'
          ? {
              kind: 'run',
              runId: source.runId,
              ...(source.checkpointId === undefined ? {} : { checkpointId: source.checkpointId }),
            }
          : {
              ...source,
              modelDir: await granted(source.modelDir),
              ...('dir' in source ? { dir: await granted(source.dir) } : {}),
            };
      const files = await Promise.all(tasks.map((task) => withGrantedPaths(task, granted)));
      const job = session.jobs.start({
        ...evaluationContinuation(session),
        title: source.kind === 'run' ? `Evaluate run ${source.runId}` : `Evaluate ${source.modelDir}`,
        refs: { runId: source.kind === 'run' ? source.runId : null },
        run: async (control) => {
          const outcomes = await evaluate(
            context,
            {
              ...{ source: checked, tasks: files },
              execution: { threads, device, ...(baseBits === undefined ? {} : { baseBits }) },
            },
            {
              ...control,
              onRows: (evaluationIds) => {
                control.note({ evaluationIds });
                session.changed('evaluations');
              },
              onTask: () => {
                session.changed('evaluations');
              },
            },
          );
          return outcomes.map(({ row }) => row);
        },
      });
      return { jobId: job.id };
    },
    'evaluations.compare': ({ ids, names }) =>
      compareEvaluations(session.context, ids, names === undefined ? {} : { names }),
  };
}
