import { cpSync, mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inspectModel } from '../../../../src/main/engine/jobs/inspect-model.ts';
import type { JobContext } from '../../../../src/main/engine/jobs/job-context.ts';
import { ModelHolder } from '../../../../src/main/engine/jobs/model-holder.ts';

const source = fileURLToPath(new URL('../../../fixtures/golden/models/qwen2', import.meta.url));
let modelDir = '';
beforeEach(() => {
  modelDir = join(mkdtempSync(join(tmpdir(), 'longhand-inspect-')), 'model');
  cpSync(source, modelDir, { recursive: true });
});
afterEach(() => rmSync(join(modelDir, '..'), { recursive: true, force: true }));

const context: JobContext<'inspectModel'> = {
  signal: new AbortController().signal,
  models: new ModelHolder(),
  emit: () => Promise.reject(new Error('nothing is reported')),
  progress: () => undefined,
  notice: () => undefined,
};
const change = (file: string, fields: object): void => {
  const path = join(modelDir, file);
  const json = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...json, ...fields }));
};

test('a usable model has no problems; its parameters and bytes are those of its weights', async () => {
  const report = await inspectModel({ modelDir }, context);
  expect(report.problems).toEqual([]);
  expect(report.weightBytes).toBe(4 * report.parameters);
  expect(report.dtypes).toEqual({ F32: report.weightBytes });
  expect(report.tiedEmbeddings).toBe(true);
  const [first, ...longer] = report.memory;
  expect(first?.generate).toBeGreaterThan(report.weightBytes);
  expect(longer.every(({ tokens, trainFull }, i) => tokens > (report.memory[i]?.tokens ?? 0) && trainFull > 0)).toBe(
    true,
  );
});

test('a missing chat template, foreign special tokens and missing weights are problems, not the end', async () => {
  change('tokenizer_config.json', { chat_template: null });
  const none = await inspectModel({ modelDir }, context);
  expect(none).toMatchObject({ chatExample: null, problems: [expect.stringMatching(/no chat template/)] });
  change('tokenizer_config.json', {
    chat_template: '{% for m in messages %}<|turn|>{{ m.content }}<|other|>{% endfor %}',
  });
  expect((await inspectModel({ modelDir }, context)).problems).toHaveLength(1);
  rmSync(join(modelDir, 'tokenizer.json'));
  const noTokenizer = await inspectModel({ modelDir }, context);
  expect(noTokenizer).toMatchObject({ tokenizer: null, problems: [expect.stringMatching(/no tokenizer.json/)] });
});

test('an architecture that is not computed is an error', async () => {
  change('config.json', { model_type: 'mamba' });
  await expect(inspectModel({ modelDir }, context)).rejects.toMatchObject({ code: 'unsupported', message: /mamba/ });
});
