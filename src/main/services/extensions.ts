import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UserError } from '../../shared/errors.ts';
import { parseExtensionPlan } from '../../shared/extension-plan.ts';
import type {
  ExtensionPlan,
  ExtensionPlanInput,
  ExtensionRow,
  ExtensionStageRow,
} from '../../shared/extension-plan.ts';
import type { RunConfigInput } from '../../shared/run-config.ts';
import { codeVersion } from './code-version.ts';
import type { ServiceContext } from './context.ts';
import type { JobOptions } from './engine-client.ts';
import { evaluate, resumeEvaluations } from './evaluations.ts';
import { exportMerged } from './exports.ts';
import { withStatus } from './job-status.ts';
import { usableModel } from './models.ts';
import { generatePairs, resumeGeneration } from './pairs.ts';
import { resumeRun, train } from './runs.ts';

/** The parts of a stage, in order. */
export type StagePart = 'generate' | 'train' | 'merge' | 'evaluate';

export interface ExtensionOptions extends JobOptions {
  /** Called once the plan is in the store, before its first stage begins. */
  readonly onPlan?: ((id: number) => void) | undefined;
  /** Called before each part of a stage (from 1) that is begun or gone on with. */
  readonly onPart?: ((stage: number, part: StagePart) => void) | undefined;
}

/**
 * Runs a plan from its first stage to its last: pairs made by the stage's start model, a run with that model as the
 * reference, the trained model merged into a folder of the workspace (the next stage's start model), its evaluations.
 * Errors: `invalid_input` for the plan or a model that cannot be used (nothing is stored then), those of the parts,
 * `cancelled`. The plan is then paused or failed, and `resumeExtension` goes on with it.
 */
export async function startExtension(
  context: ServiceContext,
  input: ExtensionPlanInput,
  options: ExtensionOptions = {},
): Promise<ExtensionRow> {
  const parsed = parseExtensionPlan(input);
  const plan = { ...parsed, modelDir: resolve(parsed.modelDir) };
  await usableModel(context.engine, plan.modelDir, options);
  const id = context.workspace.extensions.add(plan, codeVersion());
  options.onPlan?.(id);
  return runPlan(context, id, options);
}

/**
 * Goes on with a plan that was paused, failed or killed: what is finished stays, and the part that was under way goes on
 * from its own last state, to the same result.
 * Errors: `not_found`, `conflict` for a finished or cancelled plan, those of the parts.
 */
export async function resumeExtension(
  context: ServiceContext,
  id: number,
  options: ExtensionOptions = {},
): Promise<ExtensionRow> {
  const { status } = context.workspace.extensions.get(id);
  if (status === 'finished' || status === 'cancelled') {
    throw new UserError('conflict', `The extension plan ${id} is ${status} and cannot be continued.`, {
      hint: 'Start a new plan.',
    });
  }
  return runPlan(context, id, options);
}

/** Ends a stopped plan for good; what its stages have made stays. Errors: `not_found`, `conflict`. */
export function cancelExtension({ workspace }: Pick<ServiceContext, 'workspace'>, id: number): void {
  workspace.extensions.setStatus(id, 'cancelled');
}

async function runPlan(context: ServiceContext, id: number, options: ExtensionOptions): Promise<ExtensionRow> {
  const { workspace } = context;
  const { plan } = workspace.extensions.get(id);
  await withStatus(workspace.extensions, id, async () => {
    let modelDir = plan.modelDir;
    for (const number of plan.stages.keys()) {
      await runStage(context, { id, plan, number: number + 1, modelDir }, options);
      modelDir = join(workspace.folder, modelPath(id, number + 1));
    }
  });
  return workspace.extensions.get(id);
}

interface StageOfPlan {
  readonly id: number;
  readonly plan: ExtensionPlan;
  /** From 1. */
  readonly number: number;
  /** Where the stage begins: the model that makes the pairs, is trained and is the reference. */
  readonly modelDir: string;
}

async function runStage(
  context: ServiceContext,
  { id, plan, number, modelDir }: StageOfPlan,
  options: ExtensionOptions,
): Promise<void> {
  const { workspace } = context;
  const stage = plan.stages[number - 1];
  const present = (): ExtensionStageRow => {
    const row = workspace.extensions.get(id).stages[number - 1];
    if (row === undefined) throw new Error(`The plan ${id} has no stage ${number}.`);
    return row;
  };
  if (stage === undefined || present().finished) return;
  const note = (change: Partial<ExtensionStageRow>): void => workspace.extensions.setStage(id, number, change);
  const name = `${plan.name}, stage ${number}`;
  const { device, threads, dtype } = plan;
  const execution = { device, threads };

  const { generationId } = present();
  if (generationId === null) {
    options.onPart?.(number, 'generate');
    const request = { modelDir, name, settings: stage.synthesis, execution };
    await generatePairs(
      context,
      { ...request, ...(stage.documentIds === null ? {} : { documentIds: stage.documentIds }) },
      { ...options, onJob: (job) => note({ generationId: job }) },
    );
  } else if (workspace.generationJobs.get(generationId)?.status !== 'finished') {
    options.onPart?.(number, 'generate');
    await resumeGeneration(context, generationId, options);
  }

  const { runId } = present();
  if (runId === null || workspace.runs.get(runId).status !== 'finished') {
    options.onPart?.(number, 'train');
    const config: RunConfigInput = {
      ...stage.train,
      ...{ maxLength: stage.length, ropeTheta: stage.ropeTheta, device, threads },
    };
    const { status, run } =
      runId === null
        ? await train(
            context,
            { modelDir, config, name, selection: { jobId: present().generationId } },
            { ...options, onRun: (made) => note({ runId: made.id }) },
          )
        : await resumeRun(context, runId, { ...options, modelDir });
    if (status === 'stopped') throw new UserError('cancelled', `The run ${run.id} was stopped.`);
  }

  const trained = present().runId;
  if (trained === null) throw new Error(`The stage ${number} of plan ${id} has no run.`);
  const path = modelPath(id, number);
  if (present().modelPath === null) {
    options.onPart?.(number, 'merge');
    const dir = join(workspace.folder, path);
    await mkdir(join(workspace.folder, 'extensions', String(id)), { recursive: true });
    // The folder appears whole or not at all: one that is there was finished before it could be noted.
    if (!existsSync(dir)) await exportMerged(context, { runId: trained, dir, modelDir, dtype }, options);
    note({ modelPath: path });
  }

  const { evaluationIds } = present();
  if (evaluationIds.length > 0) {
    options.onPart?.(number, 'evaluate');
    await resumeEvaluations(context, evaluationIds, options);
  } else if (stage.evaluations.length > 0) {
    options.onPart?.(number, 'evaluate');
    const source = { kind: 'run', runId: trained, modelDir } as const;
    const onRows = (ids: readonly number[]): void => note({ evaluationIds: ids });
    await evaluate(context, { source, tasks: stage.evaluations, execution }, { ...options, onRows });
  }
  note({ finished: true });
}

/** A stage's model, relative to the workspace. */
function modelPath(id: number, stage: number): string {
  return join('extensions', String(id), `stage-${stage}`);
}
