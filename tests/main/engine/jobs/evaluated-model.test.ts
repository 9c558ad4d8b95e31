import { join } from 'node:path';
import { expect, test } from 'vitest';
import { answerText } from '../../../../src/main/engine/jobs/evaluated-model.ts';
import { rulerItemsFor } from '../../../../src/main/engine/jobs/evaluate-ruler.ts';
import { loadModelText } from '../../../../src/main/engine/jobs/model-text.ts';
import { loadTokenizer } from '../../../../src/main/engine/text/tokenizer.ts';
import { rulerTaskSchema } from '../../../../src/shared/evaluation-tasks.ts';
import { demoModel } from '../../services/fixtures.ts';

test('an answer is scored without special tokens', async () => {
  const tokenizer = await loadTokenizer(join(import.meta.dirname, '../../../fixtures/tokenizers/llama3'));
  const ids = tokenizer.encode('one<|start_header_id|> two<|end_of_text|>');
  expect(answerText(tokenizer, { ids, text: '', finish: 'length' })).toBe('one two');
  expect(answerText(tokenizer, { ids, text: '', finish: 'stop' })).toBe('one two');
  expect(answerText(tokenizer, { ids: tokenizer.encode('one two'), text: '', finish: 'length' })).toBe('one two');
});

test('a RULER prompt as plain text begins with what the tokenizer puts before every text', async () => {
  const text = await loadModelText(demoModel);
  const item = { input: 'one', answerPrefix: 'two' };
  const idsOf = async (prompt: 'chat' | 'plain'): Promise<number[]> => {
    const task = rulerTaskSchema.parse({ kind: 'ruler', name: 'vt', task: 'vt', lengths: [512], prompt });
    return [...(await rulerItemsFor(task, text, Int32Array.of(3))).idsOf(item)];
  };
  expect(await idsOf('plain')).toEqual([3, ...text.codec.encode('one two')]);
  expect((await idsOf('chat'))[0]).toBe(text.codec.encodePrompt('one')[0]);
});
