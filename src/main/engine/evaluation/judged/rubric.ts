import type { JudgedForm } from '../../../../shared/evaluation-tasks.ts';
import type { Message } from '../../text/chat-template.ts';

/** One answer to be rated: the turns of the conversation up to it, and what is known of the right answers. */
export interface RatedTurn {
  /** Questions and answers up to and including the rated one. */
  readonly turns: readonly { readonly question: string; readonly answer: string }[];
  /** Reference answers of the same turns; empty: there are none. */
  readonly references: readonly string[];
  /** Other answers to the same question with their ratings (LongBench-Chat). */
  readonly examples: readonly { readonly answer: string; readonly score: number }[];
}

const FACTORS =
  'Your evaluation should consider factors such as the helpfulness, relevance, accuracy, depth, creativity, and level of detail of the response.';
const RATE =
  'Be as objective as possible. After providing your explanation, you must rate the response on a scale of 1 to 10 by strictly following this format: "[[rating]]", for example: "Rating: [[5]]".';
const COMPARE =
  "Begin your evaluation by comparing the assistant's answer with the reference answer. Identify and correct any mistakes.";
const PLAIN = 'You are a helpful assistant.';
const IMPARTIAL =
  'Please act as an impartial judge and evaluate the quality of the response provided by an AI assistant to the user question';

const part = (title: string, text: string): string => `[The Start of ${title}]\n${text}\n[The End of ${title}]`;
const talk = (
  title: string,
  speaker: string,
  turns: readonly { readonly question: string; readonly answer: string }[],
) =>
  `<|The Start of ${title}|>\n\n${turns
    .map(({ question, answer }) => `### User:\n${question}\n\n### ${speaker}:\n${answer}\n\n`)
    .join('')}<|The End of ${title}|>`;

/**
 * What MT-Bench asks its judge: the rubrics single-v1, single-math-v1 and their multi-turn forms (Zheng et al. 2023,
 * arXiv 2306.05685; lm-sys/FastChat: fastchat/llm_judge/data/judge_prompts.jsonl).
 */
function mtBench({ turns, references }: RatedTurn): readonly [system: string, user: string] {
  const [first] = turns;
  const referenced = references.length > 0;
  if (turns.length === 1 && first !== undefined) {
    const instruction = referenced
      ? `${IMPARTIAL} displayed below. Your evaluation should consider correctness and helpfulness. You will be given a reference answer and the assistant's answer. ${COMPARE} ${RATE}`
      : `${IMPARTIAL} displayed below. ${FACTORS} Begin your evaluation by providing a short explanation. ${RATE}`;
    return [
      PLAIN,
      [
        `[Instruction]\n${instruction}`,
        `[Question]\n${first.question}`,
        ...(referenced ? [part('Reference Answer', references[0] ?? '')] : []),
        part("Assistant's Answer", first.answer),
      ].join('\n\n'),
    ];
  }
  const focus = "You evaluation should focus on the assistant's answer to the second";
  const system = referenced
    ? `${IMPARTIAL}. Your evaluation should consider correctness and helpfulness. You will be given a reference answer and the assistant's answer. ${focus} question. ${COMPARE} ${RATE}\n\n`
    : `${IMPARTIAL} displayed below. ${FACTORS} ${focus} user question. Begin your evaluation by providing a short explanation. ${RATE}\n\n`;
  const answers = talk("Assistant A's Conversation with User", 'Assistant A', turns);
  if (!referenced) return [system, answers];
  const right = turns.map(({ question }, i) => ({ question, answer: references[i] ?? '' }));
  return [system, `${talk('Reference Answer', 'Reference answer', right)}\n\n\n${answers}`];
}

/**
 * What LongBench-Chat asks its judge (Bai et al. 2024, arXiv 2401.18058; THUDM/LongAlign: LongBench_Chat/prompt_fs.txt).
 * Without rated examples their part is left out.
 */
function longBenchChat({ turns, references, examples }: RatedTurn): readonly [system: string, user: string] {
  const shown = (answer: string): string => `[Assistant's answer begins]\n${answer}\n[Assistant's answer ends]`;
  const rated = examples.map(({ answer, score }) => `${shown(answer)}\n\nRating: [[${score}]]\n\n`).join('');
  const user = `[Instructions]
You are asked to evaluate the quality of the AI assistant's answers to user questions as an impartial judge, and your evaluation should take into account factors including correctness (high priority), helpfulness, accuracy, and relevance. The scoring principles are as follows:
1. Read the AI assistant's answer and compare the assistant's answer with the reference answer.
2. Identify all errors in the AI Assistant's answers and consider how much they affect the answer to the question.
3. Evaluate how helpful the AI assistant's answers are in directly answering the user's questions and providing the information the user needs. 
4. Examine any additional information in the AI assistant's answer to ensure that it is correct and closely related to the question. If this information is incorrect or not relevant to the question, points should be deducted from the overall score.

Please give an overall integer rating from 1 to 10 based on the above principles, strictly in the following format:"[[rating]]", e.g. "[[5]]".

[Question]
${turns[0]?.question ?? ''}

[Reference answer begins]
${references[0] ?? ''}
[Reference answer ends]

${rated === '' ? '' : `Below are several assistants' answers and their ratings:\n\n${rated}`}Please rate the following assistant answers based on the scoring principles${rated === '' ? '' : ' and examples'} above:

${shown(turns[0]?.answer ?? '')}

Rating: `;
  return ["You're a good assistant at evaluating the quality of texts.", user];
}

/** The conversation that asks a judge for a rating: system message and user message. */
export function ratingRequest(form: JudgedForm, turn: RatedTurn): readonly [system: Message, user: Message] {
  const [system, user] = form === 'mt_bench' ? mtBench(turn) : longBenchChat(turn);
  return [
    { role: 'system', content: system },
    { role: 'user', content: user },
  ];
}

/** For a judge whose template refuses a system message: its text goes before the user's, unless it says nothing. */
export function withoutSystem([system, user]: readonly [Message, Message]): Message {
  const says = system.content !== PLAIN;
  return { role: 'user', content: says ? `[Instruction]\n${system.content}\n\n${user.content}` : user.content };
}

/**
 * The rating in a judgement, from 1 to 10, or null. MT-Bench takes the first [[number]], else the first [number];
 * LongBench-Chat the first number in the last [[...]].
 */
export function parseRating(form: JudgedForm, judgement: string): number | null {
  const found =
    form === 'mt_bench'
      ? (/\[\[(\d+\.?\d*)\]\]/.exec(judgement) ?? /\[(\d+\.?\d*)\]/.exec(judgement))?.[1]
      : /\d+\.\d+|\d+/.exec([...judgement.matchAll(/\[\[([^\]]+)\]\]/g)].at(-1)?.[1] ?? '')?.[0];
  const rating = found === undefined ? Number.NaN : Number(found);
  return rating >= 1 && rating <= 10 ? rating : null;
}
