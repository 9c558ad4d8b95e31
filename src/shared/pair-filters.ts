/** The checks that a generated pair passes through, in the order in which a dropped pair is counted (under the first). */
export const pairFilters = {
  empty_answer: {
    name: 'Empty answer',
    description: 'The chosen or the rejected answer is empty.',
    mode: 'drop',
  },
  not_ended: {
    name: 'Answer did not end',
    description: 'The chosen or the rejected answer was cut off at the length limit.',
    mode: 'drop',
  },
  refusal: {
    name: 'Refusal',
    description: 'The chosen or the rejected answer contains a usual English phrase of refusal.',
    mode: 'drop',
  },
  repetition: {
    name: 'Repetition',
    description: 'Too large a share of the words of an answer occurs more than once in it.',
    mode: 'drop',
  },
  few_words: {
    name: 'Too few words',
    description:
      'The chosen or the rejected answer has too few words of three letters or more. Meant for whole sentences in languages that put spaces between words.',
    mode: 'drop',
  },
  question_too_short: {
    name: 'Question too short',
    description: 'The question has fewer tokens than the bound.',
    mode: 'drop',
  },
  chosen_too_short: {
    name: 'Chosen answer too short',
    description: 'The chosen answer has fewer tokens than the bound.',
    mode: 'drop',
  },
  short_too_long: {
    name: 'Short sequence too long',
    description: 'Chunk, question and answer together exceed the short context.',
    mode: 'drop',
  },
  identical: {
    name: 'Identical answers',
    description: 'Chosen and rejected answer are the same: no preference, but the pair still feeds the NLL.',
    mode: 'flag',
  },
  not_in_chunk: {
    name: 'Answer not in the chunk',
    description: 'The chosen answer does not occur in the chunk word for word. For extractive questions only.',
    mode: 'off',
  },
} as const satisfies Record<string, { name: string; description: string; mode: PairFilterMode }>;

/** `drop`: the pair is left out and counted; `flag`: kept and marked; `off`: not looked at. */
export type PairFilterMode = 'drop' | 'flag' | 'off';
export type PairFilterId = keyof typeof pairFilters;
export const pairFilterIds = Object.keys(pairFilters) as PairFilterId[];
