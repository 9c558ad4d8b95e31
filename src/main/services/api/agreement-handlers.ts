import { agreementReport, compareReviewers, labelErrorReport, reviewerDisagreements } from '../agreement.ts';
import { reviewers } from '../reviews.ts';
import type { DomainMethods, Handlers } from './handlers.ts';
import type { Session } from './session.ts';

export function agreementHandlers(session: Session): Handlers<DomainMethods<'agreement'>> {
  return {
    'agreement.reviewers': () => reviewers(session.context),
    'agreement.labelErrors': (request) => labelErrorReport(session.context, request),
    'agreement.compare': (request) => compareReviewers(session.context, request),
    'agreement.disagreements': ({ two, ...page }) => reviewerDisagreements(session.context, { two, page }),
    'agreement.all': async (request) => (await agreementReport(session.context, request)).all,
  };
}
