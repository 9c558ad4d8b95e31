import type { RulerTaskName } from '../../../../shared/evaluation-tasks.ts';

/** Template of a family of tasks, its answer's beginning, and the tokens that an answer may have. */
export interface RulerTemplate {
  readonly template: string;
  readonly answerPrefix: string;
  readonly tokensToGenerate: number;
}

/**
 * The templates of RULER, word by word (github.com/NVIDIA/RULER, scripts/data/synthetic/constants.py). Answers begin
 * with `answerPrefix`, which stands after the header of the model's answer.
 */
export const rulerTemplates = {
  niah: {
    tokensToGenerate: 128,
    template:
      'Some special magic {type_needle_v} are hidden within the following text. Make sure to memorize it. I will quiz you about the {type_needle_v} afterwards.\n{context}\nWhat are all the special magic {type_needle_v} for {query} mentioned in the provided text?',
    answerPrefix: ' The special magic {type_needle_v} for {query} mentioned in the provided text are',
  },
  variableTracking: {
    tokensToGenerate: 30,
    template:
      'Memorize and track the chain(s) of variable assignment hidden in the following text.\n\n{context}\nQuestion: Find all variables that are assigned the value {query} in the text above.',
    answerPrefix:
      ' Answer: According to the chain(s) of variable assignment in the text above, {num_v} variables are assigned the value {query}, they are: ',
  },
  commonWords: {
    tokensToGenerate: 120,
    template:
      'Below is a numbered list of words. In these words, some appear more often than others. Memorize the ones that appear most often.\n{context}\nQuestion: What are the 10 most common words in the above list?',
    answerPrefix: ' Answer: The top 10 words that appear most often in the list are:',
  },
  frequentWords: {
    tokensToGenerate: 50,
    template:
      "Read the following coded text and track the frequency of each coded word. Find the three most frequently appeared coded words. {context}\nQuestion: Do not provide any explanation. Please ignore the dots '....'. What are the three most frequently appeared words in the above coded text?",
    answerPrefix: ' Answer: According to the coded text above, the three most frequently appeared words are:',
  },
  questions: {
    tokensToGenerate: 32,
    template:
      'Answer the question based on the given documents. Only give me the answer and do not output any other words.\n\nThe following are given documents.\n\n{context}\n\nAnswer the question based on the given documents. Only give me the answer and do not output any other words.\n\nQuestion: {query}',
    answerPrefix: ' Answer:',
  },
} satisfies Readonly<Record<string, RulerTemplate>>;

/** RULER's noise sentence. */
export const NOISE = 'The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.';

/** What the haystack of a needle task is made of: running text, the noise sentence, or other needles. */
export type Haystack = 'essay' | 'noise' | 'needle';
export type NeedlePart = 'numbers' | 'words' | 'uuids';

/** A needle-in-a-haystack task. */
export interface NeedleDefinition {
  readonly haystack: Haystack;
  readonly key: NeedlePart;
  readonly value: NeedlePart;
  readonly keys: number;
  readonly values: number;
  readonly queries: number;
}

const single = { haystack: 'essay', key: 'words', value: 'numbers', keys: 1, values: 1, queries: 1 } as const;

/** The eight needle tasks (scripts/synthetic.yaml). */
export const needleTasks: Partial<Readonly<Record<RulerTaskName, NeedleDefinition>>> = {
  niah_single_1: { ...single, haystack: 'noise' },
  niah_single_2: single,
  niah_single_3: { ...single, value: 'uuids' },
  niah_multikey_1: { ...single, keys: 4 },
  niah_multikey_2: { ...single, haystack: 'needle' },
  niah_multikey_3: { ...single, haystack: 'needle', key: 'uuids', value: 'uuids' },
  niah_multivalue: { ...single, values: 4 },
  niah_multiquery: { ...single, queries: 4 },
};

/** Replaces every `{name}` of a template. */
export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}
