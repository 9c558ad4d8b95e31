import { UserError } from '../../../shared/errors.ts';
import { readTurnFormat, type ChatTemplate, type Message, type TurnFormat } from './chat-template.ts';
import { safePieces } from './stream.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Label of a token that is not predicted. */
export const IGNORE = -100;

export interface ConversationInput {
  /** The document or chunk that the first user message starts with; may be empty. */
  readonly context: string;
  /** One question for each turn, at least one. */
  readonly questions: readonly string[];
  /** One answer for each question. */
  readonly answers: readonly string[];
  /** Between context and first question; two newlines if left out. Not used where the context is empty. */
  readonly separator?: string;
}

/** A conversation as tokens, by the conventions of the golden values ("Building the sequences"). */
export interface Conversation {
  /** Token ids [T]; the last one is the end-of-turn token of the last answer. */
  readonly ids: Int32Array;
  /** [T]: the token itself in answers and their end-of-turn tokens, else -100. Not shifted. */
  readonly labels: Int32Array;
  /** [start, end) of each answer with its end-of-turn token. */
  readonly responseSpans: readonly (readonly [number, number])[];
}

function encodeAll(tokenizer: Tokenizer, text: string): Int32Array {
  return concat(
    [...safePieces(tokenizer, text)].map((piece, i) =>
      i === 0 ? tokenizer.encode(piece) : tokenizer.encodeContinuation(piece),
    ),
  );
}

function concat(parts: readonly Int32Array[]): Int32Array {
  const out = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** The prompt for the next assistant message: the rendered messages with the generation prompt, as token ids. */
export function buildPrompt(tokenizer: Tokenizer, template: ChatTemplate, messages: readonly Message[]): Int32Array {
  return encodeAll(tokenizer, template.render(messages, { addGenerationPrompt: true }));
}

/** A text that was tokenised up to a place where it may be cut. */
interface KnownPrefix {
  readonly text: string;
  readonly ids: Int32Array;
}

/** Shorter texts are tokenised faster than looked up. */
const WORTH_KEEPING = 2048;
const KEPT_PREFIXES = 4;

/**
 * Builds conversations with one tokenizer and template. The tokens of a long context are kept and reused for other turns,
 * questions and answers about it: the last few contexts are remembered.
 */
export class ConversationBuilder {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly format: TurnFormat;
  #known: KnownPrefix[] = [];

  /** @throws UserError where template and tokenizer do not fit together (see readTurnFormat). */
  constructor(tokenizer: Tokenizer, template: ChatTemplate) {
    this.tokenizer = tokenizer;
    this.template = template;
    this.format = readTurnFormat(tokenizer, template);
  }

  /**
   * One chat: context and first question, first answer, second question, ... Each prompt is rendered and tokenised; each
   * answer is tokenised on its own and closed by the end-of-turn token.
   * @throws UserError where the template does not simply append (it changes a text or rewrites earlier messages).
   */
  build(input: ConversationInput): Conversation {
    const { context, questions, answers, separator = '\n\n' } = input;
    if (questions.length === 0 || questions.length !== answers.length) {
      throw new Error(
        `A conversation needs as many answers as questions, at least one: ${questions.length}, ${answers.length}`,
      );
    }
    const messages: Message[] = [];
    const parts: Int32Array[] = [];
    const responseSpans: [number, number][] = [];
    let length = 0;
    let before = '';
    for (const [turn, question] of questions.entries()) {
      const content = turn === 0 && context !== '' ? context + separator + question : question;
      messages.push({ role: 'user', content });
      const prompt = this.template.render(messages, { addGenerationPrompt: true });
      if (!prompt.includes(content)) throw this.#alters('a user message');
      const prefix =
        turn === 0 ? this.#firstPrompt(prompt, context) : this.#nextPrompt(prompt, before, answers[turn - 1] ?? '');
      const answer = answers[turn] ?? '';
      const ids = this.tokenizer.encode(answer);
      parts.push(prefix, ids, Int32Array.of(this.format.endOfTurnId));
      const start = length + prefix.length;
      length = start + ids.length + 1;
      responseSpans.push([start, length]);
      messages.push({ role: 'assistant', content: answer });
      before = prompt;
    }
    const ids = concat(parts);
    const labels = new Int32Array(ids.length).fill(IGNORE);
    for (const [start, end] of responseSpans) labels.set(ids.subarray(start, end), start);
    return { ids, labels, responseSpans };
  }

  #firstPrompt(prompt: string, context: string): Int32Array {
    const known = this.#known.find(({ text }) => prompt.startsWith(text)) ?? this.#remember(prompt, context);
    if (known === undefined) return encodeAll(this.tokenizer, prompt);
    return concat([known.ids, this.tokenizer.encodeContinuation(prompt.slice(known.text.length))]);
  }

  /** Tokenises a long prompt up to the last sure cut inside the context, which holds whatever question follows. */
  #remember(prompt: string, context: string): KnownPrefix | undefined {
    if (context.length < WORTH_KEEPING) return undefined;
    const contextEnd = prompt.indexOf(context) + context.length;
    const cut = this.tokenizer.lastSafeCut(prompt.slice(0, contextEnd));
    if (cut < WORTH_KEEPING) return undefined;
    const text = prompt.slice(0, cut);
    const known = { text, ids: encodeAll(this.tokenizer, text) };
    this.#known = [known, ...this.#known].slice(0, KEPT_PREFIXES);
    return known;
  }

  /** Tokens from the end of the previous answer to the generation prompt. */
  #nextPrompt(prompt: string, before: string, answer: string): Int32Array {
    const { endOfTurn, endOfTurnId } = this.format;
    if (!prompt.startsWith(before)) {
      throw new UserError(
        'unsupported',
        `The chat template in ${this.template.file} rewrites earlier messages when a turn is added.`,
        {
          hint: 'Build pairs with one turn each, or use a model whose template only appends.',
          place: { file: this.template.file, field: 'chat_template' },
        },
      );
    }
    const added = prompt.slice(before.length);
    const glue = /^\s*/.exec(added.startsWith(answer) ? '' : added)?.[0] ?? '';
    const answerEnd = glue.length + answer.length;
    if (!added.startsWith(answer + endOfTurn, glue.length)) throw this.#alters('an assistant message');
    if (glue !== '' && !this.#glueIsPartOfAnswer(before, glue, answer)) throw this.#alters('an assistant message');
    // With the end-of-turn token in front, what follows is tokenised as inside the whole text.
    const ids = this.tokenizer.encode(added.slice(answerEnd));
    if (ids[0] !== endOfTurnId) throw new Error(`The end-of-turn token ${endOfTurn} was not recognised`);
    return ids.slice(1);
  }

  /** A space before the answer is harmless where the tokenizer gives the answer's first token this space anyway. */
  #glueIsPartOfAnswer(before: string, glue: string, answer: string): boolean {
    const tail = before.slice(-200);
    const own = this.tokenizer.encode(answer);
    const inside = this.tokenizer.encode(tail + glue + answer);
    const alone = this.tokenizer.encode(tail);
    const expected = concat([alone, own]);
    return inside.length === expected.length && inside.every((id, i) => id === expected[i]);
  }

  #alters(what: string): UserError {
    return new UserError('unsupported', `The chat template in ${this.template.file} changes the text of ${what}.`, {
      hint: 'It may trim white space: remove white space at the ends of questions and answers, or use another template.',
      place: { file: this.template.file, field: 'chat_template' },
    });
  }
}

/** One conversation; use a ConversationBuilder for several about the same context. */
export function buildConversation(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  input: ConversationInput,
): Conversation {
  return new ConversationBuilder(tokenizer, template).build(input);
}
