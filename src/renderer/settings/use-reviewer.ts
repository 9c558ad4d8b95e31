import { reviewerSchema } from '../../shared/audit/review.ts';
import { useSetting } from './use-setting.ts';

/** Who reviews; stored with each verdict. */
export function useReviewer(): readonly [string, (next: string) => void] {
  return useSetting('audit.reviewer', reviewerSchema, 'me');
}
