import { renderInstruction } from '../../../shared/instruction-templates.ts';
import type { InstructionTemplate } from '../../../shared/instruction-templates.ts';
import { generateBatched } from '../generation/batched.ts';
import type { Continuation, DecodingOptions, Generator } from '../generation/batched.ts';
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
  },
): Promise<{ readonly share: Estimate; readonly questions: readonly AskedQuestion[] }> {
  const prompts = contexts.map((context, index) => ({
    key: `ask:${index}`,
    ids: generator.codec.encodePrompt(renderInstruction(options.template, context)),
  }));
  const outputs = await generateBatched(generator, prompts, options);
  const questions = contexts.map((context, index) => {
    const { text, finish } = outputs[index] as Continuation; // one for each prompt
    return { index, output: text, finish, valid: options.isAnswered(text, context) };
  });
  return { share: wilson(questions.filter((question) => question.valid).length, questions.length), questions };
}

/** The demo's rule: "What did Mara's heron do?" is answered where the text says "Mara's heron slept.". */
export function harbourAnswers(question: string, context: string): boolean {
  const match = /^What did (\w+)'s (\w+) do\?$/.exec(question);
  return match !== null && new RegExp(`\\b${match[1]}'s ${match[2]} \\w+\\.`).test(context);
}
