import { Command, CommanderError } from 'commander';
import { codeVersion } from '../services/code-version.ts';
import { bundleCommand } from './commands/bundle.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { extendCommand } from './commands/extend.ts';
import { exportCommand } from './commands/export.ts';
import { generateCommand } from './commands/generate.ts';
import { goldenCommand } from './commands/golden.ts';
import { importCommand } from './commands/import.ts';
import { modelCommand } from './commands/model.ts';
import { pairsCommand } from './commands/pairs.ts';
import { planCommand } from './commands/plan.ts';
import { runsCommand } from './commands/runs.ts';
import { selfTestCommand } from './commands/self-test.ts';
import { trainCommand } from './commands/train.ts';
import { workspaceCommand } from './commands/workspace.ts';
import { exitCode, exitCodeFor, exitCodes } from './exit-codes.ts';
import { asSystemError } from '../files/system-error.ts';
import { showError } from './show-error.ts';

/** All commands. */
export function makeProgram(): Command {
  const program = new Command('longhand')
    .description('Short-to-Long Preference Optimization (LongPO) on your own machine, offline')
    .version(codeVersion())
    .option('--debug', 'with an error, also print its stack')
    .addHelpText(
      'after',
      `
The workspace is the folder that --workspace names, else $LONGHAND_WORKSPACE, else ./longhand-workspace. Reports go to
standard output, progress and errors to standard error. Write --json=FILE or put --json last: it may take a file.

Exit codes:
${exitCodes.map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}`).join('\n')}

Examples:
  longhand demo
  longhand import documents/ && longhand generate --model my-model --preset small
  longhand train --model my-model --objective longpo --trainable lora && longhand runs show 1`,
    );
  const commands = [
    demoCommand(),
    modelCommand(),
    importCommand(),
    generateCommand(),
    pairsCommand(),
    trainCommand(),
    evaluateCommand(),
    runsCommand(),
    extendCommand(),
    exportCommand(),
    bundleCommand(),
    workspaceCommand(),
    goldenCommand(),
    planCommand(),
    doctorCommand(),
    selfTestCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of everyCommand(program)) {
    command
      .exitOverride()
      .configureOutput({ writeErr: () => undefined })
      .showSuggestionAfterError(true);
    // Also behind the command's name, where a person adds it after an error.
    if (command !== program) command.option('--debug', 'with an error, also print its stack');
  }
  return program;
}

/** Runs the command line and answers its exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const debug = args.includes('--debug');
  try {
    await makeProgram().parseAsync([...args], { from: 'user' });
    return exitCode('ok');
  } catch (thrown) {
    if (thrown instanceof CommanderError) return usageProblem(thrown, args);
    const error = asSystemError(thrown);
    showError(error, debug);
    return exitCodeFor(error);
  }
}

/** Help and version are no errors; everything else that commander stops at is a wrong usage. */
function usageProblem(error: CommanderError, args: readonly string[]): number {
  if (error.exitCode === 0) return exitCode('ok');
  const words = args.filter((arg) => !arg.startsWith('-'));
  const program = makeProgram();
  let command = program;
  for (const word of words) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next === undefined) break;
    command = next;
  }
  const path = command === program ? 'longhand' : `longhand ${names(command)}`;
  if (error.code === 'commander.help') {
    // A group of commands without the name of one: its help says which there are.
    process.stderr.write(command.helpInformation());
  }
  const message = error.code === 'commander.help' ? 'a command is missing' : error.message.replace(/^error: /, '');
  const [first = '', ...suggestions] = message.split('\n');
  const hint = [...suggestions.map((text) => text.replace(/^\(|\)$/g, '')), `see ${path} --help`].join(' Or ');
  process.stderr.write(`error: ${first}\n  what to do: ${hint}\n`);
  return exitCode('invalid_input');
}

function names(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${names(parent)} ${command.name()}`;
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap((child) => everyCommand(child))];
}
