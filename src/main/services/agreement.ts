import {
  agreementRequestSchema,
  reviewerAgreement,
  twoReviewers,
  twoReviewersSchema,
} from '../../shared/audit/agreement.ts';
import type {
  AgreementReport,
  AgreementRequestInput,
  DisagreementRow,
  TwoReviewers,
} from '../../shared/audit/agreement.ts';
import { labelErrorRequestSchema, labelErrors } from '../../shared/audit/label-errors.ts';
import type { LabelErrorReport, Opinion, LabelErrorRequestInput } from '../../shared/audit/label-errors.ts';
import type { Page, PageRequest } from '../../shared/paging.ts';
import { parseInput } from '../../shared/parse.ts';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { z } from 'zod';
import type { OpinionFilter } from '../workspace/opinions.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { ServiceContext } from './context.ts';

type WorkspaceOnly = Pick<ServiceContext, 'workspace'>;

/** All verdicts that stand; main answers others between two pieces. */
async function opinions({ opinions }: Workspace, filter: OpinionFilter): Promise<readonly Opinion[]> {
  const all: Opinion[] = [];
  for (const piece of opinions.list(filter)) {
    all.push(...piece);
    await nextTurn();
  }
  return all;
}

/**
 * How often "chosen beats rejected" is wrong in what was reviewed, with 95% intervals, by document type and length, and
 * whether the reviewed pairs are a sample from which that may be said of the others.
 */
export async function labelErrorReport(
  { workspace }: WorkspaceOnly,
  request: LabelErrorRequestInput = {},
): Promise<LabelErrorReport> {
  const { reviewer, jobId, lengthEdges } = parseInput(labelErrorRequestSchema, request, 'Report');
  return labelErrors(await opinions(workspace, { reviewer, jobId }), workspace.opinions.population({ jobId }), {
    lengthEdges,
  });
}

/** How far reviewers agree: kappa, matrix and disagreements for every two of them, Fleiss' kappa for three or more. */
export async function agreementReport(
  { workspace }: WorkspaceOnly,
  request: AgreementRequestInput = {},
): Promise<AgreementReport> {
  const { reviewers, jobId } = parseInput(agreementRequestSchema, request, 'Report');
  return reviewerAgreement(await opinions(workspace, { jobId }), { reviewers });
}

type TwoReviewersRequest = z.input<typeof twoReviewersSchema>;

/** How far two reviewers agree on the pairs that both judged, and on how many of them both judged blind. */
export function compareReviewers(
  { workspace }: WorkspaceOnly,
  request: TwoReviewersRequest,
): TwoReviewers & { readonly blind: number } {
  const names = parseInput(twoReviewersSchema, request, 'Report');
  return {
    ...twoReviewers([names.first, names.second], workspace.opinions.matrix(names)),
    blind: workspace.opinions.bothBlind(names),
  };
}

/** The pairs that two reviewers judged differently, a page at a time. */
export function reviewerDisagreements(
  { workspace }: WorkspaceOnly,
  { two, page }: { readonly two: TwoReviewersRequest; readonly page?: PageRequest },
): Page<DisagreementRow> {
  return workspace.opinions.disagreements(parseInput(twoReviewersSchema, two, 'Report'), page);
}
