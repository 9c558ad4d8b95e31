import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { figuresOf } from '../../../shared/evaluation-figures.ts';
import { isMetricName, metrics as metricInfo } from '../../../shared/metrics.ts';
import type { MetricName, MetricRow } from '../../../shared/metrics.ts';
import { settingsOf } from '../../../shared/settings-of.ts';
import { writeFileAtomic } from '../../files/atomic-write.ts';
import { listEvaluations } from '../../services/evaluations.ts';
import { allRunMetrics, listRuns, runDetail } from '../../services/runs.ts';
import { bytes, duration, estimate, time, whole } from '../format.ts';
import { allPages, invoke, wholeNumber, withJson, withWorkspace } from '../invocation.ts';
import type { SharedFlags } from '../invocation.ts';
import { metricChart, metricsCsv, metricValue, series } from '../metric-report.ts';
import { facts, textTable } from '../text-table.ts';

/** `longhand runs list | show | metrics`. All of them only read, also while another process trains. */
export function runsCommand(): Command {
  return new Command('runs')
    .description('runs of the workspace: list, one in full, its metrics')
    .addCommand(listCommand(), { isDefault: true })
    .addCommand(showCommand())
    .addCommand(metricsCommand());
}

function listCommand(): Command {
  return withJson(withWorkspace(new Command('list')))
    .description('all runs')
    .option('--archived', 'also the archived ones')
    .addHelpText('after', '\nExamples:\n  longhand runs list\n  longhand runs list --workspace my-experiment --json')
    .action((flags: SharedFlags & { readonly archived?: true }) =>
      invoke(flags, async ({ print, json, open }) => {
        const context = open({ readOnly: true });
        const runs = allPages((cursor) => listRuns(context, { cursor, archived: flags.archived === true }));
        const right = { align: 'right' } as const;
        print(
          runs.length === 0
            ? 'There are no runs yet.'
            : textTable(
                [
                  { header: 'run', ...right },
                  { header: 'name' },
                  { header: 'objective' },
                  { header: 'status' },
                  { header: 'last step', ...right },
                  { header: 'pairs', ...right },
                  { header: 'held out', ...right },
                  { header: 'started' },
                  { header: 'took', ...right },
                ],
                runs.map((run) => [
                  String(run.id),
                  run.name,
                  run.objective,
                  run.status,
                  whole(run.lastStep),
                  whole(run.pairCount),
                  whole(run.heldOutCount),
                  time(run.startedAt),
                  run.startedAt === null || run.endedAt === null ? '-' : duration((run.endedAt - run.startedAt) / 1000),
                ]),
              ),
        );
        await json({ runs });
      }),
    );
}

function showCommand(): Command {
  return withJson(withWorkspace(new Command('show')))
    .description('a run in full: configuration, data, checkpoints, evaluations')
    .argument('<run>', 'number of the run', wholeNumber(1))
    .addHelpText(
      'after',
      '\nExamples:\n  longhand runs show 1\n  longhand runs show 1 --json | jq .config.learningRate',
    )
    .action((id: number, flags: SharedFlags) =>
      invoke(flags, async ({ print, json, open }) => {
        const context = open({ readOnly: true });
        const { run, config, checkpoints } = runDetail(context, id);
        const evaluations = allPages((cursor) => listEvaluations(context, { cursor, runId: id }));
        const parts = [
          facts([
            ['run', `${run.id} (${run.name})`],
            ['status', run.status],
            ['error', run.error],
            ['model', run.modelFingerprint],
            ['code', run.codeVersion],
            ['pairs', `${whole(run.pairCount)} to train on, ${whole(run.heldOutCount)} held out`],
            ['data', run.dataSha256],
            ['last step', whole(run.lastStep)],
            ['made', time(run.createdAt)],
            ['started', time(run.startedAt)],
            ['ended', time(run.endedAt)],
          ]),
          textTable([{ header: 'setting' }, { header: 'value' }], settingsOf(config)),
        ];
        if (checkpoints.length > 0) {
          parts.push(
            textTable(
              [
                { header: 'checkpoint', align: 'right' },
                { header: 'step', align: 'right' },
                { header: 'size', align: 'right' },
                { header: 'folder' },
              ],
              checkpoints.map((row) => [
                String(row.id),
                whole(row.step),
                bytes(row.bytes),
                row.removedAt === null ? row.path : `${row.path} (thinned out)`,
              ]),
            ),
          );
        }
        if (evaluations.length > 0) {
          parts.push(
            textTable(
              [
                { header: 'evaluation', align: 'right' },
                { header: 'set' },
                { header: 'kind' },
                { header: 'value [95% interval]', align: 'right' },
                { header: 'status' },
              ],
              evaluations.map((row) => [
                String(row.id),
                row.setName,
                row.kind,
                row.summary === null
                  ? '-'
                  : estimate(figuresOf(row.kind, row.summary).find(({ part }) => part === '')?.value),
                row.status,
              ]),
            ),
          );
        }
        print(parts.join('\n\n'));
        await json({ run, config, checkpoints, evaluations });
      }),
    );
}

interface MetricsFlags extends SharedFlags {
  readonly csv?: true | string;
  readonly chart?: MetricName;
}

function metricsCommand(): Command {
  return withJson(withWorkspace(new Command('metrics')))
    .description("a run's metrics: the loss as a chart with a short table, or all of them as CSV or JSON")
    .argument('<run>', 'number of the run', wholeNumber(1))
    .option('--csv [file]', 'as CSV: a row a step, a column a metric; to the file, or to standard output')
    .option('--chart <metric>', 'metric to draw (default: loss)', metricName)
    .addHelpText(
      'after',
      `
Metrics (names as in TRL where it has one):
${Object.entries(metricInfo)
  .map(([name, { unit, meaning }]) => `  ${name}${unit === '' ? '' : ` (${unit})`}: ${meaning}`)
  .join('\n')}

Examples:
  longhand runs metrics 1
  longhand runs metrics 1 --csv metrics.csv
  longhand runs metrics 1 --chart rewards/margins`,
    )
    .action((id: number, flags: MetricsFlags) =>
      invoke(flags, async ({ note, print, json, open }) => {
        const rows = allRunMetrics(open({ readOnly: true }), id);
        if (flags.csv === true) process.stdout.write(metricsCsv(rows));
        else {
          print([metricChart(rows, flags.chart ?? 'loss', process.stdout.columns), '', stepsTable(rows)].join('\n'));
          if (flags.csv !== undefined) {
            await writeFileAtomic(resolve(flags.csv), metricsCsv(rows));
            note(`Metrics written to ${resolve(flags.csv)}`);
          }
        }
        await json({ run: id, metrics: rows });
      }),
    );
}

const tableMetrics = [
  'loss',
  'nll',
  'preference_loss',
  'rewards/margins',
  'rewards/accuracies',
  'grad_norm',
  'learning_rate',
] as const;

/** About ten steps of the run, the first and the last among them. */
function stepsTable(rows: readonly MetricRow[]): string {
  const steps = series(rows, 'loss').map((point) => point.x);
  const every = Math.max(1, Math.ceil(steps.length / 10));
  const shown = steps.filter((_, i) => i % every === 0 || i === steps.length - 1);
  const values = new Map(rows.map((row) => [`${row.step} ${row.key}`, row.value]));
  return textTable(
    [
      { header: 'step', align: 'right' },
      ...tableMetrics.map((key) => ({ header: key, unit: metricInfo[key].unit, align: 'right' as const })),
    ],
    shown.map((step) => [
      String(step),
      ...tableMetrics.map((key) => {
        const value = values.get(`${step} ${key}`);
        return value === undefined ? '-' : metricValue(key, value);
      }),
    ]),
  );
}

function metricName(given: string): MetricName {
  if (isMetricName(given)) return given;
  throw new InvalidArgumentError('There is no such metric; --help lists them.');
}
