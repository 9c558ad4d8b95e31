import { z } from 'zod';
import { agreementRequestSchema, twoReviewersSchema } from '../audit/agreement.ts';
import type { AgreementReport, DisagreementRow, TwoReviewers } from '../audit/agreement.ts';
import { labelErrorRequestSchema } from '../audit/label-errors.ts';
import type { LabelErrorReport } from '../audit/label-errors.ts';
import { pageRequestSchema } from '../paging.ts';
import type { Page } from '../paging.ts';
import { method } from './method.ts';

export const agreementMethods = {
  /** Who has given verdicts, and on how many pairs one stands. */
  'agreement.reviewers': method<readonly { readonly reviewer: string; readonly pairs: number }[]>()(z.strictObject({})),
  'agreement.labelErrors': method<LabelErrorReport>()(labelErrorRequestSchema),
  'agreement.compare': method<TwoReviewers & { readonly blind: number }>()(twoReviewersSchema),
  'agreement.disagreements': method<Page<DisagreementRow>>()(pageRequestSchema.extend({ two: twoReviewersSchema })),
  /** Fleiss' kappa; null for fewer than three reviewers. */
  'agreement.all': method<AgreementReport['all']>()(agreementRequestSchema),
};
