import { resolve } from 'node:path';
import { UserError } from '../../shared/errors.ts';
import type { ServiceContext } from './context.ts';
import type { JobOptions } from './engine-client.ts';
import { modelFolder } from './models.ts';
import { checkpointOf } from './runs.ts';

export interface ExportRequest {
  readonly runId: number;
  /** Left out: the newest checkpoint. */
  readonly checkpointId?: number;
  /** Folder to write. */
  readonly dir: string;
  /** Left out: where the run found its model. */
  readonly modelDir?: string;
}

/**
 * Writes a run's adapter as a PEFT folder.
 * Errors: `unsupported` for a run that trained all weights, `not_found`, those of writing.
 */
export async function exportAdapter(
  context: ServiceContext,
  request: ExportRequest & { readonly baseModel?: string },
  options: JobOptions = {},
): Promise<{ readonly dir: string }> {
  const { engine, workspace } = context;
  const run = workspace.runs.get(request.runId);
  const { trainable, baseBits } = workspace.runs.config(run.id);
  if (trainable.kind !== 'lora') {
    throw new UserError('unsupported', `The run ${run.id} trained all weights, so there is no adapter to export.`, {
      hint: 'Export the merged model instead.',
    });
  }
  const modelDir = resolve(request.modelDir ?? modelFolder(context, run.modelFingerprint));
  const checkpoint = checkpointOf(context, run.id, request.checkpointId ?? null).folder;
  const baseModel = request.baseModel ?? modelDir;
  const result = await engine.run(
    'exportAdapter',
    { modelDir, checkpoint, trainable, dir: resolve(request.dir), baseModel, baseBits },
    {},
    options,
  );
  workspace.events.add('adapter_exported', `run/${run.id}`, { dir: result.dir, checkpoint });
  return result;
}

/**
 * Writes a run's model as a Hugging Face folder with the trained weights in it, or with `scale` times what they learned. An
 * adapter trained on a 4-bit base goes into the model's own weights, and a notice says so: that is not quite the model that
 * was trained.
 * Errors: `conflict` where the folder has files, `not_found`, those of writing; the folder appears whole or not at all.
 */
export async function exportMerged(
  context: ServiceContext,
  request: ExportRequest & { readonly dtype?: 'keep' | 'float32' | 'bfloat16' | 'float16'; readonly scale?: number },
  options: JobOptions = {},
): Promise<{ readonly dir: string }> {
  const { engine, workspace } = context;
  const run = workspace.runs.get(request.runId);
  const { trainable, ropeTheta, baseBits } = workspace.runs.config(run.id);
  const modelDir = resolve(request.modelDir ?? modelFolder(context, run.modelFingerprint));
  const checkpoint = checkpointOf(context, run.id, request.checkpointId ?? null).folder;
  const { dtype = 'keep', scale = 1 } = request;
  if (baseBits === '4') {
    options.onNotice?.(
      'The adapter was trained on weights in 4 bits and is merged into the weights in their own precision: evaluate the result.',
    );
  }
  const result = await engine.run(
    'exportMerged',
    { modelDir, checkpoint, trainable, dir: resolve(request.dir), dtype, ropeTheta, scale },
    {},
    options,
  );
  workspace.events.add('model_exported', `run/${run.id}`, {
    dir: result.dir,
    checkpoint,
    ...(scale === 1 ? {} : { scale }),
  });
  return result;
}
