import { mkdtempSync, writeFileSync } from 'node:fs';
import { arch, platform, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { UserError } from '../../shared/errors.ts';
import { CheckFailed, exitCode, exitCodeFor, isAbort } from './exit-codes.ts';

/** What a person reads about an error: one sentence, and what to do. `log` is where a defect was written to. */
export function errorLines(error: unknown, log: string | null): readonly string[] {
  if (isAbort(error)) return ['error: stopped'];
  const place = log === null ? 'run it again with --debug to see where' : `the log is ${log}`;
  if (error instanceof UserError || error instanceof CheckFailed) {
    const hint = error instanceof UserError ? error.hint : undefined;
    return [
      `error: ${error.message}`,
      ...(hint === undefined ? [] : [`  what to do: ${hint}`]),
      ...(isDefect(error) ? [`  for a report: ${place}`] : []),
    ];
  }
  const message = error instanceof Error ? error.message : String(error);
  return [
    `error: Longhand has a defect here: ${message.split('\n')[0] ?? ''}`,
    `  what to do: Please report it; ${place}`,
  ];
}

/** Writes an error to the error stream; a defect's stack goes to a log file, with `debug` also to the stream. */
export function showError(error: unknown, debug: boolean): void {
  const [first = '', ...rest] = errorLines(error, isDefect(error) ? writeLog(error) : null);
  const styled = first.replace(/^error:/, styleText('red', 'error:', { stream: process.stderr }));
  process.stderr.write(`${[styled, ...rest].join('\n')}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${describe(error)}\n`);
}

function isDefect(error: unknown): boolean {
  return exitCodeFor(error) === exitCode('internal');
}

function writeLog(error: unknown): string | null {
  const text = [
    `${new Date().toISOString()} Node ${process.version}, ${platform()} ${release()} ${arch()}`,
    `Command: ${process.argv.slice(2).join(' ')}`,
    describe(error),
    '',
  ].join('\n');
  try {
    const log = join(mkdtempSync(join(tmpdir(), 'longhand-error-')), 'error.log');
    writeFileSync(log, text);
    return log;
  } catch {
    return null; // no room for a log: the message still names the way to see the stack
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\nCaused by: ${describe(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
