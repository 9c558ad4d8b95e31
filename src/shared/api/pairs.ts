import { z } from 'zod';
import { idSchema } from '../documents.ts';
import { pairListRequestSchema } from '../pairs.ts';
import type { PairDetail, PairQueueCounts, PairRow } from '../pairs.ts';
import type { Page } from '../paging.ts';
import { method } from './method.ts';

export const pairMethods = {
  'pairs.list': method<Page<PairRow>>()(pairListRequestSchema),
  'pairs.detail': method<PairDetail>()(z.strictObject({ id: idSchema })),
  'pairs.counts': method<PairQueueCounts>()(z.strictObject({})),
};
