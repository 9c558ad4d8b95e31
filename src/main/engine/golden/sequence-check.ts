import type { ConversationBuilder } from '../text/conversation.ts';
import { IGNORE } from '../text/conversation.ts';
import type { Conversation } from '../text/conversation.ts';
import { packPair, type PackedPair } from '../training/packed.ts';
import type { Comparison } from './comparison.ts';
import type { GoldenExample, GoldenPair, GoldenSequence, GoldenText } from './longpo-inputs.ts';

/** What joins the chunks of a document (golden README). */
const CHUNK_SEPARATOR = '\n\n\n';

/** Builds an example's sequences from its text, as a training run does, and compares every field with the file's. */
export function checkSequences(
  example: GoldenExample & { readonly text: GoldenText },
  builder: ConversationBuilder,
  ignore: number,
  comparison: Comparison,
): void {
  const { id, text } = example;
  const { chunks, turns } = text;
  const document = chunks.join(CHUNK_SEPARATOR);
  if (text.document !== undefined) comparison.value(`sequences.${id}.document`, 'exact', text.document, document);
  const questions = turns.map(({ question }) => question);
  const long = (side: 'chosen' | 'rejected'): Conversation =>
    builder.build({ context: document, questions, answers: turns.map((turn) => turn[side]) });
  comparePair(`sequences.${id}.long`, example, long('chosen'), long('rejected'), ignore, comparison);
  for (const [i, turn] of turns.entries()) {
    const pair = example.turns[i];
    const context = chunks[turn.chunk];
    if (pair === undefined || context === undefined) throw new Error('readLongpoInputs checks turns and chunks');
    const short = (side: 'chosen' | 'rejected'): Conversation =>
      builder.build({ context, questions: [turn.question], answers: [turn[side]] });
    comparePair(`sequences.${id}.short`, pair, short('chosen'), short('rejected'), ignore, comparison);
  }
}

function comparePair(
  name: string,
  pair: GoldenPair,
  chosen: Conversation,
  rejected: Conversation,
  ignore: number,
  comparison: Comparison,
): void {
  compareSequence(`${name}.chosen`, pair.chosen, chosen, ignore, comparison);
  compareSequence(`${name}.rejected`, pair.rejected, rejected, ignore, comparison);
  if (pair.packed !== undefined)
    comparePacked(`${name}.packed`, pair.packed, packPair(chosen, rejected), ignore, comparison);
}

function compareSequence(
  name: string,
  expected: GoldenSequence,
  { ids, labels, responseSpans }: Conversation,
  ignore: number,
  comparison: Comparison,
): void {
  comparison.list(`${name}.input_ids`, expected.input_ids, ids);
  if (expected.labels !== undefined) comparison.list(`${name}.labels`, expected.labels, withIgnore(labels, ignore));
  if (expected.attention_mask !== undefined) {
    comparison.list(`${name}.attention_mask`, expected.attention_mask, new Int32Array(ids.length).fill(1));
  }
  comparison.list(`${name}.response_spans`, expected.response_spans.flat(), responseSpans.flat());
}

function comparePacked(
  name: string,
  expected: NonNullable<GoldenPair['packed']>,
  packed: PackedPair,
  ignore: number,
  comparison: Comparison,
): void {
  const fields = [
    ['input_ids', expected.input_ids, packed.ids],
    ['position_ids', expected.position_ids, packed.positions],
    ['branch', expected.branch, packed.branch],
    ['predicted_from', expected.predicted_from, packed.predictedFrom],
    ['labels', expected.labels, withIgnore(packed.labels, ignore)],
  ] as const;
  for (const [field, file, ours] of fields) if (file !== undefined) comparison.list(`${name}.${field}`, file, ours);
}

function withIgnore(labels: Int32Array, ignore: number): Int32Array {
  return ignore === IGNORE ? labels : labels.map((label) => (label === IGNORE ? ignore : label));
}
