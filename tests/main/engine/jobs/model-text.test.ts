import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadModelText, userLead } from '../../../../src/main/engine/jobs/model-text.ts';

const model = (path: string): string => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));

test('plain texts are scored where the text of a user message stands', async () => {
  const demo = await loadModelText(model('resources/demo/base-model'));
  expect(demo.tokenizer.decode(userLead(demo))).toBe('<|user|>');
  const llama = await loadModelText(model('tests/fixtures/golden/models/llama'));
  expect(llama.tokenizer.decode(userLead(llama))).toBe('<s><|im_start|>user\n');
  const message = llama.codec.encodePrompt('Hello there.');
  expect([...message].slice(0, userLead(llama).length)).toEqual([...userLead(llama)]);
});
