import { join } from 'node:path';
import { UserError } from '../../shared/errors.ts';
import type { EvaluationTaskInput } from '../../shared/evaluation-tasks.ts';
import { presets } from '../../shared/presets.ts';
import type { RunConfigInput } from '../../shared/run-config.ts';
import { synthesisPresets } from '../../shared/synthesis-config.ts';
import type { SynthesisCounts } from '../engine/protocol/jobs.ts';
import { openContext } from './context.ts';
import type { ServiceContext } from './context.ts';
import { demoFolder } from './demo-folder.ts';
import { importDocuments } from './documents.ts';
import type { JobOptions } from './engine-client.ts';
import { evaluate } from './evaluations.ts';
import type { EvaluationSource } from './evaluations.ts';
import { generatePairs } from './pairs.ts';
import { allRunMetrics, train } from './runs.ts';

export interface DemoRequest {
  /** Folder of the workspace: new or empty. */
  readonly folder: string;
  readonly seed?: number;
  /** Folder laid out like resources/demo, which is the default. */
  readonly data?: string;
  /** Also train SFT and DPO on the same pairs. */
  readonly compare?: boolean;
  /** Also train what tells the preference term's share: LongPO without it, and DPO with LongPO's NLL. */
  readonly ablations?: boolean;
  /** CPU threads; left out: all cores. */
  readonly threads?: number;
}

/** One model's figures; shares are in [0, 1], NLL and KL in nats a token. */
export interface DemoFigures {
  readonly name: string;
  readonly short: number;
  readonly long: number;
  readonly closed: number;
  readonly ask: number;
  readonly textNll: number;
  /** Exact KL(model on the document || base on the chunk) a token: 0 = it reads the document as the base a chunk. */
  readonly klChosen: number;
  readonly klRejected: number;
}

export interface DemoRun {
  readonly name: string;
  readonly runId: number;
  readonly steps: number;
  /** Tokens that the policy read. */
  readonly tokens: number;
}

export interface DemoReport {
  readonly folder: string;
  readonly seed: number;
  readonly documents: number;
  readonly counts: SynthesisCounts;
  /** The base model first, then each run. */
  readonly figures: readonly DemoFigures[];
  readonly runs: readonly DemoRun[];
  /** Wall time by phase, in order. */
  readonly phases: readonly { readonly name: string; readonly seconds: number }[];
  readonly seconds: number;
  /** Most memory that the engine process and this process held. */
  readonly peakBytes: { readonly engine: number; readonly main: number };
  /** What the demo promises, and whether it held. */
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
}

export interface DemoOptions extends JobOptions {
  readonly onPhase?: ((name: string) => void) | undefined;
  readonly onFigures?: ((figures: DemoFigures) => void) | undefined;
}

/** Samples on which the KL to the reference is measured. */
const klSamples = 64;

/**
 * The whole of Longhand on the bundled small world: import, generate, evaluate, train, evaluate again.
 * Errors: `conflict` for a folder with other files or a workspace that is not empty, those of its parts, `cancelled`.
 */
export async function runDemo(request: DemoRequest, options: DemoOptions = {}): Promise<DemoReport> {
  const context = openContext(request.folder, { create: true, program: 'Longhand demo' });
  try {
    return await runDemoIn(context, request, options);
  } finally {
    await context.close();
  }
}

/** The demo in a workspace that is open already; errors as `runDemo`. */
export async function runDemoIn(
  context: ServiceContext,
  request: DemoRequest,
  options: DemoOptions,
): Promise<DemoReport> {
  const { seed = 0, threads = 0, compare = false, ablations = false, data = demoFolder } = request;
  const { workspace, engine } = context;
  if (workspace.documents.totals().documents > 0) {
    throw new UserError('conflict', `The workspace ${workspace.folder} is in use: it has documents already.`, {
      hint: 'Choose an empty or a new folder for the demo.',
      place: { file: workspace.folder },
    });
  }
  const modelDir = join(data, 'base-model');
  const execution = { device: 'cpu', threads } as const;
  const started = performance.now();
  const phases: { name: string; seconds: number }[] = [];
  const figures: DemoFigures[] = [];
  const runs: DemoRun[] = [];
  let peakBytes = 0;

  const phase = async <T>(name: string, action: () => Promise<T>): Promise<T> => {
    options.onPhase?.(name);
    const begun = performance.now();
    const result = await action();
    phases.push({ name, seconds: (performance.now() - begun) / 1000 });
    peakBytes = Math.max(peakBytes, engine.usage?.peakBytes ?? 0);
    return result;
  };
  const measure = async (name: string, source: EvaluationSource): Promise<void> => {
    const tasks = demoTasks(data, seed, Math.min(klSamples, counts.documents));
    const outcomes = await phase(`evaluate ${name}`, () => evaluate(context, { source, tasks, execution }, options));
    const value = (task: string, figure: string): number =>
      outcomes.find((outcome) => outcome.task.name === task)?.summary[figure] ?? Number.NaN;
    const found: DemoFigures = {
      name,
      short: value('short', 'accuracy'),
      long: value('long', 'accuracy'),
      closed: value('closed', 'accuracy'),
      ask: value('ask', 'share'),
      textNll: value('text', 'nll'),
      klChosen: value('kl', 'kl/exact/chosen'),
      klRejected: value('kl', 'kl/exact/rejected'),
    };
    figures.push(found);
    options.onFigures?.(found);
  };
  const trainAndMeasure = async (name: string, config: RunConfigInput): Promise<void> => {
    const { run, status } = await phase(`train ${name}`, () =>
      train(context, { modelDir, name: `demo ${name}, seed ${seed}`, config: { ...config, seed, threads } }, options),
    );
    if (status === 'stopped') throw new UserError('cancelled', `The run ${run.id} was stopped.`);
    const last = allRunMetrics(context, run.id).findLast((row) => row.key === 'num_tokens');
    runs.push({ name, runId: run.id, steps: run.lastStep ?? 0, tokens: last?.value ?? 0 });
    await measure(name, { kind: 'run', runId: run.id });
  };

  const imported = await phase('import', () => importDocuments(context, [join(data, 'documents', 'train')]));
  const { counts } = await phase('generate', () =>
    generatePairs(context, { modelDir, settings: { ...synthesisPresets.demo, seed }, execution }, options),
  );
  await measure('base', { kind: 'base', modelDir });
  await trainAndMeasure('longpo', presets.demo);
  const others = { ...(compare ? demoComparisons : {}), ...(ablations ? demoAblations : {}) };
  for (const [name, config] of Object.entries(others)) await trainAndMeasure(name, config);

  const seconds = (performance.now() - started) / 1000;
  const peak = { engine: peakBytes, main: process.resourceUsage().maxRSS * 1024 };
  return {
    ...{ folder: workspace.folder, seed, documents: imported.imported, counts, figures, runs, phases, seconds },
    peakBytes: peak,
    checks: promises(figures, seconds, peak, compare || ablations),
  };
}

/** Runs on the same pairs that `compare` adds: rates as in resources/demo/README.md. */
const demoComparisons = {
  sft: { ...presets.demo, objective: 'sft', lambda: 0, nllDocument: 0, nllAnswers: 1 },
  dpo: { ...presets.demo, objective: 'dpo', lambda: 1, nllDocument: 0, nllAnswers: 0, learningRate: 2e-5 },
} as const satisfies Record<string, RunConfigInput>;

/** Runs on the same pairs that `ablations` adds: rate, NLL and steps are LongPO's. */
const demoAblations = {
  'nll only': { ...presets.demo, lambda: 0 },
  'dpo + nll': { ...presets.demo, objective: 'dpo' },
} as const satisfies Record<string, RunConfigInput>;

function demoTasks(data: string, seed: number, kl: number): EvaluationTaskInput[] {
  const file = (name: string): string => join(data, 'documents', 'eval', `${name}.jsonl`);
  const questions = (name: string): EvaluationTaskInput => ({
    ...{ kind: 'questions', name, path: file(name), rule: 'exact', separator: '\n', maxNewTokens: 14 },
  });
  return [
    ...['short', 'long', 'closed'].map(questions),
    { kind: 'ask', name: 'ask', path: file('short'), limit: 256, seed },
    { kind: 'text', name: 'text', path: file('long'), limit: 256 },
    { kind: 'kl', name: 'kl', limit: kl, samples: Array.from({ length: kl }, (_, i) => i + 1) },
  ];
}

function promises(
  figures: readonly DemoFigures[],
  seconds: number,
  peak: DemoReport['peakBytes'],
  more: boolean,
): DemoReport['checks'] {
  const [base, longpo] = figures;
  if (base === undefined || longpo === undefined) return [];
  const kept = (name: 'short' | 'closed') => ({
    name: `${name} within .02 of the base model`,
    ok: longpo[name] >= base[name] - 0.02,
    detail: `${longpo[name].toFixed(3)} after, ${base[name].toFixed(3)} before`,
  });
  const gibibytes = (peak.engine + peak.main) / 2 ** 30;
  return [
    { name: 'long at least .88', ok: longpo.long >= 0.88, detail: `${longpo.long.toFixed(3)} after, ${base.long.toFixed(3)} before` }, // prettier-ignore
    kept('short'),
    kept('closed'),
    ...(more ? [] : [{ name: 'under 5 minutes', ok: seconds < 300, detail: `${seconds.toFixed(0)} s` }]),
    { name: 'under 2 GiB', ok: gibibytes < 2, detail: `${gibibytes.toFixed(2)} GiB` },
  ];
}
