import { Command, Option } from 'commander';
import { UserError } from '../../../shared/errors.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import { metrics as metricInfo, isMetricName } from '../../../shared/metrics.ts';
import type { MetricRow } from '../../../shared/metrics.ts';
import { pairSelectionSchema } from '../../../shared/pair-selection.ts';
import { presetDifferences } from '../../../shared/presets.ts';
import { runConfigSchema } from '../../../shared/run-config.ts';
import { allRunMetrics, checkpointOf, continueFrom, planTraining, resumeRun, train } from '../../services/runs.ts';
import type { TrainOptions } from '../../services/runs.ts';
import { readJsonObject } from '../config-file.ts';
import { isStopped } from '../exit-codes.ts';
import { duration, whole } from '../format.ts';
import { invoke, wholeNumber, withJson, withWorkspace } from '../invocation.ts';
import type { SharedFlags } from '../invocation.ts';
import { lossChart, metricTable } from '../metric-report.ts';
import { resumeCommand } from '../resume-command.ts';
import { runConfigHelp } from '../../../shared/run-config-help.ts';
import { schemaFlags } from '../../../shared/schema-fields.ts';
import { addSchemaFlags, flagValues, givenFlags } from '../schema-flags.ts';
import { facts } from '../text-table.ts';
import { presetNames, trainConfig } from '../train-config.ts';
import type { PresetFlag } from '../train-config.ts';

const flagsOfConfig = schemaFlags(runConfigSchema);

interface TrainFlags extends SharedFlags {
  readonly model?: string;
  readonly preset?: PresetFlag;
  readonly config?: string;
  readonly name?: string;
  readonly resume?: number;
  readonly fromRun?: number;
  readonly checkpoint?: number;
  readonly dryRun?: true;
  readonly review?: string;
  readonly withoutFlags?: readonly string[];
  readonly generation?: number;
}

/** `longhand train`. */
export function trainCommand(): Command {
  const { review } = pairSelectionSchema.shape;
  const command = withJson(withWorkspace(new Command('train')))
    .description('train on the pairs of the workspace: LongPO, DPO, SFT, SimPO, ORPO, SoLoPO or OPSDL')
    .option('-m, --model <dir>', 'Hugging Face folder of the model')
    .addOption(
      new Option('--preset <name>', 'settings to start from; see "Presets" below').choices(Object.keys(presetNames)),
    )
    .option('--config <file>', 'JSON file with settings, over the preset; flags come over both')
    .option('--name <text>', 'name of the run')
    .option('--dry-run', 'only say what the run would be made of: examples, steps, tokens')
    .option('--resume <run>', 'go on with a run that was stopped or failed, with its own settings', wholeNumber(1))
    .option(
      '--from-run <run>',
      'a new run that goes on from a checkpoint of this one, on its pairs; flags change its settings',
      wholeNumber(1),
    )
    .option('--checkpoint <id>', 'checkpoint for --from-run (default: the newest)', wholeNumber(1))
    .addOption(
      new Option('--review <which>', 'pairs by their audit (default: corrected)').choices(review.unwrap().options),
    )
    .option('--without-flags <list>', 'leave out pairs with any of these flags, such as identical', (given) =>
      given.split(',').map((flag) => flag.trim()),
    )
    .option('--generation <job>', 'only pairs of this generation (default: all)', wholeNumber(1))
    .addHelpText(
      'after',
      `
The objective is nllAnswers * NLL(answers) + nllDocument * NLL(whole chosen sequence) + lambda * preference term.
simpo (arXiv 2405.14734) and orpo (2403.07691) have no reference. solopo (2505.11166) prefers on the short input and adds
alpha * |reward of the chosen answer on the short input - on the long one|. opsdl (2604.17535) samples answers on the long
input and draws them to what the model itself says on the short one; it reads no stored answers.
orpo's NLL is that of the answers, as in its paper; its authors' code and TRL: --nll-document 1 --nll-answers 0.
Ablations: --objective longpo --lambda 0 is LongPO's NLL without the preference term; --objective dpo --lambda 0.01
--nll-document 1 is DPO with that NLL.
A flag over a preset: --max-steps takes the place of its epochs, --warmup-steps that of its warm-up ratio, and another
--objective brings its own weights.

Presets:
${presetDifferences.map(({ point, paper, releasedCode, smallModel, demo }) => `  ${point}\n    paper: ${paper}\n    released-code: ${releasedCode}\n    small-model: ${smallModel}\n    demo: ${demo}`).join('\n')}

Ctrl+C writes a checkpoint and stops; --resume goes on to the same result.

Examples:
  longhand train --model models/SmolLM2-135M-Instruct --objective longpo --preset paper --trainable lora --lora-rank 16
  longhand train --model my-model --objective dpo --max-steps 100 --learning-rate 1e-5 --device cuda
  longhand train --resume 3
  longhand train --from-run 3 --checkpoint 40 --max-steps 2000 --name longer`,
    );
  addSchemaFlags(command, flagsOfConfig, runConfigHelp);
  return command.action((flags: TrainFlags) =>
    invoke(flags, async ({ signal, onProgress, note, endProgress, print, json, open }) => {
      const options = { signal, onProgress, onNotice: note };
      const given = givenFlags(command, flagsOfConfig);
      if (flags.resume !== undefined) refuseSettings(flags, given.keys().next().value?.name);
      if (flags.fromRun !== undefined) refuseSelection(flags);
      else if (flags.checkpoint !== undefined) {
        throw new UserError('invalid_input', '--checkpoint needs --from-run.', {
          hint: 'Name the run of the checkpoint.',
        });
      }
      const file =
        flags.config === undefined ? undefined : { path: flags.config, value: await readJsonObject(flags.config) };
      // Settings over another run's are checked where that run's are known.
      const config = flags.fromRun === undefined ? trainConfig({ preset: flags.preset, file, given }) : {};
      if (flags.resume === undefined && flags.fromRun === undefined && flags.model === undefined) {
        throw new UserError('invalid_input', '--model is missing.', {
          hint: 'Name the Hugging Face folder of the model.',
        });
      }
      const request = {
        modelDir: flags.model ?? '',
        config,
        selection: {
          jobId: flags.generation ?? null,
          withoutFlags: [...(flags.withoutFlags ?? [])],
          ...(flags.review === undefined ? {} : { review: review.parse(flags.review) }),
        },
        ...(flags.name === undefined ? {} : { name: flags.name }),
      };
      const context = open({});

      if (flags.dryRun === true) {
        const { plan, pairs, heldOut } = await planTraining(context, request, options);
        print(planText(plan));
        await json({ plan, pairs: pairs.length, heldOut: heldOut.length, config });
        return;
      }
      let runId = flags.resume;
      const model = flags.model === undefined ? {} : { modelDir: flags.model };
      const starting: TrainOptions = {
        ...options,
        onRun: (run, plan) => {
          runId = run.id;
          note(`Run ${run.id} (${run.name}): ${planLine(plan)}`);
        },
      };
      const { fromRun } = flags;
      const running =
        runId !== undefined
          ? resumeRun(context, runId, { ...options, ...model })
          : fromRun !== undefined
            ? continueFrom(
                context,
                {
                  runId: fromRun,
                  checkpointId: checkpointOf(context, fromRun, flags.checkpoint ?? null).id,
                  config: { ...file?.value, ...flagValues(given) },
                  ...(flags.name === undefined ? {} : { name: flags.name }),
                  ...model,
                },
                starting,
              )
            : train(context, request, starting);
      const outcome = await running.catch((error: unknown) => {
        // A run that exists, is not over and did not fail by what it was made of.
        const canGoOn =
          runId !== undefined &&
          ['internal', 'no_space', 'no_memory', 'unavailable', 'cancelled'].includes(codeOf(error));
        if (runId === undefined || !canGoOn) throw error;
        const command = resumeCommand('train', runId, context.workspace.folder);
        if (codeOf(error) !== 'cancelled') {
          note(`The run ${runId} can be continued with: ${command}`);
          throw error;
        }
        throw new UserError('cancelled', `The run ${runId} was stopped.`, {
          hint: `Go on with: ${command}`,
          cause: error,
        });
      });
      endProgress();
      const rows = allRunMetrics(context, outcome.run.id);
      const { run, status, checkpoint, seconds } = outcome;
      print(
        [
          facts([
            ['run', `${run.id} (${run.name}), ${run.status} at step ${run.lastStep ?? 0}`],
            ['checkpoint', checkpoint === null ? null : checkpoint.path],
            [
              'time',
              `load ${duration(seconds.load)}, reference ${duration(seconds.reference)}, train ${duration(seconds.train)}`,
            ],
          ]),
          '',
          metricTable(lastValues(rows)),
          '',
          lossChart(rows, process.stdout.columns),
        ].join('\n'),
      );
      await json({ run, status, checkpoint, seconds, metrics: lastValues(rows) });
      if (status === 'stopped') {
        throw new UserError('cancelled', `The run ${run.id} was stopped at step ${run.lastStep ?? 0}.`, {
          hint: `Go on with: ${resumeCommand('train', run.id, context.workspace.folder)}`,
        });
      }
    }),
  );
}

function refuseSelection(flags: TrainFlags): void {
  const others = {
    '--resume': flags.resume,
    '--preset': flags.preset,
    '--dry-run': flags.dryRun,
    '--review': flags.review,
    '--without-flags': flags.withoutFlags,
    '--generation': flags.generation,
  };
  const other = Object.entries(others).find(([, value]) => value !== undefined)?.[0];
  if (other === undefined) return;
  throw new UserError('invalid_input', `${other} has no meaning with --from-run.`, {
    hint: 'The new run has the pairs and the settings of the other one; flags and --config change its settings.',
  });
}

function refuseSettings(flags: TrainFlags, setting: string | undefined): void {
  const others = {
    '--preset': flags.preset,
    '--config': flags.config,
    '--name': flags.name,
    '--dry-run': flags.dryRun,
    '--review': flags.review,
    '--without-flags': flags.withoutFlags,
    '--generation': flags.generation,
  };
  const other = setting ?? Object.entries(others).find(([, value]) => value !== undefined)?.[0];
  if (other === undefined) return;
  throw new UserError('invalid_input', `${other} has no meaning with --resume.`, {
    hint: 'A run goes on with the settings it began with; start a new run for others.',
  });
}

function codeOf(error: unknown): ErrorCode {
  return error instanceof UserError ? error.code : isStopped(error) ? 'cancelled' : 'internal';
}

type Plan = Awaited<ReturnType<typeof planTraining>>['plan'];

function planLine(plan: Plan): string {
  return `${whole(plan.examples)} examples, ${whole(plan.steps)} steps, longest ${whole(plan.longestTokens)} tokens`;
}

function planText(plan: Plan): string {
  return facts([
    ['examples', `${whole(plan.examples)} to train on, ${whole(plan.heldOutExamples)} held out`],
    ['documents held out', whole(plan.heldOut.length)],
    ['optimizer steps', whole(plan.steps)],
    ['longest example', `${whole(plan.longestTokens)} tokens`],
    ['tokens an epoch', `${whole(plan.packedTokens)} packed, ${whole(plan.unpackedTokens)} as separate sequences`],
  ]);
}

/** The latest value of each metric, in the order of the metrics' table. */
function lastValues(rows: readonly MetricRow[]): Record<string, number> {
  const last = new Map<string, number>(rows.map((row) => [row.key, row.value]));
  return Object.fromEntries(
    Object.keys(metricInfo).flatMap((key) => {
      const value = isMetricName(key) ? last.get(key) : undefined;
      return value === undefined ? [] : [[key, value]];
    }),
  );
}
