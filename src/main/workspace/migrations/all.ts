import { initial } from './0001-initial.ts';
import { audit } from './0002-audit.ts';
import { metricExtremes } from './0003-metric-extremes.ts';
import { extensionPlans } from './0004-extension-plans.ts';
import { pairScores } from './0005-pair-scores.ts';
import { auditSeed } from './0006-audit-seed.ts';
import { judgedAnswers } from './0007-judged-answers.ts';
import { evaluationEffort } from './0008-evaluation-effort.ts';
import type { Migration } from './migration.ts';

/** All migrations in order; the last one's version is the version that this Longhand reads and writes. */
export const migrations: readonly Migration[] = [
  initial,
  audit,
  metricExtremes,
  extensionPlans,
  pairScores,
  auditSeed,
  judgedAnswers,
  evaluationEffort,
];
