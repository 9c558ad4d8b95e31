import type { JobKind } from '../protocol/jobs.ts';
import { compare } from './compare.ts';
import { countTokens } from './count-tokens.ts';
import { dryRun } from './dry-run.ts';
import { evaluate } from './evaluate.ts';
import { itemDocument } from './item-document.ts';
import { checkTask } from './task-size.ts';
import { exportAdapter, exportMerged } from './export.ts';
import { generate } from './generate.ts';
import { golden } from './golden.ts';
import { inspectModel } from './inspect-model.ts';
import type { Job } from './job-context.ts';
import { withMemoryAdvice } from './memory-advice.ts';
import { prepareTraining } from './prepare-training.ts';
import { scorePairs } from './score-pairs.ts';
import { selfTest } from './self-test.ts';
import { train } from './train.ts';

/** Every job of the engine by its name in the protocol. */
export const jobs: { readonly [Kind in JobKind]: Job<Kind> } = {
  inspectModel,
  countTokens,
  generate,
  scorePairs,
  prepareTraining,
  dryRun: withMemoryAdvice(dryRun),
  train: withMemoryAdvice(train),
  evaluate,
  checkTask,
  itemDocument,
  compare,
  exportAdapter,
  exportMerged,
  golden,
  selfTest,
};
