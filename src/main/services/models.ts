import { basename, resolve } from 'node:path';
import { UserError } from '../../shared/errors.ts';
import type { ModelReport } from '../../shared/model-report.ts';
import type { Workspace } from '../workspace/workspace.ts';
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
 * Inspects a model that shall be used.
 * @param expected fingerprint that it must have: what a run or a generation began with
 * Errors: `invalid_input` with the first problem for a model that cannot be used, `conflict` for another one than expected.
 */
export async function usableModel(
  engine: EngineClient,
  dir: string,
  options: JobOptions & { readonly expected?: string } = {},
): Promise<ModelReport> {
  const report = await inspectModel(engine, dir, options);
  const place = { file: report.path };
  const problem = modelProblem(report);
  if (problem !== undefined) throw problem;
  if (options.expected !== undefined && options.expected !== report.fingerprint) {
    throw new UserError('conflict', `The model in ${report.path} is not the one that this began with.`, {
      hint: 'Name the folder of the original model, or start anew with this one.',
      place,
    });
  }
  return report;
}

/** The first thing that hinders a model's use, as an error, or undefined. */
export function modelProblem({ path, problems }: Pick<ModelReport, 'path' | 'problems'>): UserError | undefined {
  const [problem] = problems;
  if (problem === undefined) return undefined;
  return new UserError('invalid_input', problem, {
    hint: `Correct the file in ${path}, download the whole model again, or choose another one.`,
    place: { file: path },
  });
}

/** Notes a model, and where it lies, in the workspace. */
export function noteModel(workspace: Workspace, report: ModelReport): void {
  if (workspace.models.get(report.fingerprint)?.path === report.path) return;
  workspace.models.put({
    fingerprint: report.fingerprint,
    name: basename(report.path),
    path: report.path,
    info: JSON.parse(JSON.stringify(report)) as unknown,
  });
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
