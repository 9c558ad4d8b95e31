/** Exact divergences over the whole vocabulary, in nats, one value for each of A answer tokens. */
export interface ExactKl {
  /** KL(policy || reference) [A]. */
  readonly policyReference: Float64Array;
  /** KL(reference || policy) [A]. */
  readonly referencePolicy: Float64Array;
}

/**
 * KL between the next-token distributions of two models, from log-probabilities [A, V] row-major (row a of both
 * predicts the same answer token, from the long and from the short context). Sums run in float64.
 */
export function exactKl(policy: Float32Array, reference: Float32Array, vocabulary: number): ExactKl {
  if (policy.length !== reference.length || policy.length % vocabulary !== 0) {
    throw new Error(`Log-probabilities of ${policy.length} and ${reference.length} elements for ${vocabulary} tokens.`);
  }
  const rows = policy.length / vocabulary;
  const policyReference = new Float64Array(rows);
  const referencePolicy = new Float64Array(rows);
  for (let row = 0; row < rows; row += 1) {
    let forward = 0;
    let backward = 0;
    const end = (row + 1) * vocabulary;
    for (let i = row * vocabulary; i < end; i += 1) {
      const p = policy[i] as number; // i < length by the check above
      const q = reference[i] as number;
      if (p === q) continue; // also where both are -Infinity
      // A token of probability 0 adds nothing to the side whose expectation it is (0 log 0 = 0).
      if (p !== -Infinity) forward += Math.exp(p) * (p - q);
      if (q !== -Infinity) backward += Math.exp(q) * (q - p);
    }
    policyReference[row] = forward;
    referencePolicy[row] = backward;
  }
  return { policyReference, referencePolicy };
}
