import type { ApiErrorBody } from '../../../shared/api/jobs.ts';
import { UserError } from '../../../shared/errors.ts';

/** An error as it crosses to a window: a defect says that it is one, and its stack stays in the log. */
export function errorBody(error: unknown): ApiErrorBody {
  if (error instanceof UserError) {
    return { code: error.code, message: error.message, hint: error.hint ?? null, place: error.place };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'internal',
    message: `Something went wrong inside Longhand: ${message}`,
    hint: 'Copy the diagnostics from the System page into a bug report.',
    place: {},
  };
}
