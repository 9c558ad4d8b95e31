import type { Provenance, Sample } from '../../shared/pairs.ts';

export interface Message {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

/** A conversational preference row with an explicit prompt, as TRL's DPOTrainer reads it (TRL, dataset formats). */
export interface PreferenceRow {
  readonly prompt: readonly Message[];
  readonly chosen: readonly Message[];
  readonly rejected: readonly Message[];
  /** For each turn the single-turn prompt on its chunk, under which the reference is scored. */
  readonly short_prompts?: readonly (readonly Message[])[];
  readonly provenance?: RowProvenance;
}

export interface RowProvenance extends Provenance {
  readonly sample_id: number;
  readonly document: string;
  readonly pairs: readonly {
    readonly pair_id: number;
    readonly revision: number;
    readonly seed: number;
    readonly flags: readonly string[];
    readonly sha256: string;
    /** A reviewer found the rejected answer better, and the answers are exchanged here. */
    readonly swapped?: true;
    /** Taken out of use; nothing trains on it. */
    readonly archived?: true;
  }[];
}

/** Extra columns; a file with none of them is a plain TRL data set. */
export interface PreferenceColumns {
  readonly shortPrompts?: boolean;
  readonly provenance?: boolean;
  /** The rows are of archived pairs, which `provenance` then says. */
  readonly archived?: boolean;
}

/**
 * One sample as one row: the prompt is the long text with the first question; chosen and rejected each hold the
 * answers of all turns with the later questions between them, so every turn sees the earlier answers of its own side.
 */
export function toPreferenceRow(sample: Sample, columns: PreferenceColumns = {}): PreferenceRow {
  const [first] = sample.turns;
  if (first === undefined) throw new Error(`sample ${sample.id} has no turn`);
  const { separator } = sample.provenance;
  const user = (content: string): Message => ({ role: 'user', content });
  const side = (answerOf: (turn: Sample['turns'][number]) => string): Message[] =>
    sample.turns.flatMap((turn, index): Message[] => [
      ...(index === 0 ? [] : [user(turn.question)]),
      { role: 'assistant', content: answerOf(turn) },
    ]);
  return {
    prompt: [user(`${sample.context}${separator}${first.question}`)],
    chosen: side((turn) => turn.chosen),
    rejected: side((turn) => turn.rejected),
    ...(columns.shortPrompts
      ? { short_prompts: sample.turns.map((turn) => [user(`${turn.chunkText}${separator}${turn.question}`)]) }
      : {}),
    ...(columns.provenance ? { provenance: rowProvenance(sample, columns.archived) } : {}),
  };
}

/** The turns of a sample as samples of one turn each: one row a pair instead of one row a document. */
export function asSingleTurns(sample: Sample): readonly Sample[] {
  return sample.turns.map((turn) => ({ ...sample, turns: [turn] }));
}

function rowProvenance(sample: Sample, archived = false): RowProvenance {
  return {
    ...sample.provenance,
    sample_id: sample.id,
    document: sample.documentTitle,
    pairs: sample.turns.map(({ pairId, revision, seed, flags, sha256, swapped }) => ({
      pair_id: pairId,
      revision,
      seed,
      flags,
      sha256,
      ...(swapped ? { swapped } : {}),
      ...(archived ? { archived } : {}),
    })),
  };
}
