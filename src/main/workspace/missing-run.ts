import { UserError } from '../../shared/errors.ts';

/** `not_found` for a run that the workspace does not have. */
export function missingRun(id: number): UserError {
  return new UserError('not_found', `There is no run ${id} in this workspace.`, {
    hint: 'The page Runs and "longhand runs list" show those that there are.',
  });
}
