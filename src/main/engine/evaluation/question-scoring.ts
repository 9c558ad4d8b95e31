import { fits, generateEachBatch, GREEDY } from '../generation/batched.ts';
import type { Generator } from '../generation/batched.ts';
import type { BatchLimits } from '../generation/batching.ts';
import { wilson } from '../../../shared/wilson.ts';
import type { Estimate } from '../../../shared/evaluation-tasks.ts';
import { questionMessage } from './question-set.ts';

/**
 * When an answer is right. `exact`: the text and its end equal the gold answer. `normalised`: the same without case,
 * punctuation, articles and extra white space (as SQuAD scores). `contains`: the gold answer occurs in it, without case
 * (as RULER scores); it need not have ended.
 */
export type AnswerRule = 'exact' | 'normalised' | 'contains';

export interface QuestionOptions {
  readonly rule: AnswerRule;
  readonly separator: string;
  readonly maxNewTokens: number;
  readonly batch: BatchLimits;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
  /** Answers of an earlier try; a batch of which all are there is not asked again. */
  readonly known?: ReadonlyMap<number, QuestionAnswer>;
  /** Called with the answers of each batch as they come. */
  readonly onAnswers?: (answers: readonly QuestionAnswer[]) => Promise<void>;
}

/** One item's answer, for the store. */
export interface QuestionAnswer {
  readonly index: number;
  readonly answer: string;
  /** `too_long`: the prompt exceeds the model's positions; it was not asked and is not scored. */
  readonly finish: 'stop' | 'length' | 'too_long';
  readonly correct: boolean | null;
  readonly promptTokens: number;
}

export interface QuestionScore {
  /** Share of right answers among those asked, with a Wilson interval. */
  readonly accuracy: Estimate;
  /** By quarter of the context in which the fact stands, first to last; null where the set gives no depths. */
  readonly byDepth: readonly Estimate[] | null;
  /** Items that were too long to be asked. */
  readonly tooLong: number;
}

/** Asks every question greedily and scores the answers. */
export async function answerQuestions(
  generator: Generator,
  items: readonly { context: string; question: string; answer: string }[],
  options: QuestionOptions,
): Promise<QuestionAnswer[]> {
  const prompts = items.map((item, index) => ({
    key: `question:${index}`,
    ids: generator.codec.encodePrompt(questionMessage(item, options.separator)),
    index,
  }));
  const asked = prompts.filter((prompt) => fits(prompt.ids.length, options.maxNewTokens, generator.state));
  const { maxNewTokens, batch, signal } = options;
  const answers = new Map(options.known);
  const keep = async (batch: readonly QuestionAnswer[]): Promise<void> => {
    for (const answer of batch) answers.set(answer.index, answer);
    await options.onAnswers?.(batch);
  };
  const askedIndices = new Set(asked.map(({ index }) => index));
  await keep(
    prompts
      .filter(({ index }) => !askedIndices.has(index))
      .map(({ ids, index }) => ({ index, answer: '', finish: 'too_long', correct: null, promptTokens: ids.length })),
  );
  const places = (indices: readonly number[]): typeof asked => indices.flatMap((i) => asked[i] ?? []);
  await generateEachBatch(
    generator,
    asked,
    {
      ...{ ...GREEDY, maxNewTokens, batch, signal },
      onBatch: (done) => options.onProgress?.(done, asked.length),
    },
    (indices, outputs) =>
      keep(
        places(indices).flatMap(({ index, ids }, i): QuestionAnswer[] => {
          const output = outputs[i];
          if (output === undefined) return [];
          const correct = isCorrect(output, items[index]?.answer ?? '', options.rule);
          return [{ index, answer: output.text, finish: output.finish, correct, promptTokens: ids.length }];
        }),
      ),
    (indices) => options.known !== undefined && places(indices).every(({ index }) => options.known?.has(index)),
  );
  return prompts.flatMap(({ index }) => answers.get(index) ?? []);
}

/** Whether an answer is right by a rule. */
export function isCorrect(
  output: { readonly text: string; readonly finish: 'stop' | 'length' },
  gold: string,
  rule: AnswerRule,
): boolean {
  switch (rule) {
    case 'exact':
      return output.finish === 'stop' && output.text === gold;
    case 'normalised':
      return output.finish === 'stop' && normalise(output.text) === normalise(gold);
    case 'contains':
      return output.text.toLowerCase().includes(gold.toLowerCase());
  }
}

/** Accuracy in all and by depth. */
export function scoreAnswers(
  items: readonly { depth?: number | undefined }[],
  answers: readonly QuestionAnswer[],
): QuestionScore {
  const share = (chosen: readonly QuestionAnswer[]): Estimate => {
    const asked = chosen.filter((answer) => answer.correct !== null);
    return wilson(asked.filter((answer) => answer.correct === true).length, asked.length);
  };
  const hasDepth = items.some((item) => item.depth !== undefined);
  const inQuarter = (quarter: number) => (answer: QuestionAnswer) => {
    const depth = items[answer.index]?.depth;
    return depth !== undefined && Math.min(Math.floor(depth * 4), 3) === quarter;
  };
  return {
    accuracy: share(answers),
    byDepth: hasDepth ? [0, 1, 2, 3].map((quarter) => share(answers.filter(inQuarter(quarter)))) : null,
    tooLong: answers.filter((answer) => answer.finish === 'too_long').length,
  };
}

function normalise(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\s]/gu, '')
    .replaceAll(/\b(?:a|an|the)\b/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
