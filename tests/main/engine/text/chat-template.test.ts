import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../../src/shared/errors.ts';
import { loadChatTemplate, readTurnFormat, type Message } from '../../../../src/main/engine/text/chat-template.ts';
import { loadTokenizer } from '../../../../src/main/engine/text/tokenizer.ts';
import { CHAT_TEMPLATES, GOLDEN, modelFolder, readJson, TOKENIZERS } from './fixtures.ts';

interface TemplateCases {
  readonly template: string;
  readonly tokens: Record<string, string>;
  /** `text` is null where the template refuses the messages. */
  readonly cases: { messages: Message[]; addGenerationPrompt: boolean; text: string | null }[];
}

const { templates } = readJson<{ templates: Record<string, TemplateCases> }>(CHAT_TEMPLATES, 'cases.json');

async function failureOf(action: () => unknown): Promise<UserError> {
  try {
    await action();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return error as UserError;
  }
  throw new Error('nothing was thrown');
}

const withTemplate = (chat_template: unknown, tokens: object = {}): string =>
  modelFolder({ 'tokenizer_config.json': { chat_template, ...tokens } });

describe.each(Object.entries(templates))('the template %s', (_, { template, tokens, cases }) => {
  it('renders as transformers does', async () => {
    const loaded = await loadChatTemplate(withTemplate(template, tokens));
    expect(cases.length).toBeGreaterThan(10);
    for (const { messages, addGenerationPrompt, text } of cases) {
      const render = (): string => loaded.render(messages, { addGenerationPrompt });
      if (text === null) expect((await failureOf(render)).message).toContain('refuses the messages');
      else expect(render()).toBe(text);
    }
  });
});

describe('loadChatTemplate', () => {
  const hello: Message[] = [{ role: 'user', content: 'Hello' }];

  it('prefers chat_template.jinja', async () => {
    const folder = modelFolder({ 'tokenizer_config.json': { chat_template: 'old' }, 'chat_template.jinja': 'new' });
    const template = await loadChatTemplate(folder);
    expect(template.render(hello, { addGenerationPrompt: false })).toBe('new');
    expect(path.basename(template.file)).toBe('chat_template.jinja');
  });

  it('takes the one named default from a list', async () => {
    const list = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: 'plain {{ eos_token }}' },
    ];
    const template = await loadChatTemplate(withTemplate(list, { eos_token: { content: '</s>' } }));
    expect(template.render(hello, { addGenerationPrompt: false })).toBe('plain </s>');
  });

  it('says that a base model has none', async () => {
    for (const folder of [modelFolder({}), withTemplate(null), withTemplate([{ name: 'rag', template: 'x' }])]) {
      const error = await failureOf(() => loadChatTemplate(folder));
      expect(error.code).toBe('not_found');
      expect(error.message).toMatch(/tokenizer_config\.json/);
    }
  });

  it('says that a template cannot be read', async () => {
    const error = await failureOf(() => loadChatTemplate(withTemplate('{% for m in messages %}')));
    expect(error.message).toContain('cannot be read');
    expect(error.place.field).toBe('chat_template');
  });

  it.each([
    '{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}',
    '{% for a in range(1000000000) %}x{% endfor %}',
  ])('stops a template that loops for ever: %s', async (source) => {
    const template = await loadChatTemplate(withTemplate(source));
    const error = await failureOf(() => template.render(hello, { addGenerationPrompt: false }));
    expect(error.message).toContain('does not come to an end');
  });

  it('stops a text that doubles in a loop before it fills the memory (found by fuzzing)', async () => {
    const source =
      "{% set ns = namespace(x='aa') %}{% for i in range(27) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}";
    const template = await loadChatTemplate(withTemplate(source));
    const error = await failureOf(() => template.render(hello, { addGenerationPrompt: false }));
    expect(error.message).toContain('does not come to an end');
  });

  it.each([
    // Case 10395 of seed 20261124.
    `{% set x = 'aa' %}{% for i in range(99) %}{% set x = x + x %}{{ ({'k': range})[x | replace("a", "bbbb")] }}{% endfor %}`,
    `{% set ns = namespace(x='a,') %}{% for i in range(20) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x.split(',') | length }}`,
    `{% set ns = namespace(x='aa') %}{% for i in range(20) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x.replace('', 'b' * 2) }}`,
    `{% set ns = namespace(x='aa') %}{% for i in range(18) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x.replace('a', ns.x) }}`,
    `{% set ns = namespace(x=['a']) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}`,
    `{% set ns = namespace(x=['a']) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x ~ '' }}`,
    `{% set ns = namespace(x=['a']) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}`,
    `{{ (messages | tojson(indent=100000000)) }}`,
    `{{ '\n\n\n' | indent(100000000) }}`,
  ])('stops values that grow in a few steps: %s', async (source) => {
    const template = await loadChatTemplate(withTemplate(source));
    const started = process.memoryUsage().rss;
    const error = await failureOf(() => template.render(hello, { addGenerationPrompt: false }));
    expect(error.code).toBe('invalid_input');
    expect(process.memoryUsage().rss - started).toBeLessThan(200 * 2 ** 20);
  });

  it('leaves alone what real templates do with a long answer', async () => {
    const source =
      "{% for m in messages %}{{ m.content.split('</think>')[-1].replace('\n', '<newline>') | trim }}{{ m.content[:10] }}{% endfor %}";
    const template = await loadChatTemplate(withTemplate(source));
    const content = `${'thought\n'.repeat(50_000)}</think>${'answer\n'.repeat(100_000)}`;
    const text = template.render([{ role: 'assistant', content }], { addGenerationPrompt: false });
    expect(text).toContain('answer<newline>answer');
  });

  it('reports endless recursion and unknown functions', async () => {
    for (const source of ['{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}', '{{ nothing_of_that_name() }}']) {
      const template = await loadChatTemplate(withTemplate(source));
      const error = await failureOf(() => template.render(hello, { addGenerationPrompt: false }));
      expect(error.code).toBe('invalid_input');
    }
  });

  it('renders many long messages within the limit of steps', async () => {
    const { template, tokens } = templates['llama32'] ?? expect.fail('the fixture lacks llama32');
    const loaded = await loadChatTemplate(withTemplate(template, tokens));
    const messages = Array.from({ length: 400 }, (_, i): Message => ({
      role: i % 2 === 0 ? 'user' : 'assistant',
      content: 'word '.repeat(2000),
    }));
    expect(loaded.render(messages, { addGenerationPrompt: true }).length).toBeGreaterThan(3_900_000);
  });
});

describe('readTurnFormat', () => {
  it('finds the end of turn of the golden models', async () => {
    for (const name of ['llama', 'mistral', 'qwen2', 'qwen3']) {
      const folder = path.join(GOLDEN, 'models', name);
      const format = readTurnFormat(await loadTokenizer(folder), await loadChatTemplate(folder));
      expect(format).toEqual({ endOfTurn: '<|im_end|>', endOfTurnId: 4 });
    }
  });

  it.each([
    ['llama3', 'llama3', '<|eot_id|>'],
    ['llama3', 'llama32', '<|eot_id|>'],
    ['qwen2', 'qwen25', '<|im_end|>'],
    ['qwen2', 'qwen3', '<|im_end|>'],
    ['mistral', 'mistral_v1', '</s>'],
    ['mistral_metaspace', 'mistral_v3', '</s>'],
    ['mistral', 'zephyr', '</s>'],
  ])('finds the end of turn: tokenizer %s, template %s', async (kind, name, token) => {
    const { template, tokens } = templates[name] ?? expect.fail(name);
    const folder = modelFolder({
      'tokenizer.json': readJson(TOKENIZERS, kind, 'tokenizer.json'),
      'tokenizer_config.json': { chat_template: template, ...tokens },
    });
    expect(readTurnFormat(await loadTokenizer(folder), await loadChatTemplate(folder)).endOfTurn).toBe(token);
  });

  it.each([
    ['a template of another tokenizer', templates['chatml']?.template, '<|im_end|>'],
    [
      'a role header that is missing',
      '{% for m in messages %}<|start_header_id|>{{ m.role }}<|sep|>{{ m.content }}<|eot_id|>{% endfor %}',
      '<|sep|>',
    ],
    [
      'a bos_token that is not set',
      '{{ bos_token }}{% for m in messages %}{{ m.content }}<|eot_id|>{% endfor %}',
      'bos_token',
    ],
  ])('names the special token that the tokenizer lacks: %s', async (_, template, token) => {
    const tokenizer = await loadTokenizer(path.join(TOKENIZERS, 'llama3'));
    const loaded = await loadChatTemplate(withTemplate(template));
    const error = await failureOf(() => readTurnFormat(tokenizer, loaded));
    expect(error.message).toBe(
      `The chat template in ${loaded.file} uses the special token ${token}, which the tokenizer does not have.`,
    );
  });

  it('names a token that the vocabulary has and the added tokens lack: it would be spelt out', async () => {
    const folder = path.join(GOLDEN, 'models', 'qwen2');
    const tokenizer = readJson<{ added_tokens: { content: string }[] }>(folder, 'tokenizer.json');
    tokenizer.added_tokens = tokenizer.added_tokens.filter(({ content }) => content !== '<|im_start|>');
    const config = readJson<object>(folder, 'tokenizer_config.json');
    const damaged = modelFolder({ 'tokenizer.json': tokenizer, 'tokenizer_config.json': config });
    const loaded = await loadTokenizer(damaged);
    expect(loaded.idOf('<|im_start|>')).toBe(readJson<{ model: { vocab: Record<string, number> } }>(folder, 'tokenizer.json').model.vocab['<|im_start|>']); // prettier-ignore
    const template = await loadChatTemplate(damaged);
    const error = await failureOf(() => readTurnFormat(loaded, template));
    expect(error.message).toContain('uses the special token <|im_start|>, which the tokenizer does not have');
  });

  it.each([
    ['{% for m in messages %}{{ m.content }}\n{% endfor %}', 'does not end an assistant message'],
    ['{{ messages[-1].content }}', 'does not write the messages in order'],
  ])('refuses %j', async (template, reason) => {
    const tokenizer = await loadTokenizer(path.join(TOKENIZERS, 'llama3'));
    const loaded = await loadChatTemplate(withTemplate(template));
    expect((await failureOf(() => readTurnFormat(tokenizer, loaded))).message).toContain(reason);
  });
});
