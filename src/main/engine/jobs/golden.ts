import { UserError } from '../../../shared/errors.ts';
import type { Job } from './job-context.ts';

export const golden: Job<'golden'> = async () => {
  throw new UserError('unsupported', 'The golden cases cannot be run yet.');
};
