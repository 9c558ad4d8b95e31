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
/** Bytes that one value may take, and all values that a template makes together; more for long messages and many. */
const LARGEST_VALUE = 8 * 1024 * 1024;
const ALL_VALUES = 128 * 1024 * 1024;
const BYTES_PER_MESSAGE = 2 * 1024 * 1024;

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
interface TemplateNode {
  readonly type: string;
  readonly value?: unknown;
  readonly computed?: boolean;
  readonly callee?: TemplateNode;
  readonly object?: TemplateNode;
  readonly property?: TemplateNode;
}
interface TemplateValue {
  readonly value?: unknown;
}
type Arguments = readonly [TemplateValue[], ReadonlyMap<string, TemplateValue>];
const JinjaEnvironment = Environment as unknown as new () => Variables;
const JinjaInterpreter = Interpreter as unknown as new (environment: Variables) => {
  evaluate(node: unknown, environment: unknown): unknown;
  evaluateArguments(nodes: unknown, environment: unknown): Arguments;
  evaluateCallExpression(node: unknown, environment: unknown): unknown;
  evaluateSliceExpression(object: unknown, node: unknown, environment: unknown): unknown;
  applyFilter(operand: unknown, node: unknown, environment: unknown): unknown;
  run(program: unknown): { value: unknown };
};

/** What the library's values take beside their text: each string carries a table of its methods. */
const STRING_BYTES = 2048;
const OTHER_BYTES = 256;
/** Nodes that make a value; the others find one or hand one on. */
const MAKES = new Set(['BinaryExpression', 'CallExpression', 'FilterExpression', 'ArrayLiteral', 'ObjectLiteral']);

/** How often a piece stands in a text; the gaps between characters for the empty one. */
function occurrences(text: string, piece: string): number {
  if (piece === '') return text.length + 1;
  let count = 0;
  for (let at = text.indexOf(piece); at !== -1; at = text.indexOf(piece, at + piece.length)) count += 1;
  return count;
}

/**
 * The interpreter with limits on its steps and on what its values take, so that a template cannot run for ever or fill
 * the memory. What grows inside one call of the library (`replace`, `split`, `join`, `indent`, `tojson`) is worked out
 * before the call, what is made step by step is counted.
 */
class LimitedInterpreter extends JinjaInterpreter {
  #left: number;
  #bytes: number;
  readonly #largest: number;
  /** Bytes of lists and mappings, which may hold the same value many times over. */
  #sizes = new WeakMap<object, number>();
  /** The method or filter whose arguments come next. */
  #grows: { readonly name: unknown; readonly operand: TemplateValue } | undefined;

  constructor(environment: Variables, limits: { steps: number; largest: number; bytes: number }) {
    super(environment);
    this.#left = limits.steps;
    this.#largest = limits.largest;
    this.#bytes = limits.bytes;
  }

  override evaluate(node: TemplateNode | undefined, environment: unknown): unknown {
    if (node?.type === 'Evaluated') return node.value;
    if (--this.#left < 0) throw new StepLimit();
    const result = super.evaluate(node, environment);
    if (node?.type === 'Set') this.#sizes = new WeakMap();
    // `x + x` in a loop doubles without a step more; it takes no memory until somebody looks at the text.
    const size = this.#sizeOf(result);
    this.#hold(size);
    if (node !== undefined && MAKES.has(node.type)) this.#bytes -= size;
    if (this.#bytes < 0) throw new StepLimit();
    return result;
  }

  override evaluateCallExpression(node: TemplateNode, environment: unknown): unknown {
    const { callee } = node;
    if (callee?.type !== 'MemberExpression') return super.evaluateCallExpression(node, environment);
    const operand = this.evaluate(callee.object, environment) as TemplateValue;
    const name = callee.computed === true ? this.evaluate(callee.property, environment) : callee.property;
    this.#grows = { name: (name as TemplateValue).value, operand };
    const object = { type: 'Evaluated', value: operand };
    return super.evaluateCallExpression({ ...node, callee: { ...callee, object } }, environment);
  }

  override applyFilter(operand: TemplateValue, node: TemplateNode, environment: unknown): unknown {
    if (node.callee !== undefined) this.#grows = { name: node.callee.value, operand };
    return super.applyFilter(operand, node, environment);
  }

  override evaluateArguments(nodes: unknown, environment: unknown): Arguments {
    const call = this.#grows;
    this.#grows = undefined;
    const given = super.evaluateArguments(nodes, environment);
    if (call !== undefined) this.#hold(this.#grown(call.name, call.operand, given));
    return given;
  }

  override evaluateSliceExpression(object: TemplateValue, node: unknown, environment: unknown): unknown {
    // A text is taken apart into its characters first.
    if (typeof object.value === 'string') this.#hold(8 * object.value.length);
    return super.evaluateSliceExpression(object, node, environment);
  }

  /** The least that the result of a call can be said to take at most, in bytes. */
  #grown(name: unknown, operand: TemplateValue, [listed, named]: Arguments): number {
    const given = [...listed, ...named.values()].map(({ value }) => value);
    const [first, second] = given;
    const text = typeof operand.value === 'string' ? operand.value : '';
    const width = Math.max(0, ...given.map((value) => (typeof value === 'string' ? value.length : Number(value) || 0)));
    const [size, old] = [this.#sizeOf(operand), typeof first === 'string' ? first : ''];
    switch (name) {
      case 'replace':
        return 2 * (text.length + occurrences(text, old) * (typeof second === 'string' ? second.length : 0));
      case 'split':
      case 'rsplit':
        return STRING_BYTES * (old === '' ? (text.match(/\s+/g)?.length ?? 0) : occurrences(text, old));
      case 'join':
        return 2 * width * Math.max(text.length, size / OTHER_BYTES);
      case 'indent':
        return 2 * width * (1 + occurrences(text, '\n'));
      case 'tojson':
        // The padding grows with the depth, which is the number of values at most.
        return width === 0 ? 0 : 2 * width * (size / OTHER_BYTES) ** 2;
      default:
        return 0;
    }
  }

  #hold(bytes: number): void {
    if (bytes > this.#largest) throw new StepLimit();
  }

  #sizeOf(value: unknown): number {
    if (typeof value !== 'object' || value === null || !('value' in value)) return 0;
    const inner = value.value;
    if (typeof inner === 'string') return STRING_BYTES + 2 * inner.length;
    if (!Array.isArray(inner) && !(inner instanceof Map)) return OTHER_BYTES;
    const known = this.#sizes.get(value);
    if (known !== undefined) return known;
    let size = OTHER_BYTES;
    for (const item of inner.values() as Iterable<unknown>) size += this.#sizeOf(item);
    this.#sizes.set(value, size);
    return size;
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
    const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
    const limits = {
      steps: BASE_STEPS + STEPS_PER_MESSAGE * messages.length,
      largest: LARGEST_VALUE + BYTES_PER_MESSAGE * messages.length + 16 * characters,
      bytes: ALL_VALUES + BYTES_PER_MESSAGE * messages.length + 128 * characters,
    };
    try {
      return String(new LimitedInterpreter(environment, limits).run(this.#template.parsed).value);
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
