import type { ErrorCode } from '../../shared/errors.ts';
import { UserError } from '../../shared/errors.ts';

/** A check that the command was asked for did not pass (golden values, a threshold): exit code 1, no defect. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed';
}

/** The exit codes of every command; `longhand --help` prints this table. */
export const exitCodes = [
  { code: 0, name: 'ok', meaning: 'done' },
  { code: 1, name: 'check_failed', meaning: 'a check failed: a golden value or an evaluation threshold' },
  { code: 2, name: 'invalid_input', meaning: 'wrong usage, or a file or value that cannot be used' },
  { code: 3, name: 'not_found', meaning: 'something named does not exist' },
  { code: 4, name: 'unsupported', meaning: 'valid, but outside what Longhand does' },
  { code: 5, name: 'conflict', meaning: "the workspace's state forbids it, such as another process using it" },
  { code: 6, name: 'no_space', meaning: 'the disk is full' },
  { code: 7, name: 'unavailable', meaning: 'a device or runtime is missing' },
  { code: 8, name: 'no_memory', meaning: 'the memory of the machine or of the card is not enough' },
  { code: 70, name: 'internal', meaning: 'a defect of Longhand; the message says where the log is' },
  { code: 130, name: 'cancelled', meaning: 'stopped by Ctrl+C' },
] as const satisfies readonly { code: number; name: ErrorCode | 'ok' | 'check_failed'; meaning: string }[];

export type ExitName = (typeof exitCodes)[number]['name'];

/** The number of an exit code by its name. */
export function exitCode(name: ExitName): number {
  const row = exitCodes.find((entry) => entry.name === name);
  if (row === undefined) throw new Error(`no exit code ${name}`);
  return row.code;
}

/** The exit code for something that was thrown. */
export function exitCodeFor(error: unknown): number {
  if (error instanceof CheckFailed) return exitCode('check_failed');
  if (error instanceof UserError) return exitCode(error.code);
  if (isAbort(error)) return exitCode('cancelled');
  return exitCode('internal');
}

/** True where the person stopped the job. */
export function isStopped(error: unknown): boolean {
  return isAbort(error) || (error instanceof UserError && error.code === 'cancelled');
}

/** True for what an aborted signal throws. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
