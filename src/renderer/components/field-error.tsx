import type { ReactNode } from 'react';
import { ApiError } from '../api/transport.ts';

/** What main said about a value that a person gave; null for errors that are not about the input. */
export function inputProblem(error: unknown): ApiError | null {
  return error instanceof ApiError &&
    ['invalid_input', 'not_found', 'unsupported', 'conflict'].includes(error.body.code)
    ? error
    : null;
}

/** An error of the input as the message under its field, with what to do. */
export function fieldError(error: unknown): ReactNode {
  const problem = inputProblem(error);
  if (problem === null) return undefined;
  return (
    <span role="alert">
      <span>{problem.body.message}</span> {problem.body.hint}
    </span>
  );
}
