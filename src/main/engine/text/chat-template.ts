import path from 'node:path';
import { Environment, Interpreter, Template } from '@huggingface/jinja';
import { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';
import { parseModelFile, readModelFile, specialToken } from './tokenizer-config.ts';
import type { Tokenizer } from './tokenizer.ts';

export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** A model's chat template: messages to the text that the model was trained on. */
export interface ChatTemplate {
  /** The file that the template came from. */
  readonly file: string;
  readonly source: string;
  /**
   * The text of a conversation, as transformers' `apply_chat_template(tokenize=False)` gives it. Templates that print the
   * date see a fixed one (26 July 2024, Llama 3's default), so that the same conversation always gives the same text.
   * @throws UserError where the template fails, refuses the messages or does not end.
   */
  render(messages: readonly Message[], options: { addGenerationPrompt: boolean }): string;
}

/** Steps that a template may take: a base, and for each message. Real templates need a few hundred for each. */
const BASE_STEPS = 100_000;
const STEPS_PER_MESSAGE = 20_000;
const LONGEST_RANGE = 100_000;
/** Longest text that a template may make, beside the messages, in UTF-16 units. */
const LONGEST_TEXT = 16 * 1024 * 1024;

const SPECIAL_NAMES = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const;
const specialShape = Object.fromEntries(SPECIAL_NAMES.map((name) => [name, specialToken])) as Record<
  (typeof SPECIAL_NAMES)[number],
  typeof specialToken
>;
const mapSchema = z.looseObject(specialShape);
const configSchema = z.looseObject({
  ...specialShape,
  chat_template: z.union([z.string(), z.array(z.object({ name: z.string(), template: z.string() }))]).nullish(),
});

type Values = Readonly<Record<string, unknown>>;

class StepLimit extends Error {}

// The library's declarations import without file endings, so TypeScript does not resolve these two classes.
interface Variables {
  set(name: string, value: unknown): unknown;
}
const JinjaEnvironment = Environment as unknown as new () => Variables;
const JinjaInterpreter = Interpreter as unknown as new (environment: Variables) => {
  evaluate(node: unknown, environment: unknown): unknown;
  run(program: unknown): { value: unknown };
};

/** The interpreter with limits on its steps and its texts, so that a template cannot run for ever or fill the memory. */
class LimitedInterpreter extends JinjaInterpreter {
  #left: number;
  readonly #longest: number;

  constructor(environment: Variables, steps: number, longest: number) {
    super(environment);
    this.#left = steps;
    this.#longest = longest;
  }

  override evaluate(node: unknown, environment: unknown): unknown {
    if (--this.#left < 0) throw new StepLimit();
    const result = super.evaluate(node, environment);
    // `x + x` in a loop doubles without a step more; it takes no memory until somebody looks at the text.
    const { value } = (result ?? {}) as { readonly value?: unknown };
    if (typeof value === 'string' && value.length > this.#longest) throw new StepLimit();
    return result;
  }
}

/** What `raise_exception` in a template throws. */
class Refusal extends Error {}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January', 'February', 'March', 'April', 'May', 'June', 'July',
  'August', 'September', 'October', 'November', 'December',
]; // prettier-ignore

/** Python's strftime for 26 July 2024, midnight. */
function fixedDate(format: string): string {
  const date = new Date(Date.UTC(2024, 6, 26));
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = DAYS[date.getUTCDay()] ?? '';
  const month = MONTHS[date.getUTCMonth()] ?? '';
  const parts: Readonly<Record<string, string>> = {
    d: two(date.getUTCDate()),
    m: two(date.getUTCMonth() + 1),
    Y: String(date.getUTCFullYear()),
    y: two(date.getUTCFullYear() % 100),
    B: month,
    b: month.slice(0, 3),
    A: day,
    a: day.slice(0, 3),
    H: '00',
    M: '00',
    S: '00',
    '%': '%',
  };
  return format.replace(/%([\s\S])/g, (whole, letter: string) => parts[letter] ?? whole);
}

function range(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  const length = Math.max(0, Math.ceil((to - from) / step));
  if (!(length <= LONGEST_RANGE)) throw new StepLimit();
  return Array.from({ length }, (_, i) => from + i * step);
}

class JinjaChatTemplate implements ChatTemplate {
  readonly file: string;
  readonly source: string;
  readonly #template: Template;
  readonly #variables: Values;

  constructor(file: string, source: string, variables: Values) {
    this.file = file;
    this.source = source;
    this.#variables = variables;
    try {
      this.#template = new Template(source);
    } catch (cause) {
      throw new UserError(
        'invalid_input',
        `The chat template in ${file} cannot be read: ${(cause as Error).message}.`,
        {
          hint: 'Check the template, or take the original file of the model.',
          place: { file, field: 'chat_template' },
          cause,
        },
      );
    }
  }

  render(messages: readonly Message[], options: { addGenerationPrompt: boolean }): string {
    const environment = new JinjaEnvironment();
    const globals: Values = {
      // Python's names of the constants, as Jinja has them.
      true: true,
      True: true,
      false: false,
      False: false,
      none: null,
      None: null,
      range,
      strftime_now: fixedDate,
      raise_exception: (message: unknown) => {
        throw new Refusal(String(message));
      },
      ...this.#variables,
      // transformers passes both, also where there are none.
      tools: null,
      documents: null,
      messages: messages.map(({ role, content }) => ({ role, content })),
      add_generation_prompt: options.addGenerationPrompt,
    };
    for (const [name, value] of Object.entries(globals)) environment.set(name, value);
    const limit = BASE_STEPS + STEPS_PER_MESSAGE * messages.length;
    const longest = messages.reduce((sum, { content }) => sum + 4 * content.length, LONGEST_TEXT);
    try {
      return String(new LimitedInterpreter(environment, limit, longest).run(this.#template.parsed).value);
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  #failure(cause: unknown): UserError {
    const place = { file: this.file, field: 'chat_template' };
    if (cause instanceof StepLimit) {
      return new UserError('invalid_input', `The chat template in ${this.file} does not come to an end.`, {
        hint: 'A loop in the template runs far longer than the messages need; correct the template.',
        place,
      });
    }
    if (cause instanceof Refusal) {
      return new UserError(
        'invalid_input',
        `The chat template in ${this.file} refuses the messages: ${cause.message}`,
        {
          hint: 'Use roles and an order of messages that the model was trained on.',
          place,
        },
      );
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new UserError('invalid_input', `The chat template in ${this.file} fails: ${reason}.`, {
      hint: 'Check the template, or take the original file of the model.',
      place,
      cause,
    });
  }
}

/**
 * Loads the chat template of a Hugging Face model folder: chat_template.jinja, or `chat_template` of
 * tokenizer_config.json (a string, or a list with one named "default").
 * @throws UserError where there is none or it cannot be read.
 */
export async function loadChatTemplate(modelDir: string): Promise<ChatTemplate> {
  const configFile = await readModelFile(path.join(modelDir, 'tokenizer_config.json'));
  const jinjaFile = await readModelFile(path.join(modelDir, 'chat_template.jinja'));
  const config = parseModelFile(configSchema, configFile);
  const map = parseModelFile(mapSchema, await readModelFile(path.join(modelDir, 'special_tokens_map.json')));
  const variables: Record<string, string> = {};
  for (const name of SPECIAL_NAMES) {
    const content = (config !== undefined && name in config ? config : map)?.[name];
    if (typeof content === 'string') variables[name] = content;
  }
  if (jinjaFile.json !== undefined) return new JinjaChatTemplate(jinjaFile.file, jinjaFile.json, variables);
  const given = config?.chat_template ?? undefined;
  const source = typeof given === 'object' ? given.find(({ name }) => name === 'default')?.template : given;
  if (source === undefined) {
    throw new UserError('not_found', `The model has no chat template: ${configFile.file} has no "chat_template".`, {
      hint: 'Use the instruct (chat) version of the model, or put its chat_template.jinja into the folder.',
      place: { file: configFile.file, field: 'chat_template' },
    });
  }
  return new JinjaChatTemplate(configFile.file, source, variables);
}

/** What a template does with an assistant message. */
export interface TurnFormat {
  /** The special token that ends an assistant message. */
  readonly endOfTurn: string;
  readonly endOfTurnId: number;
}

/** Text that no template or vocabulary has of its own. */
const PROBE = { question: 'zqquestionqz', answer: 'zqanswerqz', next: 'zqnextqz' };
const MARKER = /<[|\u{FF5C}][^<>|\u{FF5C}\s]{1,60}[|\u{FF5C}]>/gu;

/**
 * Finds the token that ends an assistant message, and checks that the tokenizer has the template's special tokens.
 * @throws UserError naming the template's file and the token that is missing.
 */
export function readTurnFormat(tokenizer: Tokenizer, template: ChatTemplate): TurnFormat {
  const place = { file: template.file, field: 'chat_template' };
  const missing = (token: string): UserError =>
    new UserError(
      'invalid_input',
      `The chat template in ${template.file} uses the special token ${token}, which the tokenizer does not have.`,
      { hint: 'The template belongs to another tokenizer; take both from the same model.', place },
    );
  for (const [name, token] of [
    ['bos_token', tokenizer.bosToken],
    ['eos_token', tokenizer.eosToken],
  ] as const) {
    const uses =
      new RegExp(`\\b${name}\\b`).test(template.source) &&
      !new RegExp(`\\b${name}\\s+is\\s+(not\\s+)?(defined|none)`).test(template.source);
    if (token === null && uses) throw missing(name);
  }
  const text = template.render(
    [
      { role: 'user', content: PROBE.question },
      { role: 'assistant', content: PROBE.answer },
      { role: 'user', content: PROBE.next },
    ],
    { addGenerationPrompt: true },
  );
  const answerEnd = text.indexOf(PROBE.answer) + PROBE.answer.length;
  const nextStart = text.indexOf(PROBE.next);
  if (answerEnd < PROBE.answer.length || nextStart < answerEnd) {
    throw new UserError('unsupported', `The chat template in ${template.file} does not write the messages in order.`, {
      hint: 'Longhand needs a template that appends each message to the earlier ones.',
      place,
    });
  }
  // Some models write their role headers as ordinary text; a mixture means that the tokenizer is another one.
  const markers = [...new Set(text.match(MARKER) ?? [])];
  // One token of the text, not only an entry of the vocabulary: without its entry among the added tokens it is spelt out.
  const has = (marker: string): boolean => {
    const ids = tokenizer.encode(marker);
    return ids.length === 1 && ids[0] === tokenizer.idOf(marker);
  };
  const absent = markers.find((marker) => !has(marker));
  const tail = text.slice(answerEnd, nextStart);
  const written = /^<[^<>\s]{1,60}>/u.exec(tail)?.[0];
  if (written !== undefined && !has(written)) throw missing(written);
  if (absent !== undefined && markers.some(has)) throw missing(absent);
  const first = tokenizer.encode(tail)[0];
  const token = first === undefined ? '' : tokenizer.tokenOf(first);
  if (first === undefined || !tokenizer.specialIds.has(first) || !tail.startsWith(token)) {
    throw new UserError(
      'unsupported',
      `The chat template in ${template.file} does not end an assistant message with a special token right after its text.`,
      { hint: 'Longhand needs an end-of-turn token such as <|im_end|> or </s>.', place },
    );
  }
  return { endOfTurn: token, endOfTurnId: first };
}
