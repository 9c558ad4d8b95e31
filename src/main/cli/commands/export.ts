import { Command, Option } from 'commander';
import { pairSelectionSchema } from '../../../shared/pair-selection.ts';
import { exportAdapter, exportMerged } from '../../services/exports.ts';
import { exportPairs } from '../../services/pairs.ts';
import { counted } from '../format.ts';
import { invoke, number, wholeNumber, withJson, withWorkspace } from '../invocation.ts';
import type { SharedFlags } from '../invocation.ts';

interface RunExportFlags extends SharedFlags {
  readonly checkpoint?: number;
  readonly model?: string;
}

/** `longhand export adapter | merged | pairs`. */
export function exportCommand(): Command {
  return new Command('export')
    .description('write adapters (PEFT), merged models (Hugging Face) and pairs (TRL)')
    .addCommand(adapterCommand())
    .addCommand(mergedCommand())
    .addCommand(pairsCommand());
}

function withRun(command: Command): Command {
  return withJson(withWorkspace(command))
    .argument('<run>', 'number of the run', wholeNumber(1))
    .argument('<dir>', 'folder to write')
    .option('--checkpoint <id>', 'checkpoint of the run (default: the newest)', wholeNumber(1))
    .option('-m, --model <dir>', 'folder of the model (default: where the run found it)');
}

function exportRequest(runId: number, dir: string, { checkpoint, model }: RunExportFlags) {
  return {
    runId,
    dir,
    ...(checkpoint === undefined ? {} : { checkpointId: checkpoint }),
    ...(model === undefined ? {} : { modelDir: model }),
  };
}

function adapterCommand(): Command {
  return withRun(new Command('adapter'))
    .description("a run's LoRA adapter as a PEFT folder")
    .option('--base-model <name>', 'how adapter_config.json names the model (default: its folder)')
    .addHelpText(
      'after',
      '\nExamples:\n  longhand export adapter 1 my-adapter\n  longhand export adapter 1 my-adapter --base-model HuggingFaceTB/SmolLM2-135M-Instruct',
    )
    .action((runId: number, dir: string, flags: RunExportFlags & { readonly baseModel?: string }) =>
      invoke(flags, async ({ signal, onProgress, note, print, json, open }) => {
        const { baseModel } = flags;
        const request = { ...exportRequest(runId, dir, flags), ...(baseModel === undefined ? {} : { baseModel }) };
        const result = await exportAdapter(open({}), request, { signal, onProgress, onNotice: note });
        print(`Adapter of run ${runId} written to ${result.dir}`);
        await json({ runId, ...result });
      }),
    );
}

const dtypes = ['keep', 'float32', 'bfloat16', 'float16'] as const;

interface MergedFlags extends RunExportFlags {
  readonly dtype: (typeof dtypes)[number];
  readonly scale: number;
}

function mergedCommand(): Command {
  return withRun(new Command('merged'))
    .description('the model with the trained weights in it as a Hugging Face folder')
    .addOption(new Option('--dtype <type>', 'type of the weights').choices(dtypes).default('keep'))
    .option('--scale <x>', 'how much of what was learned goes in: 1 = all of it, 0 = the base', number, 1)
    .addHelpText(
      'after',
      '\nExamples:\n  longhand export merged 1 my-merged-model\n  longhand export merged 1 my-merged-model --dtype bfloat16\n  longhand export merged 1 my-softer-model --scale 0.7',
    )
    .action((runId: number, dir: string, flags: MergedFlags) =>
      invoke(flags, async ({ signal, onProgress, note, print, json, open }) => {
        const request = { ...exportRequest(runId, dir, flags), dtype: flags.dtype, scale: flags.scale };
        const result = await exportMerged(open({}), request, { signal, onProgress, onNotice: note });
        print(`Model of run ${runId} written to ${result.dir}`);
        await json({ runId, ...result });
      }),
    );
}

interface PairsFlags extends SharedFlags {
  readonly review?: string;
  readonly withoutFlags?: readonly string[];
  readonly generation?: number;
  readonly singleTurns?: true;
  readonly shortPrompts?: true;
  readonly provenance?: true;
}

function pairsCommand(): Command {
  const { review } = pairSelectionSchema.shape;
  return withJson(withWorkspace(new Command('pairs')))
    .description("pairs as JSON Lines in TRL's conversational preference format (prompt, chosen, rejected)")
    .argument('<file>', 'file to write')
    .addOption(new Option('--review <which>', 'by their audit (default: corrected)').choices(review.unwrap().options))
    .option('--without-flags <list>', 'leave out pairs with any of these flags, such as identical', (given) =>
      given.split(',').map((flag) => flag.trim()),
    )
    .option('--generation <job>', 'only pairs of this generation (default: all)', wholeNumber(1))
    .option('--single-turns', 'a row a pair instead of a row a document with all its turns')
    .option('--short-prompts', 'add the column short_prompts')
    .option('--provenance', 'add the column provenance')
    .addHelpText(
      'after',
      '\nExamples:\n  longhand export pairs pairs.jsonl\n  longhand export pairs pairs.jsonl --single-turns --without-flags identical',
    )
    .action((file: string, flags: PairsFlags) =>
      invoke(flags, async ({ signal, onProgress, print, json, open }) => {
        const result = await exportPairs(
          open({ readOnly: true }),
          {
            path: file,
            selection: {
              jobId: flags.generation ?? null,
              withoutFlags: [...(flags.withoutFlags ?? [])],
              ...(flags.review === undefined ? {} : { review: review.parse(flags.review) }),
            },
            singleTurns: flags.singleTurns === true,
            shortPrompts: flags.shortPrompts === true,
            provenance: flags.provenance === true,
          },
          { signal, onProgress },
        );
        print(`${counted(result.pairs, 'pair')} in ${counted(result.rows, 'row')} written to ${result.path}`);
        await json(result);
      }),
    );
}
