import { UserError } from '../../../shared/errors.ts';
import type { WireError } from './messages.ts';

/** An error as it crosses the processes; anything but a UserError is a defect (`internal`). */
export function toWireError(error: unknown): WireError {
  if (error instanceof UserError) {
    const { code, message, hint, place } = error;
    return { code, message, hint: hint ?? null, place, stack: null };
  }
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? null) : null;
  return { code: 'internal', message, hint: null, place: {}, stack };
}

/** The error on the other side: a UserError, or a plain Error with the other process's stack for a defect. */
export function fromWireError({ code, message, hint, place, stack }: WireError): Error {
  if (code !== 'internal') return new UserError(code, message, { place, ...(hint === null ? {} : { hint }) });
  const error = new Error(message);
  if (stack !== null) error.stack = stack;
  return error;
}
