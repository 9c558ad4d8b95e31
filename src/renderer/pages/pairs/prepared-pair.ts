import { evidenceSpans } from '../../../shared/audit/evidence.ts';
import type { EvidenceSpan } from '../../../shared/audit/evidence.ts';
import type { AuditPair } from '../../../shared/audit/review.ts';
import { wordDiff } from './word-diff.ts';
import type { Span } from './marked-pieces.ts';

/** What is worked out of a pair's texts to show it; knows nothing of which answer is the chosen one. */
export interface PreparedPair {
  /** Where A and B differ. */
  readonly differences: readonly [readonly Span[], readonly Span[]];
  /** Where A and B repeat the chunk. */
  readonly supported: readonly [readonly Span[], readonly Span[]];
  /** Where the chunk supports A and B. */
  readonly evidence: readonly [readonly EvidenceSpan[], readonly EvidenceSpan[]];
}

const known = new WeakMap<AuditPair, PreparedPair>();

/** Worked out once for each answer of main, ahead of the moment when the pair shows. */
export function preparedPair(pair: AuditPair): PreparedPair {
  const before = known.get(pair);
  if (before !== undefined) return before;
  const [first, second] = pair.answers;
  const chunk = pair.chunk.text;
  const diff = wordDiff(first, second);
  const prepared: PreparedPair = {
    differences: [diff.a, diff.b],
    supported: [evidenceSpans(first, chunk), evidenceSpans(second, chunk)],
    evidence: [evidenceSpans(chunk, first), evidenceSpans(chunk, second)],
  };
  known.set(pair, prepared);
  return prepared;
}
