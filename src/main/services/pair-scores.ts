import { z } from 'zod';
import type { ScoredModel } from '../../shared/audit/queue.ts';
import type { Execution } from '../engine/protocol/jobs.ts';
import { refuseWhereBlind } from './blind-bundle.ts';
import type { ServiceContext } from './context.ts';
import type { JobOptions } from './engine-client.ts';
import { noteModel, usableModel } from './models.ts';
import { noPairs } from './pairs.ts';
import { findReferences, storeReferences } from './stored-texts.ts';

export interface ScorePairsRequest {
  readonly modelDir: string;
  readonly execution?: Partial<Omit<Execution, 'baseBits'>> | undefined;
}

/** Events under this subject tell of a scoring that began and was not done yet. */
const subject = 'pair-scores';
const started = 'pair_scoring_started';
const startedSchema = z.object({
  modelDir: z.string(),
  execution: z.object({ device: z.enum(['cpu', 'cuda']).optional(), threads: z.int().optional() }).optional(),
});

export interface ScoredPairs {
  readonly model: ScoredModel;
  /** Pairs that were scored now, and those that had been before. */
  readonly scored: number;
  readonly known: number;
}

/**
 * Scores every pair that has no score of its present texts under the model (not trained, on the short input), sample by
 * sample; stopped, it goes on where it was when it is started again. The audit orders and filters by the scores.
 * Errors: `invalid_input` without pairs and for a model that cannot be used; `conflict` in an annotator's blind
 * workspace; `cancelled`.
 */
export async function scorePairs(
  { workspace, engine }: ServiceContext,
  request: ScorePairsRequest,
  options: JobOptions & { readonly onScores?: () => void } = {},
): Promise<ScoredPairs> {
  refuseWhereBlind(workspace);
  const { all } = workspace.pairs.queueCounts();
  if (all === 0) throw noPairs();
  const model = await usableModel(engine, request.modelDir, options);
  noteModel(workspace, model);
  const { fingerprint } = model;
  const groups: { pairId: number; revision: number }[][] = [];
  let previous: number | undefined;
  const missing = workspace.pairScores.missing(fingerprint);
  for (const { sampleId, ...pair } of missing) {
    if (sampleId === previous) groups.at(-1)?.push(pair);
    else groups.push([pair]);
    previous = sampleId;
  }
  const { name = model.path } = workspace.models.get(fingerprint) ?? {};
  const known = all - missing.length;
  if (groups.length === 0) return { model: { fingerprint, name }, scored: 0, known };
  workspace.events.add(started, subject, { modelDir: model.path, execution: request.execution });
  const { pairs } = await engine.run(
    'scorePairs',
    {
      ...{ modelDir: model.path, modelFingerprint: fingerprint, samples: groups.length },
      ...{ device: 'cpu' as const, threads: 0, ...request.execution },
    },
    {
      // The long text is not read here.
      readSample: ({ index }) => ({ ...workspace.samples.ofPairs(groups[index] ?? []), context: '' }),
      findReferences: ({ keys }) => findReferences(workspace, keys),
      references: ({ rows }) => storeReferences(workspace, rows),
      pairScores: ({ rows }) => {
        workspace.pairScores.put(fingerprint, rows);
        options.onScores?.();
      },
    },
    options,
  );
  workspace.events.add('pairs_scored', subject, { model: fingerprint, pairs });
  return { model: { fingerprint, name }, scored: pairs, known };
}

/** The scoring that was stopped, killed or failed last and neither done nor ended since. */
export function unfinishedScoring({
  workspace,
}: Pick<ServiceContext, 'workspace'>): { readonly request: ScorePairsRequest; readonly at: number } | undefined {
  const latest = workspace.events.latestOf(subject);
  if (latest?.kind !== started) return undefined;
  const { modelDir, execution } = startedSchema.parse(latest.detail);
  const { device, threads } = execution ?? {};
  const given = { ...(device === undefined ? {} : { device }), ...(threads === undefined ? {} : { threads }) };
  return { request: { modelDir, execution: given }, at: latest.at };
}

/** Ends a stopped scoring for good; its scores stay. */
export function endScoring({ workspace }: Pick<ServiceContext, 'workspace'>): void {
  if (unfinishedScoring({ workspace }) !== undefined) workspace.events.add('pair_scoring_ended', subject, {});
}

/** Models under which pairs were scored. */
export function scoredModels({ workspace }: Pick<ServiceContext, 'workspace'>): readonly ScoredModel[] {
  return workspace.pairScores.models();
}
