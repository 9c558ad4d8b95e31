import { mkdtempSync, writeFileSync } from 'node:fs';
import { arch, platform, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { UserError } from '../../shared/errors.ts';
import { CheckFailed, isAbort } from './exit-codes.ts';

/** What a person reads about an error: one sentence, and what to do. `log` is where a defect was written to. */
export function errorLines(error: unknown, log: string | null): readonly string[] {
  if (isAbort(error)) return ['error: stopped'];
  if (error instanceof UserError || error instanceof CheckFailed) {
    const hint = error instanceof UserError ? error.hint : undefined;
    return [`error: ${error.message}`, ...(hint === undefined ? [] : [`  what to do: ${hint}`])];
  }
  const message = error instanceof Error ? error.message : String(error);
  return [
    `error: Longhand has a defect here: ${message.split('\n')[0] ?? ''}`,
    `  what to do: ${log === null ? 'Run it again with --debug' : `Please report it with the log ${log}`}.`,
  ];
}

/** Writes an error to the error stream; a defect's stack goes to a log file, with `debug` also to the stream. */
export function showError(error: unknown, debug: boolean): void {
  const known = error instanceof UserError || error instanceof CheckFailed || isAbort(error);
  const [first = '', ...rest] = errorLines(error, known ? null : writeLog(error));
  const styled = first.replace(/^error:/, styleText('red', 'error:', { stream: process.stderr }));
  process.stderr.write(`${[styled, ...rest].join('\n')}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${describe(error)}\n`);
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
