import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { randomStream } from '../random.ts';
import type { InstructionTemplate } from '../../../shared/instruction-templates.ts';

/** Why a chunk yields no question. */
export type QuestionDropReason =
  'question_not_ended' | 'question_empty' | 'question_not_parsed' | 'question_wrong_count';

export type QuestionResult =
  { readonly question: string; readonly candidates: readonly string[] } | { readonly dropped: QuestionDropReason };

/**
 * Questions of a numbered list, in order. Accepted before a question: `1:`, `1.`, `1)`, `(1)`, `**1.**`, `Question 1:`, `- 1.`
 * or `## 1.`; a line without a number continues the question before it. Numbers must count up from 1, anything
 * else starts no new question; text before the first number and the markup around questions is left out.
 */
export function parseNumberedQuestions(output: string): string[] {
  const questions: string[] = [];
  let ended = false;
  for (const line of output.split(/\r?\n/)) {
    const match = /^[\s>#*_-]*(?:(?:question|q)\s*)?[([]?(\d{1,2})(?:[\])]?[\s*_]*[:.)\]]|[\])])[\s*_:.)]*(.*)$/iu.exec(
      line,
    );
    if (match !== null && Number(match[1]) === questions.length + 1) {
      questions.push(match[2] ?? '');
      ended = false;
    } else if (questions.length > 0) {
      // A blank line ends a question that has text: what follows without a number is a comment.
      if (line.trim() === '') ended = (questions.at(-1) ?? '').trim() !== '';
      else if (!ended) questions[questions.length - 1] += ` ${line.trim()}`;
    }
  }
  return questions.map((question) => question.replace(/^[\s*_]+|[\s*_]+$/g, '').replaceAll(/\s+/g, ' '));
}

/**
 * Reads the question for a chunk out of the model's output, one of a list at random (by seed and key), with a phrase
 * before it where the template has any.
 */
export function readQuestion(
  output: string,
  finish: 'stop' | 'length',
  template: InstructionTemplate,
  random: { readonly seed: number; readonly key: string },
): QuestionResult {
  const stream = randomStream(random.seed, 'question', random.key);
  const pick = (items: readonly string[]): string => items[uniformInt(stream, 0, items.length - 1)] ?? '';
  let candidates: string[];
  if (template.output === 'whole') {
    if (finish === 'length') return { dropped: 'question_not_ended' };
    candidates = [output.trim()];
    if (candidates[0] === '') return { dropped: 'question_empty' };
  } else {
    const parsed = parseNumberedQuestions(output);
    // The last question of an output that was cut off is not whole.
    const whole = finish === 'length' ? parsed.slice(0, -1) : parsed;
    if (parsed.length === 0) return { dropped: 'question_not_parsed' };
    if (template.requireAll && whole.length !== template.questions) {
      return { dropped: finish === 'length' ? 'question_not_ended' : 'question_wrong_count' };
    }
    candidates = whole.filter((question) => question !== '');
    if (template.requireAll && candidates.length !== whole.length) return { dropped: 'question_empty' };
    if (candidates.length === 0) return { dropped: finish === 'length' ? 'question_not_ended' : 'question_empty' };
  }
  const question = pick(candidates);
  const phrase = template.phrases.length > 0 ? `${pick(template.phrases)} ` : '';
  return { question: phrase + question, candidates };
}
