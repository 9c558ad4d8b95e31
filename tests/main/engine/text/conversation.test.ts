import path from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../../../src/shared/errors.ts';
import {
  loadChatTemplate,
  readTurnFormat,
  type ChatTemplate,
  type Message,
} from '../../../../src/main/engine/text/chat-template.ts';
import {
  buildConversation,
  buildPrompt,
  ConversationBuilder,
  type Conversation,
} from '../../../../src/main/engine/text/conversation.ts';
import { loadTokenizer, type Tokenizer } from '../../../../src/main/engine/text/tokenizer.ts';
import { CHAT_TEMPLATES, GOLDEN, modelFolder, readJson, TOKENIZERS } from './fixtures.ts';

interface GoldenSequence {
  readonly input_ids: number[];
  readonly labels: number[];
  readonly response_spans: [number, number][];
}
interface GoldenExample {
  readonly text: {
    document: string;
    chunks: string[];
    turns: { chunk: number; question: string; chosen: string; rejected: string }[];
  };
  readonly chosen: GoldenSequence;
  readonly rejected: GoldenSequence;
  readonly turns: { chosen: GoldenSequence; rejected: GoldenSequence }[];
}

const plain = ({ ids, labels, responseSpans }: Conversation): GoldenSequence => ({
  input_ids: [...ids],
  labels: [...labels],
  response_spans: responseSpans.map(([start, end]) => [start, end]),
});
const golden = ({ input_ids, labels, response_spans }: GoldenSequence): GoldenSequence => ({
  input_ids,
  labels,
  response_spans,
});

/** The golden convention taken literally: every prompt tokenised whole, every answer on its own. */
function naive(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  context: string,
  questions: string[],
  answers: string[],
): number[] {
  const end = readTurnFormat(tokenizer, template).endOfTurnId;
  const messages: Message[] = [];
  let ids: number[] = [];
  questions.forEach((question, i) => {
    messages.push({ role: 'user', content: i === 0 ? `${context}\n\n${question}` : question });
    const prompt = [...tokenizer.encode(template.render(messages, { addGenerationPrompt: true }))];
    expect(prompt.slice(0, ids.length)).toEqual(ids);
    ids = [...prompt, ...tokenizer.encode(answers[i] ?? ''), end];
    messages.push({ role: 'assistant', content: answers[i] ?? '' });
  });
  return ids;
}

const { templates } = readJson<{ templates: Record<string, { template: string; tokens: Record<string, string> }> }>(
  CHAT_TEMPLATES,
  'cases.json',
);

async function modelOf(
  kind: string,
  source: string,
  tokens: Record<string, string> = {},
): Promise<[Tokenizer, ChatTemplate]> {
  const folder = modelFolder({
    'tokenizer.json': readJson(TOKENIZERS, kind, 'tokenizer.json'),
    'tokenizer_config.json': { chat_template: source, ...tokens },
  });
  return [await loadTokenizer(folder), await loadChatTemplate(folder)];
}

const CASES = ['llama', 'mistral', 'qwen2', 'qwen3'].flatMap((name) => [`${name}-full`, `${name}-lora`]);

describe.each(CASES)('the golden case %s', (name) => {
  const inputs = readJson<{ model: string; examples: GoldenExample[] }>(GOLDEN, 'longpo', name, 'inputs.json');
  let builder: ConversationBuilder;
  beforeAll(async () => {
    const folder = path.join(GOLDEN, inputs.model);
    builder = new ConversationBuilder(await loadTokenizer(folder), await loadChatTemplate(folder));
  });

  it('has the same long and short sequences, labels and spans', () => {
    expect(inputs.examples.length).toBeGreaterThan(0);
    for (const { text, chosen, rejected, turns } of inputs.examples) {
      const questions = text.turns.map(({ question }) => question);
      for (const [side, expected] of [
        ['chosen', chosen],
        ['rejected', rejected],
      ] as const) {
        const answers = text.turns.map((turn) => turn[side]);
        expect(plain(builder.build({ context: text.document, questions, answers }))).toEqual(golden(expected));
        text.turns.forEach((turn, i) => {
          const short = builder.build({
            context: text.chunks[turn.chunk] ?? '',
            questions: [turn.question],
            answers: [turn[side]],
          });
          expect(plain(short)).toEqual(golden(turns[i]?.[side] ?? expect.fail()));
        });
      }
    }
  });
});

describe('SmolLM2 prompts', () => {
  const smollm2 = process.env['LONGHAND_SMOLLM2'];
  it.skipIf(smollm2 === undefined)('are the golden ones', async () => {
    const folder = smollm2 ?? '';
    const [tokenizer, template] = [await loadTokenizer(folder), await loadChatTemplate(folder)];
    interface Prompt {
      readonly messages?: Message[];
      readonly rendered: string;
      readonly input_ids: number[];
    }
    const { prompts } = readJson<{ prompts: Prompt[] }>(GOLDEN, 'smollm2/inputs.json');
    const chats = prompts.flatMap(({ messages, ...rest }) => (messages === undefined ? [] : [{ messages, ...rest }]));
    expect(chats.length).toBeGreaterThan(0);
    for (const { messages, rendered, input_ids } of chats) {
      expect(template.render(messages, { addGenerationPrompt: true })).toBe(rendered);
      expect([...buildPrompt(tokenizer, template, messages)]).toEqual(input_ids);
    }
  });
});

describe.each([
  ['llama3', 'llama3'],
  ['llama3', 'llama32'],
  ['qwen2', 'qwen25'],
  ['qwen2', 'qwen3'],
  ['qwen2', 'smollm2'],
  ['mistral', 'mistral_v1'],
  ['mistral_metaspace', 'mistral_v3'],
])('tokenizer %s with template %s', (kind, name) => {
  it('reuses a long context with exactly the tokens of the whole text', async () => {
    const { template: source, tokens } = templates[name] ?? expect.fail(name);
    const [tokenizer, template] = await modelOf(kind, source, tokens);
    const builder = new ConversationBuilder(tokenizer, template);
    const word = fc.constantFrom('the', 'mill', 'rye.', 'Müller', '你好。', "it's", '1984,', '(a)', '-', 'e\u0301');
    const sentence = fc.array(word, { minLength: 1, maxLength: 8 }).map((words) => words.join(' '));
    const document = fc
      .tuple(sentence, fc.integer({ min: 1, max: 600 }))
      .map(([part, times]) => Array.from({ length: times }, () => part).join('\n'));
    fc.assert(
      fc.property(
        document,
        fc.array(fc.tuple(sentence, sentence, sentence), { minLength: 1, maxLength: 3 }),
        (context, turns) => {
          const questions = turns.map(([question]) => question);
          for (const side of [1, 2] as const) {
            const answers = turns.map((turn) => turn[side]);
            const built = builder.build({ context, questions, answers });
            expect([...built.ids]).toEqual(naive(tokenizer, template, context, questions, answers));
            for (const [i, [start, end]] of built.responseSpans.entries()) {
              expect([...built.ids.subarray(start, end - 1)]).toEqual([...tokenizer.encode(answers[i] ?? '')]);
              expect(built.ids[end - 1]).toBe(builder.format.endOfTurnId);
              expect(built.labels.subarray(start, end)).toEqual(built.ids.subarray(start, end));
            }
            expect(built.labels.filter((label) => label !== -100)).toHaveLength(
              built.responseSpans.reduce((sum, [start, end]) => sum + end - start, 0),
            );
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('ConversationBuilder', () => {
  const llama3 = templates['llama3'] ?? expect.fail('the fixture lacks llama3');

  it('tokenises a long context once', async () => {
    const [tokenizer, template] = await modelOf('llama3', llama3.template, llama3.tokens);
    let units = 0;
    const counting: Tokenizer = Object.assign(Object.create(tokenizer) as Tokenizer, {
      vocabSize: tokenizer.vocabSize,
      idOf: tokenizer.idOf.bind(tokenizer),
      tokenOf: tokenizer.tokenOf.bind(tokenizer),
      lastSafeCut: tokenizer.lastSafeCut.bind(tokenizer),
      encode: (text: string) => ((units += text.length), tokenizer.encode(text)),
      encodeContinuation: (text: string) => ((units += text.length), tokenizer.encodeContinuation(text)),
    });
    const builder = new ConversationBuilder(counting, template);
    const context = 'The mill by the river grinds rye. '.repeat(20_000);
    for (let i = 0; i < 6; i++) {
      builder.build({ context, questions: [`Question ${i}?`, 'And then?', 'Why?'], answers: ['A.', 'B.', 'C.'] });
    }
    expect(units).toBeGreaterThan(context.length);
    expect(units).toBeLessThan(context.length * 1.05);
  });

  it('uses the separator given, and none without a context', async () => {
    const [tokenizer, template] = await modelOf('llama3', llama3.template, llama3.tokens);
    const text = (input: { context: string; separator?: string }): string =>
      tokenizer.decode(buildConversation(tokenizer, template, { ...input, questions: ['Q?'], answers: ['A.'] }).ids);
    expect(text({ context: 'Doc.', separator: '\n' })).toContain('Doc.\nQ?<|eot_id|>');
    expect(text({ context: 'Doc.' })).toContain('Doc.\n\nQ?<|eot_id|>');
    expect(text({ context: '' })).toContain('<|end_header_id|>\n\nQ?<|eot_id|>');
  });

  const failure = async (source: string, questions: string[], answers: string[], tokens = {}): Promise<UserError> => {
    const [tokenizer, template] = await modelOf('llama3', source, tokens);
    try {
      buildConversation(tokenizer, template, { context: 'Doc.', questions, answers });
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      return error as UserError;
    }
    throw new Error('nothing was thrown');
  };

  it('refuses a template that trims what it is given', async () => {
    const user = await failure(llama3.template, ['Q? '], ['A.'], llama3.tokens);
    expect(user.message).toContain('changes the text of a user message');
    const assistant = await failure(llama3.template, ['Q?', 'R?'], ['A.\n', 'B.'], llama3.tokens);
    expect(assistant.message).toContain('changes the text of an assistant message');
  });

  it('refuses a template that rewrites earlier messages', async () => {
    const source = '{{ messages|length }}{% for m in messages %}{{ m.role }}: {{ m.content }}<|eot_id|>{% endfor %}';
    expect((await failure(source, ['Q?', 'R?'], ['A.', 'B.'])).message).toContain('rewrites earlier messages');
  });

  it('refuses a template that puts text between prompt and answer', async () => {
    const source =
      "{% for m in messages %}{{ m.role }}:{{ '\n' if m.role == 'assistant' else '' }}{{ m.content }}<|eot_id|>{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}";
    expect((await failure(source, ['Q?', 'R?'], ['A.', 'B.'])).message).toContain('an assistant message');
  });
});
