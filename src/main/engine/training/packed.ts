import type { TreeTokens } from '../model/runner.ts';
import type { Conversation } from '../text/conversation.ts';

/** A sequence in tree form with what training needs to know of each token. All arrays are [T]. */
export interface PackedSequence extends TreeTokens {
  /** The token in answers and their end-of-turn tokens, else -100. */
  readonly labels: Int32Array;
  /** 0 in the shared prefix, 1 in the first branch, 2 in the second. */
  readonly branch: Int32Array;
  /** Both branches continue from the prefix. */
  readonly positions: Int32Array;
  /** The row whose logits predict the token; -1 for the first token. */
  readonly predictedFrom: Int32Array;
}

/** A chosen and a rejected conversation over the same first prompt: [shared prefix | rest of chosen | rest of rejected]. */
export interface PackedPair extends PackedSequence {
  /** [start, end) of each answer with its end-of-turn token, in the packed sequence. */
  readonly chosenSpans: readonly (readonly [number, number])[];
  readonly rejectedSpans: readonly (readonly [number, number])[];
}

/** Tree of a prefix and two branches, given the ids and labels of all. */
function tree(ids: Int32Array, labels: Int32Array, prefix: number, first: number): PackedSequence {
  const second = ids.length - prefix - first;
  const at = (i: number): 0 | 1 | 2 => (i < prefix ? 0 : i < prefix + first ? 1 : 2);
  const secondStart = prefix + first;
  return {
    ids,
    labels,
    prefix,
    first,
    second,
    branch: Int32Array.from(ids, (_, i) => at(i)),
    positions: Int32Array.from(ids, (_, i) => (at(i) === 2 ? i - first : i)),
    predictedFrom: Int32Array.from(ids, (_, i) => (i === secondStart ? prefix - 1 : i - 1)),
  };
}

/** A conversation as a tree without a second branch; the prefix ends where the first answer starts. */
export function singleSequence(conversation: Conversation): PackedSequence {
  const prefix = promptLength(conversation);
  return tree(conversation.ids, conversation.labels, prefix, conversation.ids.length - prefix);
}

/**
 * Packs two conversations that share the prompt of their first turn, so that a long document is computed once for both
 * (golden conventions, `packed`).
 */
export function packPair(chosen: Conversation, rejected: Conversation): PackedPair {
  const prefix = promptLength(chosen);
  const same =
    promptLength(rejected) === prefix && rejected.ids.subarray(0, prefix).every((id, i) => id === chosen.ids[i]);
  if (!same) throw new Error('Chosen and rejected do not share the prompt of the first turn');
  const join = (a: Int32Array, b: Int32Array): Int32Array => {
    const out = new Int32Array(a.length + b.length - prefix);
    out.set(a);
    out.set(b.subarray(prefix), a.length);
    return out;
  };
  const first = chosen.ids.length - prefix;
  return {
    ...tree(join(chosen.ids, rejected.ids), join(chosen.labels, rejected.labels), prefix, first),
    chosenSpans: chosen.responseSpans,
    rejectedSpans: rejected.responseSpans.map(([start, end]) => [start + first, end + first] as const),
  };
}

function promptLength(conversation: Conversation): number {
  const start = conversation.responseSpans[0]?.[0];
  if (start === undefined || start === 0) throw new Error('A conversation needs a prompt and an answer');
  return start;
}
