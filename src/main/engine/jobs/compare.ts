import { compareModels } from '../evaluation/compare.ts';
import type { Job } from './job-context.ts';

/** Compares models on the same items: means, differences with intervals, items that flipped. */
export const compare: Job<'compare'> = async ({ models, higherIsBetter }) => compareModels(models, { higherIsBetter });
