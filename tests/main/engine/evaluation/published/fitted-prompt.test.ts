import { expect, test } from 'vitest';
import { fittedPrompt } from '../../../../../src/main/engine/evaluation/published/fitted-prompt.ts';
import type { PromptCodec } from '../../../../../src/main/engine/generation/prompt-codec.ts';
import type { ChatTemplate } from '../../../../../src/main/engine/text/chat-template.ts';

/** A token a byte: what is cut may be a part of a character. */
const codec = {
  encode: (text: string) => Int32Array.from(Buffer.from(text, 'utf8')),
  decode: (ids: Int32Array) => Buffer.from(ids).toString('utf8'),
} as PromptCodec;
const source = { template: {} as ChatTemplate, codec, lead: Int32Array.of(1) };

const fitted = (context: string, cut: 'middle' | 'context', room: number): string | undefined => {
  const prompt = fittedPrompt(source, { before: '<', context, after: '>' }, { form: 'plain', cut, room });
  return prompt === null ? undefined : codec.decode(prompt.ids.subarray(1));
};

test('a context loses its end, and no half of a character is left', () => {
  expect(fitted('𝔄𝔅ℭ', 'context', 14)).toBe('<𝔄𝔅ℭ>');
  expect(fitted('𝔄𝔅ℭ', 'context', 13)).toBe('<𝔄𝔅>');
  expect(fitted('𝔄𝔅', 'context', 10)).toBe('<𝔄>');
  // A sign that stands in the text itself is not taken for a half of one.
  expect(fitted('a\uFFFDb', 'context', 7)).toBe('<a\uFFFD>');
});

test('an input loses its middle', () => {
  expect(fitted('abcdefgh', 'middle', 11)).toBe('<abcdefgh>');
  expect(fitted('abcdefgh', 'middle', 7)).toBe('<abgh>');
});
