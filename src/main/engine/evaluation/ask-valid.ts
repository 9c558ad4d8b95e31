import { renderInstruction } from '../../../shared/instruction-templates.ts';
import type { InstructionTemplate } from '../../../shared/instruction-templates.ts';
import { generateEachBatch } from '../generation/batched.ts';
import type { DecodingOptions, Generator } from '../generation/batched.ts';
import { wilson } from '../../../shared/wilson.ts';
import type { Estimate } from '../../../shared/evaluation-tasks.ts';

export interface AskedQuestion {
  readonly index: number;
  readonly output: string;
  readonly finish: 'stop' | 'length';
  readonly valid: boolean;
}

/**
 * Lets the model ask about each context and counts the questions that the context answers: whether it can still write
 * its own training data.
 * @param isAnswered decides that for one question; `harbourAnswers` for the demo
 */
export async function askAboutContexts(
  generator: Generator,
  contexts: readonly string[],
  options: DecodingOptions & {
    readonly template: InstructionTemplate;
    readonly isAnswered: (question: string, context: string) => boolean;
    /** Questions of an earlier try; a batch of which all are there is not asked for again. */
    readonly known?: ReadonlyMap<number, AskedQuestion>;
    /** Called with the questions of each batch as they come. */
    readonly onQuestions?: (questions: readonly AskedQuestion[]) => Promise<void>;
  },
): Promise<{ readonly share: Estimate; readonly questions: readonly AskedQuestion[] }> {
  const prompts = contexts.map((context, index) => ({
    key: `ask:${index}`,
    ids: generator.codec.encodePrompt(renderInstruction(options.template, context)),
  }));
  const { known, onQuestions } = options;
  const found = new Map(known);
  await generateEachBatch(
    generator,
    prompts,
    options,
    async (indices, outputs) => {
      const batch = indices.flatMap((index, i): AskedQuestion[] => {
        const output = outputs[i];
        if (output === undefined) return [];
        const valid = options.isAnswered(output.text, contexts[index] ?? '');
        return [{ index, output: output.text, finish: output.finish, valid }];
      });
      for (const question of batch) found.set(question.index, question);
      await onQuestions?.(batch);
    },
    (indices) => known !== undefined && indices.every((index) => known.has(index)),
  );
  const questions = contexts.flatMap((_, index) => found.get(index) ?? []);
  return { share: wilson(questions.filter((question) => question.valid).length, questions.length), questions };
}

/** The demo's rule: "What did Mara's heron do?" is answered where the text says "Mara's heron slept.". */
export function harbourAnswers(question: string, context: string): boolean {
  const match = /^What did (\w+)'s (\w+) do\?$/.exec(question);
  return match !== null && new RegExp(`\\b${match[1]}'s ${match[2]} \\w+\\.`).test(context);
}
