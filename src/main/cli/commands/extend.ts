import { Command, Option } from 'commander';
import { UserError } from '../../../shared/errors.ts';
import { extensionPresets, parseExtensionPlan } from '../../../shared/extension-plan.ts';
import type { ExtensionPlanInput, ExtensionPresetName, ExtensionRow } from '../../../shared/extension-plan.ts';
import { presets } from '../../../shared/presets.ts';
import { resumeExtension, startExtension } from '../../services/extensions.ts';
import type { ExtensionOptions } from '../../services/extensions.ts';
import { readJsonObject } from '../config-file.ts';
import { isStopped } from '../exit-codes.ts';
import { whole } from '../format.ts';
import { invoke, wholeNumber, withJson, withWorkspace } from '../invocation.ts';
import type { SharedFlags } from '../invocation.ts';
import { resumeCommand } from '../resume-command.ts';
import { facts, textTable } from '../text-table.ts';

interface ExtendFlags extends SharedFlags {
  readonly plan?: string;
  readonly preset?: ExtensionPresetName;
  readonly model?: string;
  readonly resume?: number;
}

/** `longhand extend`. */
export function extendCommand(): Command {
  const presetNames = Object.keys(extensionPresets);
  return withJson(withWorkspace(new Command('extend')))
    .description('extend the context in stages: each one makes its pairs with the model of the stage before')
    .option('--plan <file>', 'JSON file with the stages')
    .addOption(new Option('--preset <name>', 'stages of a named plan, in place of a file').choices(presetNames))
    .option('-m, --model <dir>', "Hugging Face folder of the first stage's model (default: the plan's modelDir)")
    .option('--resume <plan>', 'go on with a plan that was stopped or failed', wholeNumber(1))
    .addHelpText(
      'after',
      `
A stage makes pairs, trains on them with its start model as the reference, merges the result into a model folder
below the workspace (extensions/), from which the next stage begins, and evaluates it. A plan:

  { "modelDir": "my-model",
    "stages": [
      { "length": 16384, "ropeTheta": 1e6, "synthesis": { "chunking": { "maxTokens": 4096 } },
        "train": { "objective": "longpo", "trainable": { "kind": "lora" } }, "evaluations": [] },
      { "length": 32768, "ropeTheta": 4e6, "documentIds": [7, 8, 9] } ] }

"synthesis" and "train" are as in the files of longhand generate --config and longhand train --config. The preset
"paper" has the stages ${extensionPresets.paper.map(({ length }) => whole(length)).join(', ')} tokens with RoPE base 1e7 and
trains all weights, as its authors did on 8 to 16 cards of 80 GB. "paper-lora" trains a LoRA adapter of rank ${presets.smallModel.trainable.rank}
instead, for one card.

Ctrl+C stops; --resume goes on to the same result.

Examples:
  longhand extend --plan plan.json
  longhand extend --preset paper-lora --model my-model
  longhand extend --resume 1`,
    )
    .action((flags: ExtendFlags) =>
      invoke(flags, async ({ signal, onProgress, note, endProgress, print, json, open }) => {
        const input = await planOf(flags);
        const context = open({});
        let id = flags.resume;
        const options: ExtensionOptions = {
          ...{ signal, onProgress, onNotice: note },
          onPlan: (made) => {
            id = made;
            note(`Extension plan ${made}`);
          },
          onPart: (stage, part) => note(`Stage ${stage}: ${part}`),
        };
        const running = input === null ? resumeExtension(context, flags.resume ?? 0, options) : startExtension(context, input, options); // prettier-ignore
        const row = await running.catch((error: unknown) => {
          if (id === undefined) throw error;
          const { status } = context.workspace.extensions.get(id);
          if (status !== 'paused' && status !== 'failed') throw error;
          const command = resumeCommand('extend', id, context.workspace.folder);
          if (isStopped(error)) {
            throw new UserError('cancelled', `The extension plan ${id} was stopped.`, {
              hint: `Go on with: ${command}`,
              cause: error,
            });
          }
          note(`The extension plan ${id} can be continued with: ${command}`);
          throw error;
        });
        endProgress();
        print(report(row));
        await json(row);
      }),
    );
}

/** The plan to begin; null to go on with one. */
async function planOf(flags: ExtendFlags): Promise<ExtensionPlanInput | null> {
  const { plan, preset, model, resume } = flags;
  const sources = Object.entries({ '--plan': plan, '--preset': preset, '--resume': resume }).filter(
    ([, value]) => value !== undefined,
  );
  const [first, second] = sources.map(([name]) => name);
  if (first === undefined) {
    throw new UserError('invalid_input', '--plan is missing.', {
      hint: 'Name a file with the stages, a --preset, or a plan to --resume.',
    });
  }
  if (second !== undefined) throw new UserError('invalid_input', `${second} has no meaning with ${first}.`);
  if (resume !== undefined) {
    if (model === undefined) return null;
    throw new UserError('invalid_input', '--model has no meaning with --resume.', {
      hint: 'A plan goes on with the models it began with.',
    });
  }
  const base = plan === undefined ? {} : await readJsonObject(plan);
  if (preset !== undefined) {
    if (model === undefined) {
      throw new UserError('invalid_input', '--model is missing.', {
        hint: 'Name the Hugging Face folder of the model.',
      });
    }
    return { name: preset, modelDir: model, stages: [...extensionPresets[preset]] };
  }
  const given = { ...base, ...(model === undefined ? {} : { modelDir: model }) };
  parseExtensionPlan(given, plan);
  return given as ExtensionPlanInput; // checked above
}

function report({ id, name, status, plan, stages }: ExtensionRow): string {
  const right = (header: string) => ({ header, align: 'right' as const });
  return [
    facts([['plan', `${id} (${name}), ${status}`]]),
    '',
    textTable(
      [right('stage'), right('tokens'), right('RoPE base'), right('generation'), right('run'), { header: 'model' }],
      stages.map(({ stage, generationId, runId, modelPath }) => {
        const of = plan.stages[stage - 1];
        return [
          whole(stage),
          whole(of?.length ?? 0),
          of?.ropeTheta === null || of === undefined ? 'unchanged' : String(of.ropeTheta),
          generationId === null ? '' : String(generationId),
          runId === null ? '' : String(runId),
          modelPath ?? '',
        ];
      }),
    ),
  ].join('\n');
}
