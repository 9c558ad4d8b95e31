import { Command, Option } from 'commander';
import { UserError } from '../../../shared/errors.ts';
import { instructionTemplateSchema, instructionTemplates } from '../../../shared/instruction-templates.ts';
import { parseInput } from '../../../shared/parse.ts';
import { synthesisConfigSchema, synthesisPresets } from '../../../shared/synthesis-config.ts';
import type { SynthesisConfig } from '../../../shared/synthesis-config.ts';
import { generatePairs, listGenerations, resumeGeneration } from '../../services/pairs.ts';
import { readJson, readJsonObject } from '../config-file.ts';
import { isStopped } from '../exit-codes.ts';
import { duration, whole } from '../format.ts';
import {
  allPages,
  execution,
  invoke,
  wholeNumber,
  wholeNumbers,
  withBaseBits,
  withExecution,
  withJson,
  withWorkspace,
} from '../invocation.ts';
import type { ExecutionFlags, SharedFlags } from '../invocation.ts';
import { resumeCommand } from '../resume-command.ts';
import { schemaFlags } from '../../../shared/schema-fields.ts';
import { addSchemaFlags, flagValues, givenFlags, layered, parseWithFlags } from '../schema-flags.ts';
import { synthesisConfigHelp } from '../../../shared/synthesis-config-help.ts';
import { facts, textTable } from '../text-table.ts';

const flagsOfConfig = schemaFlags(synthesisConfigSchema, ['template']);
const presetNames = { paper: 'paper', 'released-code': 'releasedCode', small: 'small', demo: 'demo' } as const;

interface GenerateFlags extends SharedFlags, ExecutionFlags {
  readonly model?: string;
  readonly preset?: keyof typeof presetNames;
  readonly config?: string;
  readonly template?: keyof typeof instructionTemplates;
  readonly templateFile?: string;
  readonly documents?: readonly number[];
  readonly name?: string;
  readonly resume?: number;
}

/** `longhand generate`. */
export function generateCommand(): Command {
  const command = withJson(withBaseBits(withExecution(withWorkspace(new Command('generate'))), 'own'))
    .description('make preference pairs from the documents with the model itself')
    .option('-m, --model <dir>', 'Hugging Face folder of the model')
    .addOption(
      new Option('--preset <name>', 'settings to start from (default: paper)').choices(Object.keys(presetNames)),
    )
    .option('--config <file>', 'JSON file with settings, over the preset')
    .addOption(
      new Option('--template <name>', 'built-in instruction (default: paper)').choices(
        Object.keys(instructionTemplates),
      ),
    )
    .option('--template-file <file>', 'JSON file with an instruction of your own')
    .option('--documents <ids>', 'only these documents, such as 1,2,7 (default: all)', wholeNumbers)
    .option('--name <text>', 'name of the generation')
    .option(
      '--resume <job>',
      'go on with a generation that was stopped or failed, with its own settings',
      wholeNumber(1),
    )
    .addHelpText(
      'after',
      `
Each document is stored when it is done. After Ctrl+C, --resume goes on and gives the same pairs.

Examples:
  longhand generate --model models/SmolLM2-135M-Instruct --preset small
  longhand generate --model my-model --chunking-max-tokens 8192 --chunking-min-tokens 1024 --device cuda
  longhand generate --resume 1 --json`,
    );
  addSchemaFlags(command, flagsOfConfig, synthesisConfigHelp);
  return command.action((flags: GenerateFlags) =>
    invoke(flags, async ({ signal, onProgress, note, endProgress, print, json, open }) => {
      const options = { signal, onProgress, onNotice: note };
      const settings = await synthesisSettings(flags, command);
      if (flags.resume === undefined && flags.model === undefined) {
        throw new UserError('invalid_input', '--model is missing.', {
          hint: 'Name the Hugging Face folder of the model.',
        });
      }
      const context = open({});
      const before = new Set<number | undefined>(
        allPages((cursor) => listGenerations(context, { cursor })).map(({ id }) => id),
      );
      try {
        const report =
          flags.resume !== undefined
            ? await resumeGeneration(context, flags.resume, options)
            : await generatePairs(
                context,
                {
                  modelDir: flags.model ?? '',
                  settings,
                  execution: execution(flags),
                  ...(flags.documents === undefined ? {} : { documentIds: flags.documents }),
                  ...(flags.name === undefined ? {} : { name: flags.name }),
                },
                options,
              );
        const phases = endProgress();
        const { job, counts } = report;
        const dropped = Object.entries(counts.dropped);
        print(
          [
            facts([
              ['generation', `${job.id} (${job.name})`],
              ['documents', whole(counts.documents)],
              ['chunks', whole(counts.chunks)],
              ['questions', whole(counts.questions)],
              ['pairs', `${whole(counts.pairs)}, ${whole(counts.identical)} of them with identical answers`],
              ['time', phases.map(({ phase, seconds }) => `${phase} ${duration(seconds)}`).join(', ')],
            ]),
            ...(dropped.length === 0
              ? []
              : [
                  '',
                  textTable(
                    [{ header: 'left out because of' }, { header: 'number', align: 'right' }],
                    dropped.map(([reason, count]) => [reason, whole(count)]),
                  ),
                ]),
          ].join('\n'),
        );
        await json(report);
        if (counts.pairs === 0) throw nothingMade(counts);
        if (counts.pairs === counts.identical)
          note('All pairs have identical answers: training has nothing to prefer in them.');
      } catch (error) {
        const latest = allPages((cursor) => listGenerations(context, { cursor })).at(-1);
        const job = flags.resume ?? (before.has(latest?.id) ? undefined : latest?.id);
        if (job === undefined) throw error; // nothing was begun
        const command = resumeCommand('generate', job, context.workspace.folder);
        if (isStopped(error)) {
          throw new UserError('cancelled', 'The generation was stopped; the documents that were done are stored.', {
            hint: `Go on with: ${command}`,
            cause: error,
          });
        }
        if (!(error instanceof UserError) || ['internal', 'no_space', 'no_memory', 'unavailable'].includes(error.code))
          note(`The generation ${job} can be continued with: ${command}`);
        throw error;
      }
    }),
  );
}

/** The error of a generation that has nothing to train on. */
function nothingMade({ documents, dropped }: Awaited<ReturnType<typeof generatePairs>>['counts']): UserError {
  const reasons = Object.entries(dropped).map(([reason, count]) => `${reason} ${whole(count)}`);
  return new UserError(
    'invalid_input',
    documents === 0
      ? 'The generation made no pairs: there was no document to make them from.'
      : `The generation made no pairs: left out because of ${reasons.join(', ') || 'nothing, but no chunk was long enough'}.`,
    {
      hint: 'Use longer documents, chunks of another size (--chunking-min-tokens, --chunking-max-tokens), another template or a model that follows it.',
    },
  );
}

async function synthesisSettings(flags: GenerateFlags, command: Command): Promise<SynthesisConfig> {
  const given = givenFlags(command, flagsOfConfig);
  if (flags.resume !== undefined) {
    const other = given.keys().next().value?.name ?? (flags.preset === undefined ? undefined : '--preset');
    if (other !== undefined || flags.config !== undefined) {
      throw new UserError('invalid_input', `${other ?? '--config'} has no meaning with --resume.`, {
        hint: 'A generation goes on with the settings it began with; start a new one for others.',
      });
    }
  }
  const preset = flags.preset === undefined ? {} : synthesisPresets[presetNames[flags.preset]];
  const file = flags.config === undefined ? {} : await readJsonObject(flags.config);
  const { templateFile } = flags;
  const own =
    templateFile === undefined
      ? undefined
      : parseInput(instructionTemplateSchema, await readJson(templateFile), 'Instruction', templateFile);
  const template = own ?? (flags.template === undefined ? undefined : instructionTemplates[flags.template]);
  const merged = layered(layered(preset, file), flagValues(given));
  return parseWithFlags(
    synthesisConfigSchema,
    template === undefined ? merged : { ...merged, template },
    given,
    'Synthesis configuration',
    flags.config,
  );
}
