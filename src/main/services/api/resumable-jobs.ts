import { basename } from 'node:path';
import { UserError } from '../../../shared/errors.ts';
import type { EvaluationRow } from '../../../shared/evaluations.ts';
import { cancelEvaluations, resumeEvaluations } from '../evaluations.ts';
import { cancelExtension, resumeExtension } from '../extensions.ts';
import type { ExtensionOptions } from '../extensions.ts';
import { endScoring, scorePairs, unfinishedScoring } from '../pair-scores.ts';
import type { ScorePairsRequest } from '../pair-scores.ts';
import { cancelGeneration, generationReport, resumeGeneration } from '../pairs.ts';
import type { GenerationReport } from '../pairs.ts';
import { cancelRun, resumeRun } from '../runs.ts';
import type { RunOutcome } from '../runs.ts';
import { STOPPED } from './api-jobs.ts';
import type { JobControl, JobRequest } from './api-jobs.ts';
import { generationView } from './generation-view.ts';
import { changedByJob } from './changed-by-job.ts';
import type { Session } from './session.ts';

/** What can be done with a job that has stopped, apart from its first start. */
type Continuation = Pick<JobRequest, 'kind' | 'abandon'> & { readonly resume: NonNullable<JobRequest['resume']> };

/** The control of a run's job: its metrics are told as they come. */
export function watchedRun(session: Session, control: JobControl, runId: () => number | null): JobControl {
  return {
    ...control,
    onProgress: (progress) => {
      control.onProgress?.(progress);
      session.changed('metrics', runId());
    },
  };
}

/** A run's outcome as its job's answer. */
export function settledRun(outcome: RunOutcome): unknown {
  return outcome.status === 'stopped' ? STOPPED : outcome;
}

/** How a training job goes on; `begin` is for one that was stopped before its run was in the store. */
export function trainContinuation(
  session: Session,
  begin?: (control: JobControl) => Promise<unknown>,
): Continuation & { readonly kind: 'train' } {
  return {
    kind: 'train',
    resume: async ({ runId }, control) => {
      if (runId !== null) {
        const watched = watchedRun(session, control, () => runId);
        return settledRun(await resumeRun(session.context, runId, watched));
      }
      if (begin === undefined) throw beforeItBegan('run');
      return begin(control);
    },
    abandon: ({ runId }) => {
      if (runId !== null) cancelRun(session.context, runId);
    },
  };
}

/** The control of a generation's job: pairs appear as documents are finished. */
export function watchedGeneration(session: Session, control: JobControl): JobControl {
  return {
    ...control,
    onProgress: (progress) => {
      control.onProgress?.(progress);
      session.changed('generations');
      session.changed('pairs');
    },
  };
}

/** How a generation goes on. */
export function generationContinuation(session: Session): Continuation {
  const resumed = async (id: number, control: JobControl): Promise<GenerationReport> =>
    resumeGeneration(session.context, id, watchedGeneration(session, control));
  return {
    kind: 'generate',
    resume: async ({ generationId }, control) => {
      if (generationId === null) throw beforeItBegan('generation');
      return generationView(await resumed(generationId, control));
    },
    abandon: ({ generationId }) => {
      if (generationId !== null) cancelGeneration(session.context, generationId);
    },
  };
}

/** How an evaluation goes on: with those of its tasks that have no figures yet. */
export function evaluationContinuation(session: Session): Continuation {
  return {
    kind: 'evaluate',
    resume: async ({ evaluationIds }, control) => {
      if (evaluationIds.length === 0) throw beforeItBegan('evaluation');
      const done = await resumeEvaluations(session.context, evaluationIds, {
        ...control,
        onTask: () => {
          session.changed('evaluations');
        },
      });
      return done.map(({ row }) => row);
    },
    abandon: ({ evaluationIds }) => {
      cancelEvaluations(session.context, evaluationIds);
    },
  };
}

/** How a scoring of pairs goes on: what is scored is stored, so again is on. */
export function scoringContinuation(session: Session, request: ScorePairsRequest): Continuation {
  return {
    kind: 'scorePairs',
    resume: (_refs, control) => {
      const onScores = (): void => session.changed('scores');
      return scorePairs(session.context, request, { ...control, onScores });
    },
    abandon: () => endScoring(session.context),
  };
}

/** What a plan's job tells the windows: its parts, and what they make. */
export function watchedExtension(session: Session, control: JobControl): JobControl & ExtensionOptions {
  const changed = (): void => {
    for (const topic of changedByJob.extend) session.changed(topic);
  };
  return {
    ...control,
    onPart: (stage, part) => {
      control.log(`Stage ${stage}: ${part}`);
      changed();
    },
    onProgress: (progress) => {
      control.onProgress?.(progress);
      if (progress.phase === 'train') session.changed('metrics', null);
      session.changed('extensions');
    },
  };
}

/** How an extension plan goes on; `plan.id` is null until it is in the store. */
export function extensionContinuation(session: Session, plan: { readonly id: number | null }): Continuation {
  return {
    kind: 'extend',
    resume: async (_refs, control) => {
      if (plan.id === null) throw beforeItBegan('plan');
      return resumeExtension(session.context, plan.id, watchedExtension(session, control));
    },
    abandon: () => {
      if (plan.id !== null) cancelExtension(session.context, plan.id);
    },
  };
}

/**
 * Puts what an earlier Longhand left unfinished in this workspace (closed, killed, or failed) into the list of jobs, so
 * that each can be continued or ended from there.
 */
export function restoreJobs(session: Session): void {
  const { workspace } = session.context;
  const plans = workspace.extensions.stopped().map((id) => workspace.extensions.get(id));
  for (const { id, name, ...times } of plans) {
    session.jobs.restore({ ...extensionContinuation(session, { id }), title: `Extend: ${name}` }, times);
  }
  // What a plan has begun goes on with the plan.
  const stages = plans.flatMap((plan) => plan.stages);
  const [evaluations, generations, runs] = [
    new Set(stages.flatMap(({ evaluationIds }) => evaluationIds)),
    new Set(stages.map(({ generationId }) => generationId)),
    new Set(stages.map(({ runId }) => runId)),
  ];
  for (const rows of startedTogether(workspace.evaluations.stopped().map((id) => workspace.evaluations.get(id)))) {
    const [first] = rows;
    if (first === undefined || evaluations.has(first.id)) continue;
    const { runId } = first;
    const title = `Evaluate ${runId === null ? 'base' : `run ${runId}`} on ${rows.map(({ setName }) => setName).join(', ')}`;
    const refs = { runId, evaluationIds: rows.map(({ id }) => id) };
    session.jobs.restore({ ...evaluationContinuation(session), title, refs }, first);
  }
  for (const id of workspace.generationJobs.stopped()) {
    if (generations.has(id)) continue;
    const { job } = generationReport(session.context, id);
    session.jobs.restore(
      { ...generationContinuation(session), title: `Generate: ${job.name}`, refs: { generationId: id } },
      job,
    );
  }
  for (const id of workspace.runs.stopped()) {
    const run = workspace.runs.get(id);
    if (run.archivedAt !== null || runs.has(id)) continue;
    session.jobs.restore({ ...trainContinuation(session), title: run.name, refs: { runId: id } }, run);
  }
  const scoring = unfinishedScoring(session.context);
  if (scoring !== undefined) {
    const { request, at } = scoring;
    session.jobs.restore(
      { ...scoringContinuation(session, request), title: scoringTitle(request) },
      { status: 'paused', createdAt: at, endedAt: at, error: null },
    );
  }
}

export const scoringTitle = ({ modelDir }: ScorePairsRequest): string => `Score pairs with ${basename(modelDir)}`;

/** Most milliseconds between the rows of one evaluation's tasks, which are stored in one go. */
const atOnce = 1000;

/** Rows in groups of tasks that were started by one evaluation. */
function startedTogether(rows: readonly EvaluationRow[]): EvaluationRow[][] {
  const groups: EvaluationRow[][] = [];
  for (const row of rows) {
    const before = groups.at(-1)?.at(-1);
    const same =
      before !== undefined &&
      before.id + 1 === row.id &&
      before.checkpointId === row.checkpointId &&
      before.modelFingerprint === row.modelFingerprint &&
      row.createdAt - before.createdAt < atOnce;
    if (same) groups.at(-1)?.push(row);
    else groups.push([row]);
  }
  return groups;
}

function beforeItBegan(what: string): UserError {
  return new UserError('conflict', `The ${what} stopped before it began.`, { hint: 'Start it again.' });
}
