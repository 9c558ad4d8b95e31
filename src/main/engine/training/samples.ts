import { UserError } from '../../../shared/errors.ts';
import type { Sample, SampleTurn } from '../../../shared/pairs.ts';
import type { ConversationBuilder } from '../text/conversation.ts';
import { stepPositions, stepTokens, type RowSettings, type TrainingExample } from './example.ts';
import type { AnswerTree } from './objectives.ts';
import { packPair, type PackedPair } from './packed.ts';
import { randomStream, shuffled } from '../random.ts';

/** What training reads of a stored sample. */
export type TrainingSample = Pick<Sample, 'documentId' | 'documentTitle' | 'context'> & {
  readonly provenance: Pick<Sample['provenance'], 'separator'>;
  readonly turns: readonly Pick<SampleTurn, 'pairId' | 'chunkText' | 'question' | 'chosen' | 'rejected'>[];
};

export interface SampleOptions extends RowSettings {
  /** Most turns of one example. */
  readonly turnsPerSample: number;
  /** Most positions of one example's longer branch, of OPSDL also those of a prompt with the longest sampled answer. */
  readonly maxLength: number;
  readonly seed: number;
}

/**
 * Makes training examples: the turns on one long text, in an order that the seed decides, in groups of at most
 * `turnsPerSample`. Neither the order of the samples nor how they were grouped when stored plays a part.
 * @throws UserError invalid_input for an example that is longer than `maxLength`, naming document, tokens and limit
 */
export function* buildExamples(
  builder: ConversationBuilder,
  samples: Iterable<TrainingSample>,
  options: SampleOptions,
): Generator<TrainingExample, void, void> {
  const { turnsPerSample, maxLength, seed } = options;
  for (const { sample, turns } of byText(samples)) {
    const random = randomStream(seed, 'turns', sample.documentId, turns[0]?.pairId ?? 0);
    const ordered = shuffled(turns, random);
    for (let at = 0; at < ordered.length; at += turnsPerSample) {
      const example = buildExample(builder, { ...sample, turns: ordered.slice(at, at + turnsPerSample) });
      const length = stepPositions(example, options);
      if (length > maxLength) throw tooLong(sample.documentTitle, length, options);
      yield example;
    }
  }
}

/** One example with the sample's turns in their order: the packed long pair and each turn's packed short pair. */
export function buildExample(builder: ConversationBuilder, sample: TrainingSample): TrainingExample {
  const { documentId, documentTitle, context, turns } = sample;
  const { separator } = sample.provenance;
  const questions = turns.map(({ question }) => question);
  const branch = (side: 'chosen' | 'rejected') =>
    builder.build({ context, separator, questions, answers: turns.map((turn) => turn[side]) });
  return {
    id: `${documentId}:${turns.map(({ pairId }) => pairId).join('+')}`,
    document: { id: String(documentId), name: documentTitle },
    pairIds: turns.map(({ pairId }) => pairId),
    tree: answerTree(packPair(branch('chosen'), branch('rejected'))),
    short: shortTrees(builder, sample),
  };
}

/** Each turn's packed short pair: the chunk and the question with either answer. */
export function shortTrees(
  builder: ConversationBuilder,
  { provenance: { separator }, turns }: Pick<TrainingSample, 'provenance' | 'turns'>,
): AnswerTree[] {
  return turns.map(({ chunkText, question, chosen, rejected }) => {
    const one = (answer: string) =>
      builder.build({ context: chunkText, separator, questions: [question], answers: [answer] });
    return answerTree(packPair(one(chosen), one(rejected)));
  });
}

/** What training needs of a packed pair; the per-token arrays that follow from it are not kept in memory. */
export function answerTree({ ids, prefix, first, second, chosenSpans, rejectedSpans }: PackedPair): AnswerTree {
  return { tokens: { ids, prefix, first, second }, chosen: chosenSpans, rejected: rejectedSpans };
}

/** Tokens of a set of examples. */
export interface ExampleCounts {
  readonly documents: number;
  readonly examples: number;
  readonly turns: number;
  /** Tokens of all packed rows (OPSDL: of all prompts with the longest sampled answer): what the policy reads in one epoch. */
  readonly packedTokens: number;
  /** Tokens that chosen and rejected sequence would have one by one; of OPSDL there is one sequence. */
  readonly unpackedTokens: number;
  /** Tokens of all packed short pairs: what the reference reads once. */
  readonly shortTokens: number;
  /** Tokens of the longest row, on which memory is planned; 0 without examples. */
  readonly longestTokens: number;
}

/** Counts tokens of one epoch. */
export function countExamples(examples: readonly TrainingExample[], settings: RowSettings = {}): ExampleCounts {
  const sum = (value: (example: TrainingExample) => number): number =>
    examples.reduce((total, example) => total + value(example), 0);
  const packedTokens = sum((example) => stepTokens(example, settings));
  return {
    documents: new Set(examples.map(({ document }) => document.id)).size,
    examples: examples.length,
    turns: sum(({ tree }) => tree.chosen.length),
    packedTokens,
    unpackedTokens: packedTokens + (settings.objective === 'opsdl' ? 0 : sum(({ tree }) => tree.tokens.prefix)),
    shortTokens: sum(({ short }) => short.reduce((total, { tokens }) => total + tokens.ids.length, 0)),
    longestTokens: examples.reduce((most, example) => Math.max(most, stepTokens(example, settings)), 0),
  };
}

/** Turns by long text, documents in order of their ids, turns in order of theirs. */
function byText(samples: Iterable<TrainingSample>): { sample: TrainingSample; turns: TrainingSample['turns'] }[] {
  const groups = new Map<string, { sample: TrainingSample; turns: TrainingSample['turns'][number][] }>();
  for (const sample of samples) {
    const key = JSON.stringify([sample.documentId, sample.provenance.separator, sample.context]);
    const group = groups.get(key) ?? { sample, turns: [] };
    groups.set(key, group);
    group.turns.push(...sample.turns);
  }
  for (const { turns } of groups.values()) turns.sort((a, b) => a.pairId - b.pairId);
  const firstPair = ({ turns }: { turns: TrainingSample['turns'] }): number => turns[0]?.pairId ?? 0;
  return [...groups.values()].sort((a, b) => a.sample.documentId - b.sample.documentId || firstPair(a) - firstPair(b));
}

function tooLong(title: string, length: number, { maxLength, objective, maxNewTokens = 0 }: SampleOptions): UserError {
  const [has, limit, fresh] = [length, maxLength, maxNewTokens].map((n) => n.toLocaleString('en-GB'));
  const sampled = objective === 'opsdl';
  return new UserError(
    'invalid_input',
    `The document "${title}" makes an example of ${has} tokens${sampled ? `, up to ${fresh} of them sampled (maxNewTokens)` : ''}, more than the limit of ${limit} (maxLength).`,
    {
      place: { field: 'maxLength' },
      hint: `Raise maxLength, use ${sampled ? 'fewer new tokens' : 'fewer turns a sample'}, or leave the document out; nothing is ever cut.`,
    },
  );
}
