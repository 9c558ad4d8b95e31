import { basename, isAbsolute } from 'node:path';
import { z } from 'zod';
import type { ApiInput } from '../../../shared/api/contract.ts';
import type { EvaluationView } from '../../../shared/api/evaluations.ts';
import type { EvaluationTask } from '../../../shared/evaluation-tasks.ts';
import { headlineValue } from '../../../shared/evaluation-figures.ts';
import { judgeOf } from '../../../shared/evaluations.ts';
import type { EvaluationRow } from '../../../shared/evaluations.ts';
import { baseBits } from '../../../shared/run-config.ts';
import type { Execution } from '../../engine/protocol/jobs.ts';
import { demoFolder } from '../demo-folder.ts';
import { builtInSets, checkTask, itemDocument } from '../evaluation-sets.ts';
import { compareEvaluations, evaluate, evaluationItems, listEvaluations } from '../evaluations.ts';
import type { EvaluationSource } from '../evaluations.ts';
import { estimateTasks } from '../evaluation-times.ts';
import { evaluationFolder } from '../own-sets.ts';
import { evaluationContinuation } from './resumable-jobs.ts';
import type { DomainMethods, Handlers } from './handlers.ts';
import { PathGrants } from './path-grants.ts';
import type { Session } from './session.ts';

const requestSchema = z.object({
  source: z.object({ kind: z.enum(['base', 'adapter', 'run']), dir: z.string().optional() }).catch({ kind: 'base' }),
  execution: z
    .object({ device: z.enum(['cpu', 'cuda']).catch('cpu'), baseBits: z.enum(baseBits).catch('own') })
    .catch({ device: 'cpu', baseBits: 'own' }),
});
const unknownRequest: z.output<typeof requestSchema> = {
  source: { kind: 'base' },
  execution: { device: 'cpu', baseBits: 'own' },
};

/** Evaluations as the window shows them; runs and models are looked up once each. */
function evaluationViews({ context }: Session, rows: readonly EvaluationRow[]): EvaluationView[] {
  const { checkpoints, models, runs } = context.workspace;
  const once = <Key, Value>(find: (key: Key) => Value): ((key: Key) => Value) => {
    const known = new Map<Key, Value>();
    return (key) => {
      const value = known.has(key) ? (known.get(key) as Value) : find(key);
      known.set(key, value);
      return value;
    };
  };
  const modelName = once((fingerprint: string) => models.get(fingerprint)?.name ?? fingerprint.slice(0, 12));
  const runOf = once((id: number) => ({ name: runs.get(id).name, objective: runs.config(id).objective }));
  return rows.map((row) => {
    const { source, execution } = requestSchema.safeParse(row.config).data ?? unknownRequest;
    const judge = judgeOf(row);
    return {
      ...row,
      step: row.checkpointId === null ? null : checkpoints.get(row.checkpointId).step,
      source: row.runId === null ? source.kind : 'run',
      model: modelName(row.modelFingerprint),
      baseBits: execution.baseBits,
      device: execution.device,
      run: row.runId === null ? null : runOf(row.runId),
      adapter: source.dir === undefined ? null : basename(source.dir),
      judge: judge === null ? null : { name: judge.name, fingerprint: judge.fingerprint },
      selfJudged: judge?.selfJudged ?? null,
      rating: judge === null ? null : (headlineValue(row) ?? null),
    };
  });
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
    case 'published':
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

type StartInput = ApiInput<'evaluations.start'>;

/** A source without fields that are undefined. */
function asked(source: StartInput['source']): EvaluationSource {
  if (source.kind !== 'run') return source;
  const { kind, runId, checkpointId } = source;
  return { kind, runId, ...(checkpointId === undefined ? {} : { checkpointId }) };
}

function executionOf({
  threads,
  device,
  baseBits,
}: Pick<StartInput, 'threads' | 'device' | 'baseBits'>): Partial<Execution> {
  return {
    ...(threads === undefined ? {} : { threads }),
    ...(device === undefined ? {} : { device }),
    ...(baseBits === undefined ? {} : { baseBits }),
  };
}

export function evaluationHandlers(session: Session): Handlers<DomainMethods<'evaluations'>> {
  const own = new PathGrants([demoFolder, evaluationFolder]);
  const granted = (path: string): Promise<string> =>
    isAbsolute(path) ? own.check(path).catch(() => session.grants.check(path)) : session.grants.check(path);
  return {
    'evaluations.list': ({ runId, ...page }) => {
      const { rows, next } = listEvaluations(session.context, { ...page, ...(runId === undefined ? {} : { runId }) });
      return { rows: evaluationViews(session, rows), next };
    },
    'evaluations.items': ({ id, ...page }) => evaluationItems(session.context, id, page),
    'evaluations.builtIn': () => builtInSets(),
    'evaluations.check': async ({ modelDir, task }) =>
      checkTask(session.context, await granted(modelDir), await withGrantedPaths(task, granted)),
    'evaluations.estimate': ({ source, tasks, threads, device, baseBits }) =>
      estimateTasks(
        session.context,
        { source: asked(source), execution: executionOf({ threads, device, baseBits }) },
        tasks,
      ),
    'evaluations.document': ({ id, index }) => itemDocument(session.context, id, index),
    'evaluations.start': async ({ source, tasks, threads, device, baseBits }) => {
      const { context } = session;
      const checked: EvaluationSource =
        source.kind === 'run'
          ? asked(source)
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
              execution: executionOf({ threads, device, baseBits }),
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
