import { Command, InvalidArgumentError } from 'commander';
import { comparedItems, compareEvaluations } from '../../services/evaluations.ts';
import type { ComparedItem } from '../../services/evaluations.ts';
import { estimate, fixed, whole } from '../format.ts';
import { invoke, withJson, withWorkspace } from '../invocation.ts';
import type { SharedFlags } from '../invocation.ts';
import { printable, textTable } from '../text-table.ts';

interface CompareFlags extends SharedFlags {
  readonly names?: string;
  readonly flips?: number | true;
}

/** `longhand evaluate compare`. */
export function evaluateCompareCommand(): Command {
  return withJson(withWorkspace(new Command('compare')))
    .description('compare stored evaluations of one set with the first of them, item by item')
    .argument('<evaluations>', 'such as 1,4,7: base, SFT, LongPO', ids)
    .option('--names <names>', 'what to call them, separated by commas')
    .option('--flips [n]', 'show the items that are better or worse, side by side (default: 10)', flipCount)
    .addHelpText(
      'after',
      `
Means and paired differences come with 95% bootstrap intervals over the items that all of them answered.

Examples:
  longhand evaluate compare 1,4,7 --names base,SFT,LongPO
  longhand evaluate compare 1,7 --flips 20`,
    )
    .action((evaluations: readonly number[], flags: CompareFlags, command: Command) =>
      // `evaluate` has --workspace and --json of its own and takes them wherever they stand.
      invoke(command.optsWithGlobals<CompareFlags>(), async ({ signal, print, json, open }) => {
        const context = open({ create: false });
        const names = flags.names?.split(',').map((name) => name.trim());
        const comparison = await compareEvaluations(context, evaluations, { signal, ...(names && { names }) });
        print(
          textTable(
            [
              { header: 'evaluation' },
              { header: 'mean [95% interval]', align: 'right' },
              { header: 'difference [95% interval]', align: 'right' },
              { header: 'better', align: 'right' },
              { header: 'worse', align: 'right' },
            ],
            comparison.rows.map(({ name, mean, difference, better, worse }) => [
              name,
              estimate(mean),
              estimate(difference),
              ...(difference === null ? ['-', '-'] : [whole(better.length), whole(worse.length)]),
            ]),
          ),
        );
        const flipped = [...new Set(comparison.rows.flatMap(({ better, worse }) => [...better, ...worse]))];
        const items = comparedItems(
          context,
          evaluations,
          flipped.sort((a, b) => a - b),
        );
        if (flags.flips !== undefined) {
          const shown = items.slice(0, flags.flips === true ? 10 : flags.flips);
          const labels = comparison.rows.map(({ name }) => name);
          print(['', ...shown.map((item) => itemText(item, labels))].join('\n'));
        }
        await json({ comparison, flipped: items });
      }),
    );
}

/** One item below the other: what was asked, where the evidence stands, what each answered. */
function itemText({ index, question, expected, evidence, answers }: ComparedItem, names: readonly string[]): string {
  const line = (text: string): string => printable(text.replaceAll(/\s+/g, ' ').trim().slice(0, 160));
  const place = evidence.length === 0 ? '' : `, evidence at ${evidence.map((at) => fixed(at * 100, 0)).join(', ')}%`;
  return [
    `${index + 1}. ${line(question)}${place}`,
    ...(expected === '' ? [] : [`   expected: ${line(expected)}`]),
    ...answers.map(({ answer, score }, i) => `   ${names[i] ?? ''} (${fixed(score, 2)}): ${line(answer)}`),
  ].join('\n');
}

function ids(given: string): number[] {
  const values = given.split(',').map(Number);
  if (values.every((value) => Number.isInteger(value) && value > 0)) return values;
  throw new InvalidArgumentError('It must be numbers of evaluations, such as 1,4.');
}

function flipCount(given: string): number {
  const value = Number(given);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a whole number above 0.');
}
