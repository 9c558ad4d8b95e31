import { basename } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { importConflictKinds } from '../../../shared/audit/bundle-requests.ts';
import type { ExportBundle, ImportConflictKind, ImportVerdicts } from '../../../shared/audit/bundle-requests.ts';
import { auditFilterSchema, auditOrders, scoreNames } from '../../../shared/audit/queue.ts';
import type { AuditFilterInput, ScoredModel } from '../../../shared/audit/queue.ts';
import { UserError } from '../../../shared/errors.ts';
import { pairQueues, verdicts } from '../../../shared/pairs.ts';
import { scoredModels } from '../../services/pair-scores.ts';
import { importVerdicts } from '../../services/import-verdicts.ts';
import { exportBundle, exportVerdicts, openBundle } from '../../services/review-bundle.ts';
import { bytes, counted, whole } from '../format.ts';
import { invoke, wholeNumber, withJson, withWorkspace } from '../invocation.ts';
import type { SharedFlags } from '../invocation.ts';
import { textTable } from '../text-table.ts';

/** `longhand bundle export | open | verdicts | import`. */
export function bundleCommand(): Command {
  return new Command('bundle')
    .description('audit on another machine, without model or GPU: pairs as one file, the verdicts back')
    .addCommand(exportCommand())
    .addCommand(openCommand())
    .addCommand(verdictsCommand())
    .addCommand(importCommand());
}

interface ExportFlags extends SharedFlags {
  readonly queue: (typeof pairQueues)[number];
  readonly verdict?: (typeof verdicts)[number];
  readonly flags?: readonly string[];
  readonly documentType?: string;
  readonly generation?: number;
  readonly search?: string;
  readonly documentCharacters?: Range;
  readonly answerCharacters?: Range;
  readonly run?: number;
  readonly model?: string;
  readonly score: (typeof scoreNames)[number];
  readonly scoreRange?: Range;
  readonly order: 'made' | 'random';
  readonly seed?: number;
  readonly limit?: number;
  readonly documents?: 'whole' | { readonly excerpt: number };
  readonly open?: true;
  readonly note?: string;
}

function exportCommand(): Command {
  const types = auditFilterSchema.shape.documentType.unwrap().options;
  return withJson(withWorkspace(new Command('export')))
    .description('pairs for review as one file: a random sample, unless told otherwise')
    .argument('<file>', 'file to write; an older bundle of that name is replaced, nothing else')
    .addOption(new Option('--queue <queue>', 'which pairs').choices(pairQueues).default('all'))
    .addOption(new Option('--verdict <verdict>', 'only pairs with this latest verdict').choices(verdicts))
    .option('--flags <list>', 'only pairs with any of these flags, such as identical', list)
    .addOption(new Option('--document-type <type>', 'only pairs of such documents').choices(types))
    .option('--generation <job>', 'only pairs of this generation (default: all)', wholeNumber(1))
    .option('--search <text>', 'only pairs whose question or answers contain the text')
    .option(
      '--document-characters <range>',
      'only pairs of documents of that length, such as 10000..50000 or ..50000',
      range,
    )
    .option('--answer-characters <range>', 'only pairs whose longer answer has that length, such as ..400', range)
    .option('--run <id>', 'only pairs with log-ratios of this run', wholeNumber(1))
    .option(
      '--model <name>',
      'only pairs scored with this model (longhand pairs score): its name, folder or fingerprint',
    )
    .addOption(
      new Option('--score <value>', 'with --run or --model: what --score-range is about')
        .choices(scoreNames)
        .default('margin'),
    )
    .option('--score-range <range>', 'with --run or --model: nats, such as ..0 or -2.5..2.5', range)
    .addOption(
      new Option('--order <order>', 'random: a sample that speaks for the others; made: as generated')
        .choices(auditOrders.filter((order) => order !== 'margin'))
        .default('random'),
    )
    .option('--seed <n>', 'of the random order; the same seed draws the same pairs (default: 0)', wholeNumber(0))
    .option('--limit <n>', 'most pairs (default: 200)', wholeNumber(1))
    .option(
      '--documents <much>',
      'whole, or the characters (UTF-16 units) around each chunk that go along (default: 4000)',
      documents,
    )
    .option('--open', 'let the annotator see which answer is the chosen one (default: blind)')
    .option('--note <text>', 'what the annotator should know')
    .addHelpText(
      'after',
      `
Give two annotators the same file to measure their agreement.

Examples:
  longhand bundle export audit.bundle.jsonl --limit 300 --seed 1
  longhand bundle export doubtful.bundle.jsonl --run 3 --score-range ..0
  longhand bundle export flagged.bundle.jsonl --queue flagged --documents whole --note 'Look at the dates.'`,
    )
    .action((file: string, flags: ExportFlags) =>
      invoke(flags, async ({ signal, onProgress, print, json, open }) => {
        const context = open({});
        const request = exportRequest(file, flags, scoredModels(context));
        const result = await exportBundle(context, request, { signal, onProgress });
        print(
          `${counted(result.pairs, 'pair')} with ${counted(result.documents, 'text')} (${bytes(result.bytes)}) written to ${result.path}\nOn the other machine: longhand bundle open ${file} <folder>`,
        );
        await json(result);
      }),
    );
}

/** The score that the flags ask for. Errors: `invalid_input`, `not_found`. */
function scoreOf(flags: ExportFlags, models: readonly ScoredModel[]): AuditFilterInput['score'] {
  const { run, model: wanted, score: of, scoreRange = {} } = flags;
  const wrong = (message: string, field: string): UserError =>
    new UserError('invalid_input', message, { place: { field } });
  if (run !== undefined && wanted !== undefined)
    throw wrong('Scores are of a run or of a model, not of both.', '--model');
  if (run !== undefined) return { runId: run, of, range: scoreRange };
  if (wanted === undefined) {
    if (flags.scoreRange === undefined) return undefined;
    throw wrong('A range of scores needs --run or --model: whose scores?', '--score-range');
  }
  const found = models.filter(
    ({ fingerprint, name }) => fingerprint === wanted || name === wanted || basename(name) === basename(wanted),
  );
  const [only] = found;
  if (only !== undefined && found.length === 1) return { model: only.fingerprint, of, range: scoreRange };
  const known = models.map(({ name, fingerprint }) => `${name} (${fingerprint})`).join(', ');
  throw new UserError('not_found', `${found.length === 0 ? 'No' : 'More than one'} scored model is called ${wanted}.`, {
    hint: known === '' ? 'longhand pairs score scores the pairs with a model.' : `Scored: ${known}.`,
    place: { field: '--model' },
  });
}

function exportRequest(path: string, flags: ExportFlags, models: readonly ScoredModel[]): ExportBundle {
  const score = scoreOf(flags, models);
  const { queue, verdict, documentType, generation, search, order, seed, limit, note } = flags;
  const filter = auditFilterSchema.parse({
    queue,
    ...(verdict === undefined ? {} : { verdict }),
    ...(flags.flags === undefined ? {} : { flags: flags.flags }),
    ...(documentType === undefined ? {} : { documentType }),
    ...(generation === undefined ? {} : { jobId: generation }),
    ...(search === undefined ? {} : { search }),
    ...(flags.documentCharacters === undefined ? {} : { documentCharacters: flags.documentCharacters }),
    ...(flags.answerCharacters === undefined ? {} : { answerCharacters: flags.answerCharacters }),
    ...(score === undefined ? {} : { score }),
  });
  return {
    ...{ path, filter, order, blind: flags.open !== true },
    ...(seed === undefined ? {} : { seed }),
    ...(limit === undefined ? {} : { limit }),
    ...(flags.documents === undefined ? {} : { documents: flags.documents }),
    ...(note === undefined ? {} : { note }),
  };
}

function openCommand(): Command {
  return withJson(new Command('open'))
    .description("make an annotator's workspace of a bundle; needs no model")
    .argument('<file>', 'the bundle')
    .argument('<folder>', 'new or empty folder for the workspace, or one with the same bundle')
    .addHelpText(
      'after',
      '\nExamples:\n  longhand bundle open audit.bundle.jsonl my-audit\n  longhand bundle open audit.bundle.jsonl my-audit --json',
    )
    .action((path: string, folder: string, flags: SharedFlags) =>
      invoke(flags, async ({ signal, onProgress, print, json }) => {
        const report = await openBundle({ path, folder }, { signal, onProgress });
        const { pairs, blind, note, created } = report;
        print(
          [
            `${counted(pairs, 'pair')}${blind ? ' for blind review' : ''} in ${report.folder}${created ? '' : ' (opened before; its reviews are kept)'}`,
            ...(note === '' ? [] : [`Note: ${note}`]),
            `Review them: npm start -- --workspace ${folder}`,
            `Afterwards: longhand bundle verdicts verdicts.jsonl --workspace ${folder}`,
          ].join('\n'),
        );
        await json(report);
      }),
    );
}

function verdictsCommand(): Command {
  return withJson(withWorkspace(new Command('verdicts')))
    .description("all reviews of an annotator's workspace as one file for the workspace that made the bundle")
    .argument('<file>', 'file to write; an older verdict file of that name is replaced, nothing else')
    .addHelpText(
      'after',
      '\nExamples:\n  longhand bundle verdicts ann.verdicts.jsonl --workspace my-audit\n  longhand bundle verdicts ann.verdicts.jsonl --workspace my-audit --json',
    )
    .action((path: string, flags: SharedFlags) =>
      invoke(flags, async ({ signal, onProgress, print, json, open }) => {
        const result = await exportVerdicts(open({ readOnly: true }), { path }, { signal, onProgress });
        print(`${counted(result.reviews, 'review')} (${bytes(result.bytes)}) written to ${result.path}`);
        await json(result);
      }),
    );
}

const choices = ['skip', 'import'] as const;
type Choice = (typeof choices)[number];

interface ImportFlags extends SharedFlags {
  readonly preview?: true;
  readonly changedPairs?: Choice;
  readonly sameReviewer?: Choice;
  readonly clock?: Choice;
  readonly rename?: Readonly<Record<string, string>>;
}

const conflictNames: Readonly<Record<ImportConflictKind, string>> = {
  pair_unknown: 'pair not here',
  pair_changed: 'pair edited here since',
  same_reviewer: 'same reviewer twice',
  clock: 'clock',
};

/** Conflicts that the report for a person lists; `--json` has all of them. */
const shownConflicts = 50;

function importCommand(): Command {
  const choice = (flag: string, text: string): Option => new Option(`${flag} <do>`, text).choices(choices);
  return withJson(withWorkspace(new Command('import')))
    .description('take over the verdicts of a bundle; importing again adds only what is new')
    .argument('<file>', 'the verdict file')
    .option('--preview', 'only say what would happen')
    .addOption(choice('--changed-pairs', 'reviews of pairs whose texts were edited here since (default: skip)'))
    .addOption(choice('--same-reviewer', 'reviews by who has a verdict on the pair here already (default: skip)'))
    .addOption(choice('--clock', 'reviews dated before the bundle or in the future (default: import)'))
    .option('--rename <in-file=here>', "a reviewer's name here; may be given several times", rename)
    .addHelpText(
      'after',
      `
Reviews of pairs that are not in the workspace are always left out.

Examples:
  longhand bundle import ann.verdicts.jsonl --preview
  longhand bundle import ann.verdicts.jsonl --rename me=ann --same-reviewer import`,
    )
    .action((path: string, flags: ImportFlags) =>
      invoke(flags, async ({ signal, onProgress, print, json, open }) => {
        const { changedPairs, sameReviewer, clock } = flags;
        const request: ImportVerdicts = {
          ...{ path, preview: flags.preview === true },
          ...(changedPairs === undefined ? {} : { changedPairs }),
          ...(sameReviewer === undefined ? {} : { sameReviewer }),
          ...(clock === undefined ? {} : { clock }),
          ...(flags.rename === undefined ? {} : { rename: flags.rename }),
        };
        const report = await importVerdicts(open({}), request, { signal, onProgress });
        print(describe(report));
        await json(report);
      }),
    );
}

function describe(report: Awaited<ReturnType<typeof importVerdicts>>): string {
  const { reviews, imported, known, skipped, reviewers, counts, conflicts, preview } = report;
  const parts = [
    `${counted(reviews, 'review')}: ${whole(imported)} ${preview ? 'would be imported' : 'imported'}, ${whole(known)} here already, ${whole(skipped)} left out`,
    textTable(
      [{ header: 'reviewer' }, { header: 'here as' }, ...right('reviews', 'pairs here before')],
      reviewers.map(({ inFile, name, reviews: of, pairsHere }) => [inFile, name, whole(of), whole(pairsHere)]),
    ),
  ];
  if (conflicts.length > 0) {
    parts.push(
      textTable(
        [{ header: 'conflict' }, ...right('imported', 'left out')],
        importConflictKinds
          .filter((kind) => counts[kind].imported + counts[kind].skipped > 0)
          .map((kind) => [conflictNames[kind], whole(counts[kind].imported), whole(counts[kind].skipped)]),
      ),
      textTable(
        [{ header: 'pair', align: 'right' }, { header: 'reviewer' }, { header: '' }, { header: 'why' }],
        conflicts
          .slice(0, shownConflicts)
          .map(({ pairId, reviewer, resolution, message }) => [String(pairId), reviewer, resolution, message]),
      ),
    );
    if (conflicts.length > shownConflicts) {
      parts.push(`${whole(conflicts.length - shownConflicts)} more conflicts: --json has them all.`);
    }
  }
  return parts.join('\n\n');
}

const right = (...headers: string[]) => headers.map((header) => ({ header, align: 'right' as const }));

function list(given: string): string[] {
  return given.split(',').map((part) => part.trim());
}

interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** `2..8`, `2..`, `..8`; both ends belong to it. */
function range(given: string): Range {
  const number = String.raw`-?\d+(?:\.\d+)?(?:e-?\d+)?`;
  const [whole, min, max] = new RegExp(`^(${number})?\\.\\.(${number})?$`, 'i').exec(given.trim()) ?? [];
  if (whole === undefined || (min === undefined && max === undefined)) {
    throw new InvalidArgumentError('It must look like 2..8, 2.. or ..8.');
  }
  if (min !== undefined && max !== undefined && Number(min) > Number(max)) {
    throw new InvalidArgumentError('Its first number must not be above its second.');
  }
  return {
    ...(min === undefined ? {} : { min: Number(min) }),
    ...(max === undefined ? {} : { max: Number(max) }),
  };
}

function documents(given: string): 'whole' | { readonly excerpt: number } {
  if (given === 'whole') return 'whole';
  const excerpt = Number(given);
  if (given.trim() === '' || !Number.isSafeInteger(excerpt) || excerpt < 0 || excerpt > 10_000_000) {
    throw new InvalidArgumentError('It must be "whole" or a whole number from 0 to 10000000.');
  }
  return { excerpt };
}

function rename(given: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = given.indexOf('=');
  const [inFile, here] = [given.slice(0, at).trim(), given.slice(at + 1).trim()];
  if (at < 1 || inFile === '' || here === '') throw new InvalidArgumentError('It must look like me=ann.');
  return { ...before, [inFile]: here };
}
