import { createHash } from 'node:crypto';
import { UserError } from '../../../shared/errors.ts';
import { randomStream, shuffled } from '../random.ts';

/** Everything that is needed to continue the order; plain JSON. */
export interface DataOrderState {
  readonly seed: number;
  /** Number of examples that are shuffled in each epoch. */
  readonly count: number;
  /** Examples given out so far, over all epochs. */
  readonly position: number;
}

/**
 * An endless order of example indices, shuffled anew for every epoch. Which example comes k-th depends on seed, count
 * and k alone, so batch sizes and interruptions do not change it.
 */
export class DataOrder {
  readonly #seed: number;
  readonly #count: number;
  #position: number;
  #epoch = -1;
  #permutation: readonly number[] = [];

  constructor(state: DataOrderState) {
    if (!Number.isInteger(state.count) || state.count < 1) {
      throw new UserError('invalid_input', 'There are no examples to train on.', {
        hint: 'Accept more pairs, or hold fewer documents out.',
      });
    }
    this.#seed = state.seed;
    this.#count = state.count;
    this.#position = state.position;
  }

  get state(): DataOrderState {
    return { seed: this.#seed, count: this.#count, position: this.#position };
  }

  /** The next example's index, and its epoch from 0. */
  next(): { readonly index: number; readonly epoch: number } {
    const epoch = Math.floor(this.#position / this.#count);
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      const indices = Array.from({ length: this.#count }, (_, index) => index);
      this.#permutation = shuffled(indices, randomStream(this.#seed, 'order', epoch));
    }
    const index = this.#permutation[this.#position % this.#count] as number; // below count
    this.#position += 1;
    return { index, epoch };
  }
}

/** Documents on either side of the train / held-out split. */
export interface DocumentSplit {
  readonly train: ReadonlySet<string>;
  readonly heldOut: ReadonlySet<string>;
}

/**
 * Splits document ids so that no document is on both sides. A document's rank is a hash of seed and id: the split does
 * not depend on the order of the ids, and adding documents moves few of the others. With a fraction above 0 and two
 * documents or more, at least one is held out and at least one is left to train on.
 */
export function splitDocuments(documentIds: Iterable<string>, fraction: number, seed: number): DocumentSplit {
  if (!(fraction >= 0 && fraction < 1)) {
    throw new UserError('invalid_input', `The held-out share must be at least 0 and below 1, not ${fraction}.`, {
      place: { field: 'heldOutFraction' },
      hint: 'A tenth (0.1) is usual.',
    });
  }
  const rank = (id: string): string =>
    createHash('sha256')
      .update(JSON.stringify([seed, 'split', id]))
      .digest('hex');
  const ranked = [...new Set(documentIds)].map((id) => ({ id, rank: rank(id) }));
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  const wanted = fraction === 0 ? 0 : Math.max(1, Math.round(fraction * ranked.length));
  const held = Math.max(0, Math.min(wanted, ranked.length - 1));
  return {
    train: new Set(ranked.slice(held).map(({ id }) => id)),
    heldOut: new Set(ranked.slice(0, held).map(({ id }) => id)),
  };
}
