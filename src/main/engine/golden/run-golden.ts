import path from 'node:path';
import { UserError } from '../../../shared/errors.ts';
import { findCases, findModel, readCase, type CaseFiles, type CaseFolder } from './case-files.ts';
import { Comparison } from './comparison.ts';
import { field } from './example-values.ts';
import { readForwardInputs, runForwardCase } from './forward-case.ts';
import { readLongpoInputs } from './longpo-inputs.ts';
import { runLongpoCase } from './longpo-case.ts';
import { ModelPool, type PoolOptions } from './model-pool.ts';
import { readPromptInputs, runPromptCase } from './prompt-case.ts';
import type { CaseReport, GoldenReport } from './report.ts';

export interface GoldenOptions {
  /** Folder of SmolLM2-135M-Instruct; its cases are skipped without. */
  readonly smollm2?: string;
  /** CPU threads of the model. */
  readonly threads: number;
  /** Where the model runs, and in which type; default the CPU in float32. */
  readonly device?: PoolOptions['device'];
  readonly dtype?: PoolOptions['dtype'];
  /** Called after each case. */
  readonly onCase?: (report: CaseReport) => void;
}

/**
 * Runs every golden case at or below the folders and compares every quantity that the golden README lists. The model and
 * the adapter of a case are looked for in the folders above it. A damaged case is a failed case.
 * @throws UserError not_found where a folder does not exist or holds no case
 */
export async function runGolden(dirs: readonly string[], options: GoldenOptions): Promise<GoldenReport> {
  const folders: CaseFolder[] = [];
  for (const dir of dirs) folders.push(...(await findCases(dir)));
  const pool = new ModelPool({
    threads: options.threads,
    ...(options.device === undefined ? {} : { device: options.device }),
    ...(options.dtype === undefined ? {} : { dtype: options.dtype }),
  });
  const cases: CaseReport[] = [];
  try {
    for (const folder of folders) {
      const report = await runCase(folder, pool, options);
      cases.push(report);
      options.onCase?.(report);
    }
  } finally {
    await pool.release();
  }
  const count = (status: CaseReport['status']): number => cases.filter((report) => report.status === status).length;
  return { cases, passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}

async function runCase(folder: CaseFolder, pool: ModelPool, options: GoldenOptions): Promise<CaseReport> {
  const start = performance.now();
  const report = (part: Omit<CaseReport, 'name' | 'folder' | 'seconds'>): CaseReport => ({
    ...folder,
    ...part,
    seconds: (performance.now() - start) / 1000,
  });
  let comparison: Comparison | undefined;
  try {
    const files = await readCase(folder);
    comparison = new Comparison(files.recorded);
    const warnings = await compareCase(files, pool, options, comparison);
    if (warnings === undefined) {
      const problem = 'it needs the real model, and no folder of SmolLM2-135M-Instruct was given';
      return report({ status: 'skipped', quantities: [], warnings: [], problem });
    }
    const { quantities } = comparison;
    const status = quantities.every(({ ok }) => ok) ? 'passed' : 'failed';
    return report({ status, quantities, warnings: [...warnings, ...uncompared(files, comparison)] });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const problem = error instanceof UserError ? message : `the check broke off: ${message}`;
    return report({ status: 'failed', quantities: comparison?.quantities ?? [], warnings: [], problem });
  }
}

/** Returns warnings, or undefined where the case's model is not there to be had. */
async function compareCase(
  files: CaseFiles,
  pool: ModelPool,
  options: GoldenOptions,
  comparison: Comparison,
): Promise<string[] | undefined> {
  const file = path.join(files.folder, 'inputs.json');
  const { inputs: raw, folder } = files;
  const model = (name: string): Promise<string | undefined> => findModel(folder, name, options.smollm2);
  const { fp64, fp32 } = files.expected;
  if (field(raw, 'prompts') === undefined && fp64 === undefined && fp32 === undefined) {
    throw noValues(files, 'holds neither "fp64" nor "fp32" values');
  }
  if (field(raw, 'examples') !== undefined) {
    const inputs = readLongpoInputs(file, raw);
    const dir = await model(inputs.model);
    if (dir === undefined) return undefined;
    const warnings = await runLongpoCase(files, inputs, dir, pool, comparison);
    comparison.singlePrecision(files.expected['fp32']);
    return warnings;
  }
  if (field(raw, 'prompts') !== undefined) {
    const inputs = readPromptInputs(file, raw);
    if (inputs.prompts.every(({ id }) => files.expected[id] === undefined))
      throw noValues(files, 'has none of the prompts');
    const dir = await model(inputs.model);
    if (dir === undefined) return undefined;
    const runner = await pool.get(dir, 'none', ['score', 'logits', 'generate']);
    return runPromptCase(files, inputs, dir, runner, comparison);
  }
  if (field(raw, 'input_ids') !== undefined) {
    const inputs = readForwardInputs(file, raw);
    const dir = await model(inputs.model);
    if (dir === undefined) return undefined;
    const runner = await pool.get(dir, 'none', ['score', 'logits', 'hiddenStates']);
    await runForwardCase(files, inputs, runner, comparison);
    comparison.singlePrecision(files.expected['fp32']);
    return [];
  }
  throw new UserError('invalid_input', `${file} is of no known kind: it has no "input_ids", "examples" or "prompts".`, {
    hint: 'Golden cases are forward, longpo and prompt cases; see the golden README.',
    place: { file },
  });
}

/** Parts of expected.json that say how good the others are. */
const ABOUT_ERRORS: ReadonlySet<string> = new Set([
  ...['fp32', 'fp32_error', 'fp32_tensor_error', 'fp32_packed_layout_difference', 'fp64_packed_layout_difference'],
]);

/** One line for each quantity of the files that nobody compared. */
function uncompared(files: CaseFiles, comparison: Comparison): string[] {
  const { fp64, fp32 } = files.expected as { fp64?: unknown; fp32?: unknown };
  const others = Object.entries(files.expected).filter(([name]) => name !== 'fp64' && !ABOUT_ERRORS.has(name));
  const scalars = [...comparison.uncovered(fp64 ?? fp32), ...comparison.uncovered(Object.fromEntries(others))];
  const tensors = [...files.tensors.keys()].filter((name) => !comparison.hasTensor(name));
  const lost = Object.keys(files.recorded.tensors).filter((name) => !files.tensors.has(name));
  return [
    ...(fp64 === undefined && fp32 !== undefined ? ['expected.json has no fp64 values: fp32 was compared'] : []),
    ...scalars.map((name) => `expected.json: ${name} was not compared`),
    ...tensors.map((name) => `tensors.safetensors: ${name} was not compared`),
    ...lost.map((name) => `tensors.safetensors does not have ${name}, whose error expected.json records`),
  ];
}

function noValues({ folder }: CaseFiles, problem: string): UserError {
  const file = path.join(folder, 'expected.json');
  return new UserError('invalid_input', `${file} ${problem}.`, {
    hint: 'The file is damaged or belongs to another case; take the original.',
    place: { file },
  });
}
