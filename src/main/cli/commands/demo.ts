import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { UserError } from '../../../shared/errors.ts';
import { figuresOf } from '../../../shared/evaluation-figures.ts';
import { openContext } from '../../services/context.ts';
import { runDemo } from '../../services/demo.ts';
import { compareEvaluations, listEvaluations } from '../../services/evaluations.ts';
import { listGenerations } from '../../services/pairs.ts';
import { allRunMetrics, listRuns, runDetail } from '../../services/runs.ts';
import { comparisonText, demoFacts, demoMeasures, measuresTable, settingDifferences } from '../demo-report.ts';
import type { DemoMeasure, MeasuredDifference, MeasuredModel, SettingDifference } from '../demo-report.ts';
import { CheckFailed, isStopped } from '../exit-codes.ts';
import { duration } from '../format.ts';
import { allPages, invoke, wholeNumber, withJson } from '../invocation.ts';
import type { SharedFlags } from '../invocation.ts';
import { lossChart } from '../metric-report.ts';
import { resumeCommand, shellWord } from '../resume-command.ts';

type Context = ReturnType<typeof openContext>;

interface DemoFlags extends SharedFlags {
  readonly compare?: true;
  readonly ablations?: true;
  readonly seed?: number;
  readonly threads?: number;
}

/** `longhand demo`. */
export function demoCommand(): Command {
  return withJson(new Command('demo'))
    .description(
      'the whole way on a small embedded model: import, generate, train with LongPO, evaluate before and after',
    )
    .option('-w, --workspace <dir>', 'new or empty folder for it (default: a new folder among the temporary files)')
    .option('--compare', 'also train SFT and DPO on the same pairs and compare them with LongPO')
    .option('--ablations', "also train LongPO without its preference term, and DPO with LongPO's NLL")
    .option('--seed <n>', 'seed of questions, turns and batches (default: 0)', wholeNumber(0))
    .option('--threads <n>', 'CPU threads; 0 = as many as there are cores (default: 0)', wholeNumber(0))
    .addHelpText(
      'after',
      `
Takes half a minute to five minutes on two CPU cores, about twice as much again with --compare and with --ablations.
Ends with code 1 where the demo does not keep a promise (long QA, short QA and closed book kept, time, memory).

Measures: short QA, long QA, closed book: share of questions answered word for word. ask: share of short texts about
which the model asks a question that the text answers. text NLL: nats a token of plain long documents. KL to
reference: exact KL(model on the document || base model on the chunk), nats a token of the chosen answers of 64 of
the documents that were trained on.

Examples:
  longhand demo
  longhand demo --compare --seed 1 --workspace demo-1 --json demo-1.json`,
    )
    .action((flags: DemoFlags) =>
      invoke(flags, async ({ signal, onProgress, note, print, json }) => {
        const folder =
          flags.workspace === undefined ? await mkdtemp(join(tmpdir(), 'longhand-demo-')) : resolve(flags.workspace);
        note(`Workspace: ${folder}`);
        const report = await runDemo(
          {
            folder,
            compare: flags.compare === true,
            ablations: flags.ablations === true,
            ...(flags.seed === undefined ? {} : { seed: flags.seed }),
            ...(flags.threads === undefined ? {} : { threads: flags.threads }),
          },
          { signal, onProgress, onNotice: note, onPhase: (name) => note(`> ${name}`) },
        ).catch(async (error: unknown) => {
          if (!isStopped(error)) throw error;
          throw new UserError('cancelled', 'The demo was stopped.', { hint: await howToGoOn(folder), cause: error });
        });
        const context = openContext(folder, { readOnly: true });
        try {
          const models = readModels(context, report);
          const comparisons = await readComparisons(context, models, signal);
          const [first] = report.runs;
          print(
            [
              measuresTable(models),
              ...comparisons.map(({ differences, settings }) => comparisonText(differences, settings)),
              ...(first === undefined ? [] : [lossChart(allRunMetrics(context, first.runId), process.stdout.columns)]),
              demoFacts(report),
            ].join('\n\n'),
          );
          await json({
            ...report,
            models: models.map(({ name, values }) => ({ name, values })),
            comparisons,
          });
        } finally {
          await context.close();
        }
        const broken = report.checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name} (${detail})`);
        if (broken.length > 0)
          throw new CheckFailed(`the demo after ${duration(report.seconds)}: ${broken.join('; ')}`);
      }),
    );
}

/** What a person can do with the workspace of a demo that was stopped. */
async function howToGoOn(folder: string): Promise<string> {
  const context = openContext(folder, { readOnly: true });
  try {
    const [job] = allPages((cursor) => listGenerations(context, { cursor })).filter(
      ({ status }) => status === 'paused',
    );
    const [run] = allPages((cursor) => listRuns(context, { cursor })).filter(({ status }) => status === 'paused');
    const again = 'A demo begins anew in a new folder';
    if (run !== undefined) return `${again}; the run alone goes on with: ${resumeCommand('train', run.id, folder)}`;
    if (job === undefined)
      return `${again}; what this one has made is shown by: longhand runs --workspace ${shellWord(folder)}`;
    return `${again}; the generation alone goes on with: ${resumeCommand('generate', job.id, folder)}`;
  } finally {
    await context.close();
  }
}

interface StoredModel extends MeasuredModel {
  readonly runId: number | null;
  readonly evaluations: Readonly<Partial<Record<DemoMeasure, number>>>;
}

/** The figures of the base model and of each run, with the intervals that the evaluations in the workspace hold. */
function readModels(context: Context, { runs }: Awaited<ReturnType<typeof runDemo>>): StoredModel[] {
  const rows = allPages((cursor) => listEvaluations(context, { cursor }));
  const owners = [{ name: 'base', runId: null }, ...runs];
  return owners.map(({ name, runId }) => {
    const own = rows.filter((row) => row.runId === runId && row.summary !== null);
    const values = Object.fromEntries(
      demoMeasures.map(({ key }) => {
        const row = own.find((candidate) => candidate.setName === key);
        const kind = key === 'ask' || key === 'text' || key === 'kl' ? key : 'questions';
        return [
          key,
          row?.summary === null || row === undefined ? null : (figuresOf(kind, row.summary)[0]?.value ?? null),
        ];
      }),
    ) as StoredModel['values'];
    const evaluations = Object.fromEntries(own.map((row) => [row.setName, row.id]));
    return { name, runId, values, evaluations };
  });
}

interface Comparison {
  readonly differences: readonly MeasuredDifference[];
  readonly settings: readonly SettingDifference[];
}

/** Differences paired over the items: base and LongPO, then LongPO and each other run. */
async function readComparisons(
  context: Context,
  [base, longpo, ...others]: readonly StoredModel[],
  signal: AbortSignal,
): Promise<Comparison[]> {
  if (base === undefined || longpo === undefined) return [];
  const couples = [[base, longpo] as const, ...others.map((other) => [longpo, other] as const)];
  const configOf = ({ runId }: StoredModel) => (runId === null ? null : runDetail(context, runId).config);
  const comparisons: Comparison[] = [];
  for (const [first, other] of couples) {
    const differences: MeasuredDifference[] = [];
    for (const { key } of demoMeasures) {
      const [a, b] = [first.evaluations[key], other.evaluations[key]];
      if (a === undefined || b === undefined) continue;
      const { rows } = await compareEvaluations(context, [a, b], { signal });
      const difference = rows[1]?.difference;
      if (difference != null) differences.push({ first: first.name, other: other.name, measure: key, difference });
    }
    const [a, b] = [configOf(first), configOf(other)];
    comparisons.push({ differences, settings: a === null || b === null ? [] : settingDifferences(a, b) });
  }
  return comparisons;
}
