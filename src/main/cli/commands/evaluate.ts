import { basename, extname } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';
import { figuresOf } from '../../../shared/evaluation-figures.ts';
import {
  answerRuleSchema,
  choiceFormSchema,
  evaluationTaskSchema,
  judgedFormSchema,
  promptFormSchema,
  rulerTaskNameSchema,
} from '../../../shared/evaluation-tasks.ts';
import type { EvaluationOutcome, EvaluationTask, EvaluationTaskInput } from '../../../shared/evaluation-tasks.ts';
import { judgeOf } from '../../../shared/evaluations.ts';
import { parseInput } from '../../../shared/parse.ts';
import { publishedFormNames, publishedForms, publishedFormSchema } from '../../../shared/published-forms.ts';
import { evaluate, resumeEvaluations } from '../../services/evaluations.ts';
import type { EvaluateOptions, EvaluationRequest, EvaluationSource } from '../../services/evaluations.ts';
import { choiceSetPaths, judgedSetPaths, publishedSetPath } from '../../services/own-sets.ts';
import { readJson } from '../config-file.ts';
import { CheckFailed } from '../exit-codes.ts';
import { estimate, whole } from '../format.ts';
import {
  execution,
  invoke,
  wholeNumber,
  wholeNumbers,
  withBaseBits,
  withExecution,
  withJson,
  withWorkspace,
} from '../invocation.ts';
import type { ExecutionFlags, Invocation, SharedFlags } from '../invocation.ts';
import { evaluateCompareCommand } from './evaluate-compare.ts';
import { dryRunEvaluation } from './evaluate-dry-run.ts';
import { textTable } from '../text-table.ts';

interface EvaluateFlags extends SharedFlags, ExecutionFlags {
  readonly model?: string;
  readonly run?: number;
  readonly checkpoint?: number;
  readonly adapter?: string;
  readonly tasks?: string;
  readonly resume?: readonly number[];
  readonly dryRun?: true;
  readonly questions: readonly string[];
  readonly ask: readonly string[];
  readonly text: readonly string[];
  readonly kl?: true;
  readonly klSamples?: readonly number[];
  readonly choices: readonly string[];
  readonly published: readonly string[];
  readonly judged: readonly string[];
  readonly judge?: string;
  readonly references?: string;
  readonly maxTokens?: number;
  readonly fewShot?: number;
  readonly examples?: string;
  readonly ruler?: string;
  readonly lengths?: readonly number[];
  readonly depths?: readonly number[];
  readonly items?: number;
  readonly documents: readonly string[];
  readonly qa?: string;
  readonly prompt?: string;
  readonly rule?: string;
  readonly separator?: string;
  readonly maxNewTokens?: number;
  readonly limit?: number;
  readonly seed?: number;
  readonly minAccuracy?: number;
  readonly maxNll?: number;
}

const several = (given: string, before: readonly string[]): string[] => [...before, given];

/** `longhand evaluate`. */
export function evaluateCommand(): Command {
  return withJson(
    withBaseBits(withExecution(withWorkspace(new Command('evaluate'))), 'what the run was trained on, else own'),
  )
    .addCommand(evaluateCompareCommand())
    .description('measure a model, an adapter or a run on question sets, plain texts and held-out pairs')
    .optionsGroup('What is measured:')
    .option('-m, --model <dir>', 'Hugging Face folder of the model')
    .option('--adapter <dir>', 'PEFT folder on the model')
    .option('--run <run>', 'a run of the workspace, at its newest checkpoint', wholeNumber(1))
    .option('--checkpoint <id>', 'another checkpoint of the run', wholeNumber(1))
    .optionsGroup('On what (each may be given several times):')
    .option('--questions <file>', 'JSON Lines {context, question, answer, depth?}: share of right answers', several, [])
    .option('--text <file>', 'JSON Lines {text} or {context}: mean NLL, in nats a token', several, [])
    .option(
      '--ask <file>',
      "JSON Lines {context}: share of texts with a question that the text answers (the demo's rule)",
      several,
      [],
    )
    .option('--kl', "exact KL to the reference on the short context, in nats a token, on the run's held-out pairs")
    .option('--kl-samples <ids>', 'the same on these samples of the workspace, such as 1,2,7', wholeNumbers)
    .option('--ruler <tasks>', 'RULER tasks, such as niah_single_1,vt,cwe; synthetic = all but qa_1 and qa_2')
    .option(
      '--choices <form:file>',
      'multiple choice: mmlu, arc, hellaswag or winogrande, as published (JSON Lines or Parquet); without file: our own',
      several,
      [],
    )
    .option(
      '--published <form:file>',
      'a published file of InfiniteBench, LongBench or HELMET (forms below); without file: a small set of our own',
      several,
      [],
    )
    .option(
      '--judged <form:file>',
      'answers rated by --judge: mt_bench (question.jsonl) or longbench_chat (test_cases.json); without file: our own',
      several,
      [],
    )
    .option('--tasks <file>', 'JSON file with a list of tasks')
    .option('--resume <evaluations>', 'go on with stopped or killed evaluations, such as 3,4 (alone)', wholeNumbers)
    .optionsGroup('How:')
    .addOption(
      new Option('--rule <rule>', 'when an answer is right (default: exact)').choices(answerRuleSchema.options),
    )
    .option('--separator <text>', 'between context and question, \\n for a line feed (default: \\n\\n)')
    .option(
      '--max-new-tokens <n>',
      'longest answer, in tokens (default: 128; --ask 10; --judged 1024; --published: as published)',
      wholeNumber(1),
    )
    .option('--limit <n>', 'only the first items of each set (default: all)', wholeNumber(1))
    .option('--seed <n>', 'seed of --ask (default: 0) and --ruler (default: 42)', wholeNumber(0))
    .option('--lengths <tokens>', 'of --ruler: lengths with template and answer (default: 4096)', wholeNumbers)
    .option('--depths <percent>', 'of --ruler: places of the needles, such as 0,50,100 (default: drawn)', percents)
    .option('--items <n>', 'of --ruler: items at each length and depth (default: 100)', wholeNumber(1))
    .option('--documents <file>', 'of --ruler: text that haystacks are made of (default: our own)', several, [])
    .option('--qa <file>', 'of --ruler: questions in the form of SQuAD for qa_1, of HotpotQA for qa_2')
    .option('--few-shot <n>', 'of --choices: worked examples before each question (default: 0)', wholeNumber(0))
    .option(
      '--examples <file>',
      'of --choices and of --published helmet/rag (two a question): where these come from, in the same form',
    )
    .option('--judge <dir>', 'of --judged: Hugging Face folder of the model that rates')
    .option('--references <file>', 'of --judged: reference answers (mt_bench) or rated examples (longbench_chat)')
    .option(
      '--max-tokens <n>',
      'of --text, --published, --judged: longest input (default: what the model can address); longer ones are cut',
      wholeNumber(64),
    )
    .addOption(
      new Option(
        '--prompt <form>',
        'of --ruler and --published: chat template or plain text (default: chat; --published: as published)',
      ).choices(promptFormSchema.options),
    )
    .option(
      '--dry-run',
      'only say what it would take: items, tokens, and the time by earlier evaluations on this machine',
    )
    .option('--min-accuracy <x>', 'exit with code 1 where a question set has a lower accuracy (0 to 1)', share)
    .option('--max-nll <x>', 'exit with code 1 where a text has a higher NLL, in nats a token', positive)
    .addHelpText(
      'after',
      `
Figures come with their 95% interval. Every item's answer is stored in the workspace.

Forms of --published (the names of their authors' files; JSON Lines, a JSON list or Parquet):
${formLines()}

Examples:
  longhand evaluate --model my-model --questions long.jsonl --text plain.jsonl
  longhand evaluate --run 1 --questions long.jsonl --rule normalised --min-accuracy 0.8
  longhand evaluate --model my-model --adapter my-adapter --questions long.jsonl --json
  longhand evaluate --run 1 --published longbench/hotpotqa:hotpotqa.jsonl --max-tokens 32000
  longhand evaluate --run 1 --judged mt_bench:question.jsonl --references gpt-4.jsonl --judge big-model`,
    )
    .action((flags: EvaluateFlags) =>
      invoke(flags, async (invocation) => {
        const { signal, onProgress, note, print, json, open } = invocation;
        if (flags.dryRun === true) {
          if (flags.resume !== undefined)
            throw new UserError('invalid_input', '--dry-run has no meaning with --resume.', {
              hint: 'Leave out one of the two.',
            });
          await dryRunEvaluation(await requestOf(flags), invocation);
          return;
        }
        const options = { signal, onProgress, onNotice: note };
        const outcomes =
          flags.resume === undefined
            ? await evaluateNew(flags, open, options)
            : await resumeEvaluations(open({ create: false }), flags.resume, options);
        print(outcomesText(outcomes));
        for (const { task, row, summary } of outcomes) {
          const left = summary['too_long'] ?? 0;
          if (left > 0)
            note(
              `${task.name}: ${whole(left)} of ${whole(summary['items'] ?? 0)} were too long for the model and are not in the figures.`,
            );
          const unparsable = summary['unparsable'] ?? 0;
          if (unparsable > 0)
            note(`${task.name}: ${whole(unparsable)} judgements hold no rating and are not in the figures.`);
          if (judgeOf(row)?.selfJudged === true)
            note(`${task.name}: self-judged. The judge has the model's own base weights; such ratings flatter.`);
        }
        await json({
          evaluations: outcomes.map(({ task, row, summary }) => {
            const judge = judgeOf(row);
            return { id: row.id, task, runId: row.runId, summary, ...(judge === null ? {} : { judge }) };
          }),
        });
        const missed = outcomes.flatMap((outcome) => thresholdMisses(outcome, flags));
        if (missed.length > 0) throw new CheckFailed(missed.join('; '));
      }),
    );
}

async function evaluateNew(
  flags: EvaluateFlags,
  open: Invocation['open'],
  options: EvaluateOptions,
): Promise<readonly EvaluationOutcome[]> {
  const request = await requestOf(flags);
  return evaluate(open({ create: request.source.kind !== 'run' }), request, options);
}

async function requestOf(flags: EvaluateFlags): Promise<EvaluationRequest> {
  return { source: sourceOf(flags), tasks: await tasksOf(flags), execution: execution(flags) };
}

function sourceOf({ model, run, adapter, checkpoint }: EvaluateFlags): EvaluationSource {
  const refuse = (message: string, hint: string): never => {
    throw new UserError('invalid_input', message, { hint });
  };
  if (run !== undefined) {
    if (adapter !== undefined) return refuse('--adapter has no meaning with --run.', 'Leave out one of the two.');
    return {
      kind: 'run',
      runId: run,
      ...(checkpoint === undefined ? {} : { checkpointId: checkpoint }),
      ...(model === undefined ? {} : { modelDir: model }),
    };
  }
  if (checkpoint !== undefined) return refuse('--checkpoint needs --run.', 'Name the run of the checkpoint.');
  if (model === undefined) return refuse('Neither --model nor --run is given.', 'Name what to measure.');
  return adapter === undefined ? { kind: 'base', modelDir: model } : { kind: 'adapter', modelDir: model, dir: adapter };
}

async function tasksOf(flags: EvaluateFlags): Promise<readonly EvaluationTaskInput[]> {
  const { rule, separator, maxNewTokens, limit, seed } = flags;
  const name = (path: string): string => basename(path, extname(path));
  const shared = {
    ...(limit === undefined ? {} : { limit }),
    ...(maxNewTokens === undefined ? {} : { maxNewTokens }),
  };
  const listed =
    flags.tasks === undefined
      ? []
      : parseInput(z.array(evaluationTaskSchema), await readJson(flags.tasks), 'Tasks', flags.tasks);
  const tasks: EvaluationTaskInput[] = [
    ...listed,
    ...flags.questions.map((path): EvaluationTaskInput => ({
      ...{ kind: 'questions', name: name(path), path },
      ...shared,
      ...(rule === undefined ? {} : { rule: answerRuleSchema.parse(rule) }),
      ...(separator === undefined ? {} : { separator: separator.replaceAll('\\n', '\n') }),
    })),
    ...flags.text.map((path): EvaluationTaskInput => ({
      ...{ kind: 'text', name: name(path), path },
      ...(limit === undefined ? {} : { limit }),
      ...(flags.maxTokens === undefined ? {} : { maxTokens: flags.maxTokens }),
    })),
    ...flags.ask.map((path): EvaluationTaskInput => ({
      ...{ kind: 'ask', name: name(path), path },
      ...shared,
      ...(seed === undefined ? {} : { seed }),
    })),
    ...rulerTasks(flags),
    ...choiceTasks(flags),
    ...publishedTasks(flags),
    ...judgedTasks(flags),
    ...(flags.kl === true || flags.klSamples !== undefined
      ? [
          {
            ...({ kind: 'kl', name: 'kl' } as const),
            ...(flags.klSamples === undefined ? {} : { samples: [...flags.klSamples] }),
            ...(limit === undefined ? {} : { limit }),
          },
        ]
      : []),
  ];
  if (tasks.length > 0) return tasks;
  throw new UserError('invalid_input', 'Nothing to measure on is given.', {
    hint: 'Give --questions, --text, --ask, --kl, --ruler, --choices, --published, --judged or --tasks.',
  });
}

/** A form and its file; the file is empty where only the form is given. */
function formAndFile(given: string): readonly [form: string, file: string] {
  const at = given.indexOf(':');
  return at < 0 ? [given, ''] : [given.slice(0, at), given.slice(at + 1)];
}

function choiceTasks({ choices, fewShot, examples, limit }: EvaluateFlags): EvaluationTaskInput[] {
  return choices.map((given): EvaluationTaskInput => {
    const [name, file] = formAndFile(given);
    const form = parseInput(choiceFormSchema, name, `--choices ${given}`);
    const own = choiceSetPaths(form);
    const path = file === '' ? own.path : file;
    return {
      ...{ kind: 'multiple_choice', name: basename(path, extname(path)), path, form },
      ...(fewShot === undefined ? {} : { fewShot }),
      ...(examples !== undefined ? { examples } : file === '' ? { examples: own.examples } : {}),
      ...(limit === undefined ? {} : { limit }),
    };
  });
}

function publishedTasks(flags: EvaluateFlags): EvaluationTaskInput[] {
  const { published, examples, maxTokens, maxNewTokens, prompt, limit } = flags;
  return published.map((given): EvaluationTaskInput => {
    const [name, file] = formAndFile(given);
    if (/^longbench\/(?:multifieldqa_zh|dureader|vcsum|lsht|passage_retrieval_zh)$/.test(name)) {
      throw new UserError('unsupported', `--published ${name}: LongBench's Chinese tasks are not measured.`, {
        hint: 'Their scores need the word segmenter jieba, which Longhand does not have. Take the English tasks.',
      });
    }
    const form = parseInput(publishedFormSchema, name, `--published ${given}`);
    return {
      ...{ kind: 'published', name: form, form, path: file === '' ? publishedSetPath(form) : file },
      ...(examples === undefined || form !== 'helmet/rag' ? {} : { examples }),
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(maxNewTokens === undefined ? {} : { maxNewTokens }),
      ...(prompt === undefined ? {} : { prompt: promptFormSchema.parse(prompt) }),
      ...(limit === undefined ? {} : { limit }),
    };
  });
}

function judgedTasks({
  judged,
  judge,
  references,
  maxTokens,
  maxNewTokens,
  limit,
}: EvaluateFlags): EvaluationTaskInput[] {
  return judged.map((given): EvaluationTaskInput => {
    if (judge === undefined) {
      throw new UserError('invalid_input', '--judged needs --judge.', {
        hint: "Name the folder of the model that rates, for a self-judged rating the model's own.",
      });
    }
    const [name, file] = formAndFile(given);
    const form = parseInput(judgedFormSchema, name, `--judged ${given}`);
    const own = judgedSetPaths(form);
    return {
      ...{ kind: 'judged', name: form, form, judge, path: file === '' ? own.path : file },
      ...(references !== undefined ? { references } : file === '' ? { references: own.references } : {}),
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(maxNewTokens === undefined ? {} : { maxNewTokens, judgeTokens: maxNewTokens }),
      ...(limit === undefined ? {} : { limit }),
    };
  });
}

/** The published forms with their metrics, for the help. */
function formLines(): string {
  const width = Math.max(...publishedFormNames.map((form) => form.length));
  return publishedFormNames.map((form) => `  ${form.padEnd(width)}  ${publishedForms[form].metric}`).join('\n');
}

function rulerTasks(flags: EvaluateFlags): EvaluationTaskInput[] {
  if (flags.ruler === undefined) return [];
  const { options } = rulerTaskNameSchema;
  const names =
    flags.ruler === 'synthetic' ? options.filter((name) => !name.startsWith('qa_')) : flags.ruler.split(',');
  return names.map((given): EvaluationTaskInput => {
    const task = parseInput(rulerTaskNameSchema, given.trim(), 'RULER task');
    const needles = task.startsWith('niah_');
    return {
      ...{ kind: 'ruler', name: task, task, lengths: [...(flags.lengths ?? [4096])], documents: [...flags.documents] },
      ...(needles && flags.depths !== undefined ? { depths: flags.depths.map((percent) => percent / 100) } : {}),
      ...(flags.items === undefined ? {} : { itemsPerCell: flags.items }),
      ...(flags.seed === undefined ? {} : { seed: flags.seed }),
      ...(task.startsWith('qa_') && flags.qa !== undefined ? { questions: flags.qa } : {}),
      ...(flags.prompt === undefined ? {} : { prompt: promptFormSchema.parse(flags.prompt) }),
    };
  });
}

const kindNames: Readonly<Record<EvaluationTask['kind'], string>> = {
  questions: 'right answers, share',
  ask: 'valid questions, share',
  text: 'NLL, nats/token',
  kl: 'exact KL, nats/token',
  ruler: 'outputs named, share',
  multiple_choice: 'right choices, share',
  published: 'score, share',
  judged: 'rating, 1 to 10',
};

function outcomesText(outcomes: readonly EvaluationOutcome[]): string {
  return textTable(
    [
      { header: 'set' },
      { header: 'figure' },
      { header: 'value [95% interval]', align: 'right' },
      { header: 'items', align: 'right' },
      { header: 'evaluation', align: 'right' },
    ],
    outcomes.flatMap(({ task, row, summary }) =>
      figuresOf(task.kind, summary).map(({ part, value }, i) => [
        i === 0 ? task.name + (judgeOf(row)?.selfJudged === true ? ' (self-judged)' : '') : '',
        part === '' ? kindNames[task.kind] : part,
        estimate(value),
        i === 0 ? whole(summary['items'] ?? row.items) : '',
        i === 0 ? String(row.id) : '',
      ]),
    ),
  );
}

function thresholdMisses({ task, summary }: EvaluationOutcome, { minAccuracy, maxNll }: EvaluateFlags): string[] {
  const misses: string[] = [];
  // A set without a figure (no item fitted into the model) passes no threshold.
  const { accuracy = Number.NaN, nll = Number.NaN } = summary;
  if (task.kind === 'questions' && minAccuracy !== undefined && !(accuracy >= minAccuracy)) {
    const found = Number.isNaN(accuracy) ? 'there is no accuracy, and' : `accuracy ${accuracy.toFixed(3)} is below`;
    misses.push(`${task.name}: ${found} ${minAccuracy}${Number.isNaN(accuracy) ? ' was asked for' : ''}`);
  }
  if (task.kind === 'text' && maxNll !== undefined && !(nll <= maxNll)) {
    misses.push(`${task.name}: NLL ${nll.toFixed(3)} nats/token is above ${maxNll}`);
  }
  return misses;
}

function share(given: string): number {
  const value = Number(given);
  if (given.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('It must be a number from 0 to 1.');
  return value;
}

function percents(given: string): number[] {
  const values = given.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (values.every((value) => value >= 0 && value <= 100)) return values;
  throw new InvalidArgumentError('They must be numbers from 0 to 100, such as 0,50,100.');
}

function positive(given: string): number {
  const value = Number(given);
  if (given.trim() === '' || !(value > 0)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}
