import { basename, resolve } from 'node:path';
import { UserError } from '../../shared/errors.ts';
import type { ModelReport } from '../../shared/model-report.ts';
import type { ServiceContext } from './context.ts';
import type { EngineClient, JobOptions } from './engine-client.ts';

/**
 * Describes a Hugging Face model folder: architecture, sizes, RoPE, tokenizer, chat template on an example, memory.
 * What hinders its use stands in `problems`; only a folder without a readable config.json or weights is an error.
 */
export function inspectModel(engine: EngineClient, dir: string, options: JobOptions = {}): Promise<ModelReport> {
  return engine.run('inspectModel', { modelDir: resolve(dir) }, {}, options);
}

/**
 * Inspects a model, notes it in the workspace and returns its report.
 * Errors: `unsupported` with the first problem for a model that cannot be used.
 */
export async function registerModel(
  { workspace, engine }: ServiceContext,
  dir: string,
  options: JobOptions = {},
): Promise<ModelReport> {
  const report = await inspectModel(engine, dir, options);
  const [problem] = report.problems;
  if (problem !== undefined) throw new UserError('unsupported', problem, { place: { file: report.path } });
  const known = workspace.models.get(report.fingerprint);
  if (known?.path !== report.path) {
    workspace.models.put({
      fingerprint: report.fingerprint,
      name: basename(report.path),
      path: report.path,
      info: JSON.parse(JSON.stringify(report)) as unknown,
    });
  }
  return report;
}

/** The folder of a model that the workspace has used. Errors: `not_found`. */
export function modelFolder({ workspace }: ServiceContext, fingerprint: string): string {
  const model = workspace.models.get(fingerprint);
  if (model === undefined) {
    throw new UserError('not_found', `The workspace does not know the model ${fingerprint.slice(0, 12)}.`, {
      hint: 'Name the folder of the model.',
    });
  }
  return model.path;
}
