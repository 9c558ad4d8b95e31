import { answerOrder, shownVerdict, storedEdit, storedVerdict } from '../../shared/audit/answer-order.ts';
import type { Blind } from '../../shared/audit/blind.ts';
import { chunkPlace } from '../../shared/audit/chunk-place.ts';
import type { Draw } from '../../shared/audit/draw.ts';
import { auditFilterSchema, auditQueueSchema, auditRowsRequestSchema } from '../../shared/audit/queue.ts';
import type {
  AuditCounts,
  AuditFilterInput,
  AuditQueue,
  AuditQueueInput,
  AuditRow,
  AuditRowsRequest,
} from '../../shared/audit/queue.ts';
import {
  auditPairRequestSchema,
  recordReviewSchema,
  reviewerSchema,
  undoReviewSchema,
} from '../../shared/audit/review.ts';
import type {
  AuditPace,
  AuditPair,
  AuditPairRequest,
  RecordedReview,
  RecordReview,
  UndoneReview,
  UndoReview,
} from '../../shared/audit/review.ts';
import { UserError } from '../../shared/errors.ts';
import { parseInput } from '../../shared/parse.ts';
import type { PairDetail } from '../../shared/pairs.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { isBlindBundle } from './blind-bundle.ts';
import type { ServiceContext } from './context.ts';
import type { Steps } from './in-turns.ts';

type WorkspaceOnly = Pick<ServiceContext, 'workspace'>;

/** The longest time that counts as work on one pair: who goes for lunch does not slow the pace down. */
const longestLook = 10 * 60_000;

/** Flags that concern the pair as a whole; others could tell which answer is which. */
const neutralFlags: readonly string[] = ['identical', 'question_too_short', 'short_too_long'];

/**
 * The pairs of a queue in its order, which does not change while verdicts are given: who goes through it needs no
 * further query over all pairs.
 */
export function auditOrder({ workspace }: WorkspaceOnly, queue: AuditQueueInput = {}): Steps<readonly number[]> {
  return workspace.auditQueue.ids(parseInput(auditQueueSchema, queue, 'Queue'));
}

/** Those pairs of a queue that are in sight, in the order they are named. */
export function auditRows({ workspace }: WorkspaceOnly, request: AuditRowsRequest): readonly AuditRow[] {
  const {
    ids,
    reviewer,
    blind: wanted,
    runId,
    model,
  } = parseInput(auditRowsRequestSchema, request, 'Rows of the queue');
  const blind = blindHere(workspace, wanted);
  return workspace.auditQueue.rows(ids, reviewer, runId, model).map(({ own: stored, ...row }) => {
    const own = stored === null ? null : shownVerdict(stored, answerOrder(row.id, reviewer, blind));
    if (blind === null) return { ...row, own };
    return { ...row, own, flags: shownFlags(row.flags, blind), verdict: null, disagreement: false, margin: null };
  });
}

/** How many pairs fit a filter in each queue; with a reviewer, `unreviewed` and `done` are meant for that one. */
export function auditCounts(
  { workspace }: WorkspaceOnly,
  request: { readonly filter?: AuditFilterInput; readonly reviewer?: string | null } = {},
): Steps<AuditCounts> {
  return workspace.auditQueue.counts(
    parseInput(auditFilterSchema, request.filter ?? {}, 'Filter of the queue'),
    request.reviewer ?? null,
  );
}

/** Runs that have log-probabilities of pairs, newest first. */
export function scoredRuns({ workspace }: WorkspaceOnly): readonly { readonly id: number; readonly name: string }[] {
  return workspace.pairLogps.runs();
}

/** A pair as the reviewer is to see it. Errors: `not_found`. */
export function auditPair({ workspace }: WorkspaceOnly, request: AuditPairRequest): AuditPair {
  const { pairId, reviewer, blind: wanted } = parseInput(auditPairRequestSchema, request, 'Pair');
  const pair = workspace.pairs.detail(pairId);
  const blind = blindHere(workspace, wanted);
  const order = answerOrder(pairId, reviewer, blind);
  const shown = (texts: Pick<PairDetail, 'chosen' | 'rejected'>) => [texts[order[0]], texts[order[1]]] as const;
  const opinions = workspace.opinions.ofPair(pairId);
  const own = opinions.find((opinion) => opinion.reviewer === reviewer)?.verdict;
  return {
    id: pair.id,
    sha256: pair.sha256,
    question: pair.question,
    answers: shown(pair),
    order: blind === null ? order : null,
    generated: pair.revision === 0 ? null : { question: pair.generated.question, answers: shown(pair.generated) },
    sample: workspace.pairs.ofSample(pair.sampleId),
    flags: shownFlags(pair.flags, blind),
    ...surroundings(workspace, pair),
    own: own === undefined ? null : shownVerdict(own, order),
    others:
      blind === null
        ? opinions
            .filter((opinion) => opinion.reviewer !== reviewer)
            .map(({ reviewer, verdict }) => ({ reviewer, verdict }))
        : [],
    comments: commentsOf(workspace, pairId).filter((comment) => blind === null || comment.reviewer === reviewer),
  };
}

/**
 * Whether answers are shown blind, and by which seed: the window's with the workspace's own, which no window ever sees. A
 * bundle made for blind review is never seen otherwise.
 */
function blindHere(workspace: Workspace, wanted: Blind): Blind {
  const blind = wanted ?? (isBlindBundle(workspace) ? { seed: 0 } : null);
  return blind === null ? null : { seed: (blind.seed ^ workspace.reviews.blindSeed()) >>> 0 };
}

function shownFlags(flags: readonly string[], blind: Blind): readonly string[] {
  return blind === null ? flags : flags.filter((flag) => neutralFlags.includes(flag));
}

/** The document and the chunk of a pair; in a bundle's workspace as they are where the pair comes from. */
function surroundings(
  workspace: Workspace,
  pair: PairDetail,
): Pick<AuditPair, 'turn' | 'turns' | 'document' | 'chunk'> {
  const document = workspace.documents.get(pair.documentId);
  if (document === undefined) throw new Error(`pair ${pair.id} has no document`);
  const origin = workspace.bundles.pair(pair.id)?.detail;
  const { id, title, importer } = document;
  return {
    turn: origin?.turn ?? pair.turn,
    turns: origin?.turns ?? pair.turns,
    document: {
      ...{ id, title, type: importer },
      characters: origin?.documentCharacters ?? document.characters,
      excerpt: origin?.excerpt ?? false,
    },
    chunk: {
      ...{ text: pair.chunkText, index: pair.chunkIndex, start: pair.chunkStart, end: pair.chunkEnd },
      count: origin?.chunks ?? workspace.chunks.siblings(pair.chunkId),
      place:
        origin?.place ?? chunkPlace(pair.chunkStart, pair.chunkEnd, workspace.documents.textLength(pair.documentId)),
    },
  };
}

function commentsOf(workspace: Workspace, pairId: number): AuditPair['comments'] {
  const comments: { reviewer: string; comment: string; createdAt: number }[] = [];
  for (const { id, reviewer, comment, createdAt } of workspace.reviews.ofPair(pairId)) {
    if (comment !== null && workspace.reviews.holds(pairId, id)) comments.push({ reviewer, comment, createdAt });
  }
  return comments;
}

/**
 * Stores one act of a reviewer: a verdict, an edit, a comment or several of them at once. What was said of A and B is
 * stored of chosen and rejected. When it returns, the review is on the disk.
 * Errors: `invalid_input`, `not_found`, `conflict` where the pair's texts were edited since they were shown (nothing is
 * stored then).
 */
export function recordReview({ workspace }: WorkspaceOnly, input: RecordReview): RecordedReview {
  const review = parseInput(recordReviewSchema, input, 'Review');
  const { pairId, reviewer, comment, milliseconds, picked } = review;
  const queue: AuditQueue = { ...review.queue, reviewer: review.queue.reviewer === null ? null : reviewer };
  const blind = blindHere(workspace, review.blind);
  const order = answerOrder(pairId, reviewer, blind);
  const { id } = workspace.transaction(() => {
    const pair = workspace.pairs.detail(pairId);
    if (pair.sha256 !== review.seen) {
      throw new UserError('conflict', `Pair ${pairId} was edited since it was shown; the review was not stored.`, {
        hint: 'Look at the pair as it is now and judge again.',
        place: { field: 'seen' },
      });
    }
    const { order: drawOrder, seed, filter } = queue;
    const draw: Draw = { order: drawOrder, seed, filter, picked };
    const origin = workspace.bundles.opened()?.header.draw;
    return workspace.reviews.append(
      {
        ...{ pairId, reviewer, comment, milliseconds },
        verdict: review.verdict === null ? null : storedVerdict(review.verdict, order),
        edit: review.edit === null ? null : storedEdit(review.edit, order),
        blind: blind !== null,
      },
      { draw: origin === undefined ? draw : { ...draw, bundle: origin } },
    );
  });
  return { id, pace: paceOf(workspace, reviewer) };
}

/**
 * Takes back a reviewer's act (their latest that holds, also of an earlier session, or the one named): verdict, edit and
 * comment alike. The act stays in the store, with the undo after it; undoing the undo brings it back.
 * Errors: `not_found` where there is nothing to undo, `conflict` for another reviewer's act or one undone already.
 */
export function undoReview({ workspace }: WorkspaceOnly, input: UndoReview): UndoneReview {
  const { reviewer, reviewId } = parseInput(undoReviewSchema, input, 'Undo');
  return workspace.transaction(() => {
    const act = reviewId === undefined ? workspace.reviews.latestInForce(reviewer) : workspace.reviews.get(reviewId);
    if (act === undefined) {
      const what =
        reviewId === undefined
          ? `${reviewer} has given no review that could be undone`
          : `There is no review ${reviewId}`;
      throw new UserError('not_found', `${what}.`);
    }
    if (act.reviewer !== reviewer) {
      throw new UserError('conflict', `Review ${act.id} is of ${act.reviewer}; ${reviewer} cannot undo it.`, {
        hint: 'Give your own verdict; the disagreement is shown.',
      });
    }
    if (!workspace.reviews.holds(act.pairId, act.id)) {
      throw new UserError('conflict', `Review ${act.id} is undone already.`);
    }
    const { pairId, blind, id: undoes } = act;
    const { id } = workspace.reviews.append({ pairId, reviewer, blind, milliseconds: 0, undoes });
    const said = { verdict: act.verdict !== null, edit: act.edit !== null, comment: act.comment !== null };
    return { id, pairId, undone: { id: act.id, ...said } };
  });
}

/** A reviewer's pace. */
export function auditPace({ workspace }: WorkspaceOnly, request: { readonly reviewer: string }): AuditPace {
  return paceOf(workspace, parseInput(reviewerSchema, request.reviewer, 'Reviewer'));
}

function paceOf(workspace: Workspace, reviewer: string): AuditPace {
  const { reviews: verdicts, milliseconds } = workspace.reviews.pace(reviewer, 50, longestLook);
  return { verdicts, secondsEach: verdicts === 0 || milliseconds === 0 ? null : milliseconds / verdicts / 1000 };
}

/** Who has given verdicts here, with the number of pairs on which one stands. */
export function reviewers({
  workspace,
}: WorkspaceOnly): readonly { readonly reviewer: string; readonly pairs: number }[] {
  return workspace.opinions.reviewers();
}
