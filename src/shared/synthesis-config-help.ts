import { pairFilterIds, pairFilters } from './pair-filters.ts';
import type { FieldHelp } from './schema-fields.ts';

const chunking = 'Chunks:';
const decoding = 'Questions and answers:';
const filters = 'Filters (drop: left out and counted; flag: kept and marked; off: not looked at):';
const thresholds = 'Bounds of the filters:';
const batching = 'Batches (they affect rounding, so they are part of the configuration):';

const decodingHelp = (path: string, what: string): [string, FieldHelp][] => [
  [`${path}.maxNewTokens`, { group: decoding, text: `longest ${what}, in tokens` }],
  [`${path}.temperature`, { group: decoding, text: `temperature of ${what}s; 0 = greedy` }],
  [`${path}.topP`, { group: decoding, text: `top-p of ${what}s; 1 = no limit` }],
  [`${path}.topK`, { group: decoding, text: `top-k of ${what}s; 0 = no limit` }],
];

/** What each field of the synthesis configuration means, with its unit, by path. */
export const synthesisConfigHelp: Readonly<Record<string, FieldHelp>> = {
  seed: { group: decoding, text: 'seed of chunks and sampling' },
  'chunking.minTokens': { group: chunking, text: 'a chunk with fewer tokens is short' },
  'chunking.maxTokens': { group: chunking, text: 'longest chunk, in tokens' },
  'chunking.maxChunksPerDocument': { group: chunking, text: 'chunks a document, at random; none = all' },
  'chunking.short': { group: chunking, text: 'what happens to short chunks' },
  ...Object.fromEntries([...decodingHelp('question', 'question'), ...decodingHelp('answer', 'answer')]),
  longContext: { group: decoding, text: 'what the rejected answer is given: the whole document, or the kept chunks' },
  ropeTheta: { group: decoding, text: "RoPE base of the rejected pass; none = the model's own" },
  maxLongTokens: {
    group: decoding,
    text: 'longer documents (prompt and answer, in tokens) are left out and counted; none = what the model can address',
  },
  ...Object.fromEntries(
    pairFilterIds.map((id): [string, FieldHelp] => [
      `filters.${id}`,
      { group: filters, text: pairFilters[id].description },
    ]),
  ),
  'thresholds.maxRepetitionChosen': { group: thresholds, text: "share of a chosen answer's words that occur again" },
  'thresholds.maxRepetitionRejected': {
    group: thresholds,
    text: "share of a rejected answer's words that occur again",
  },
  'thresholds.minWords': { group: thresholds, text: 'words an answer needs' },
  'thresholds.wordLetters': { group: thresholds, text: 'letters that make a word count' },
  'thresholds.minQuestionTokens': { group: thresholds, text: 'tokens a question needs' },
  'thresholds.minChosenTokens': { group: thresholds, text: 'tokens a chosen answer needs' },
  'thresholds.maxShortTokens': { group: thresholds, text: 'tokens of chunk, question and answer together' },
  documentsPerGroup: { group: batching, text: 'documents whose prompts are batched together' },
  'batch.maxSequences': { group: batching, text: 'sequences a batch' },
  'batch.maxTokens': { group: batching, text: 'tokens a batch, padding included' },
};
