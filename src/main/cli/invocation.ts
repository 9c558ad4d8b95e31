import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { everyRow } from '../../shared/paging.ts';
import type { Page } from '../../shared/paging.ts';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { openContext } from '../services/context.ts';
import { interruptible } from './interrupt.ts';
import { progressReporter } from './progress.ts';
import type { PhaseTime } from './progress.ts';
import { baseBits } from '../../shared/run-config.ts';
import type { BaseBits } from '../../shared/run-config.ts';

/** Flags that several commands share. */
export interface SharedFlags {
  readonly json?: true | string;
  readonly workspace?: string;
}

type Context = ReturnType<typeof openContext>;

interface OpenFlags {
  /** Makes the workspace where there is none; a command that then fails leaves none behind. */
  readonly create?: boolean;
  readonly readOnly?: boolean;
}

/** One run of a command: where its report, its progress and its JSON go. */
export interface Invocation {
  readonly signal: AbortSignal;
  readonly onProgress: ReturnType<typeof progressReporter>['onProgress'];
  /** A line for the person beside the report, on the error stream. */
  readonly note: (text: string) => void;
  /** Ends the progress line; answers how long each phase took. */
  readonly endProgress: () => PhaseTime[];
  /** The report for a person, on standard output; nothing is printed when standard output belongs to the JSON. */
  readonly print: (text: string) => void;
  /** The report for a program, where `--json` asks for one. Numbers are not rounded; what is not finite is null. */
  readonly json: (value: unknown) => Promise<void>;
  /** Folder of the workspace; says which one it is. */
  readonly workspaceFolder: () => string;
  /** Opens the workspace with an engine and closes both at the end of the command. */
  readonly open: (options: OpenFlags) => Context;
}

/** Adds `--json [file]`. */
export function withJson(command: Command): Command {
  return command.option(
    '--json [file]',
    'report as JSON: to the file, or to standard output and nothing else with it (numbers unrounded, not finite = null)',
  );
}

/** Adds `--workspace <dir>`. */
export function withWorkspace(command: Command): Command {
  return command.option(
    '-w, --workspace <dir>',
    'folder of the workspace (default: $LONGHAND_WORKSPACE, else ./longhand-workspace)',
  );
}

/** Adds `--device` and `--threads` for commands whose configuration has no such fields. */
export function withExecution(command: Command): Command {
  return command
    .addOption(new Option('--device <device>', 'where to compute (default: cpu)').choices(['cpu', 'cuda']))
    .option('--threads <n>', 'CPU threads; 0 = as many as there are cores (default: 0)', wholeNumber(0));
}

/** Adds `--base-bits`. */
export function withBaseBits(command: Command, standard: string): Command {
  const text = `precision of the linear layers' weights: own, or 4 bits (default: ${standard})`;
  return command.addOption(new Option('--base-bits <bits>', text).choices(baseBits));
}

export interface ExecutionFlags {
  readonly device?: 'cpu' | 'cuda';
  readonly threads?: number;
  readonly baseBits?: BaseBits;
}

/** What `withExecution` and `withBaseBits` have read, as services take it. */
export function execution({ device, threads, baseBits }: ExecutionFlags): ExecutionFlags {
  return {
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
    ...(baseBits === undefined ? {} : { baseBits }),
  };
}

/** Every row of a list that comes in pages. */
export function allPages<Row>(page: (cursor: string | null) => Page<Row>): Row[] {
  return [...everyRow(page)];
}

/** A flag's whole number of at least `least`. */
export function wholeNumber(least: number): (given: string) => number {
  return (given) => {
    const value = Number(given);
    if (given.trim() === '' || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
    }
    return value;
  };
}

/** A flag's number. */
export function number(given: string): number {
  const value = Number(given);
  if (given.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

/** A flag's list of numbers, such as `1,2,7`. */
export function wholeNumbers(given: string): number[] {
  return given.split(',').map((part) => wholeNumber(1)(part.trim()));
}

/** Runs one command with its surroundings and takes them down afterwards, also when it fails. */
export async function invoke(flags: SharedFlags, run: (invocation: Invocation) => Promise<void>): Promise<void> {
  const progress = progressReporter(process.stderr);
  const interrupt = interruptible((text) => progress.note(text));
  const jsonOnly = flags.json === true;
  let opened: Context | undefined;
  let done = false;
  const workspaceFolder = (): string => {
    const named = flags.workspace ?? process.env['LONGHAND_WORKSPACE'];
    const folder = resolve(named === undefined || named === '' ? 'longhand-workspace' : named);
    const origin =
      flags.workspace !== undefined ? '' : named === undefined || named === '' ? ' (default)' : ' (LONGHAND_WORKSPACE)';
    progress.note(`Workspace: ${folder}${origin}`);
    return folder;
  };
  try {
    await run({
      signal: interrupt.signal,
      onProgress: (state) => progress.onProgress(state),
      note: (text) => progress.note(text),
      endProgress: () => progress.finish(),
      print: (text) => {
        progress.finish();
        if (!jsonOnly) process.stdout.write(`${text}\n`);
      },
      json: async (value) => {
        if (flags.json === undefined) return;
        const text = `${JSON.stringify(value, null, 2)}\n`;
        if (flags.json === true) process.stdout.write(text);
        else await writeFileAtomic(resolve(flags.json), text);
      },
      workspaceFolder,
      open: (options) => (opened = openContext(workspaceFolder(), { program: 'longhand (command line)', ...options })),
    });
    done = true;
  } finally {
    progress.finish();
    await (done ? opened?.close() : opened?.discard());
    interrupt.finish();
  }
}
