import { Command } from 'commander';
import { scorePairs } from '../../services/pair-scores.ts';
import { counted, whole } from '../format.ts';
import { execution, invoke, withExecution, withJson, withWorkspace } from '../invocation.ts';
import type { ExecutionFlags, SharedFlags } from '../invocation.ts';

interface ScoreFlags extends SharedFlags, ExecutionFlags {
  readonly model: string;
}

/** `longhand pairs score`. */
export function pairsCommand(): Command {
  return new Command('pairs').description('work on the stored pairs').addCommand(scoreCommand());
}

function scoreCommand(): Command {
  return withJson(withExecution(withWorkspace(new Command('score'))))
    .description('log-probabilities of the pairs under a model as it is, on their chunks, for the audit')
    .requiredOption('-m, --model <dir>', 'Hugging Face folder of the model')
    .addHelpText(
      'after',
      `
Pairs that have a score of their present texts are passed over; after Ctrl+C the same command goes on. The Pairs page
orders and filters by the scores: a rejected answer that the model holds for likelier is worth a look.

Examples:
  longhand pairs score --model models/SmolLM2-135M-Instruct
  longhand pairs score --model my-model --device cuda --json`,
    )
    .action((flags: ScoreFlags) =>
      invoke(flags, async ({ signal, onProgress, note, print, json, open }) => {
        const report = await scorePairs(
          open({}),
          { modelDir: flags.model, execution: execution(flags) },
          { signal, onProgress, onNotice: note },
        );
        print(
          `${counted(report.scored, 'pair')} scored under ${report.model.name}; ${whole(report.known)} had a score before`,
        );
        await json(report);
      }),
    );
}
