import { expect, test } from 'vitest';
import {
  fieldGroups,
  formSettings,
  presetConfig,
  problemsOf,
} from '../../../src/renderer/pages/generate/settings-form.ts';
import { edited } from '../../../src/renderer/pages/generate/template-panel.tsx';
import { instructionTemplates } from '../../../src/shared/instruction-templates.ts';
import { synthesisConfigSchema, synthesisPresets } from '../../../src/shared/synthesis-config.ts';
import { synthesisConfigHelp } from '../../../src/shared/synthesis-config-help.ts';

const { template } = presetConfig('small');

test('every field of the table is in the form, with its meaning and default; groups have a title and a note', () => {
  const fields = fieldGroups.flatMap((group) => group.fields);
  expect(fields.map(({ path }) => path).sort()).toEqual(Object.keys(synthesisConfigHelp).sort());
  for (const { path, meaning } of fields) expect(meaning).toContain(synthesisConfigHelp[path]?.text);
  expect(fieldGroups.map(({ title }) => title).sort()).toEqual(
    ['Batches', 'Bounds of the filters', 'Chunks', 'Filters', 'Questions and answers'].sort(),
  );
  expect(fieldGroups.find(({ title }) => title === 'Filters')?.note).toMatch(/^drop: left out and counted; flag/);
  expect(fields.find(({ path }) => path === 'chunking.minTokens')?.label).toBe('Min tokens');
  expect(fields.find(({ path }) => path === 'question.topP')?.label).toBe('Question top p');
});

test('without changes it is the preset', () => {
  for (const name of Object.keys(synthesisPresets) as (keyof typeof synthesisPresets)[]) {
    const whole = presetConfig(name);
    expect(synthesisConfigSchema.parse(formSettings(name, {}, whole.template))).toEqual(whole);
  }
});

test('typed text becomes numbers, nothing becomes null where that has a meaning, and words are told at their field', () => {
  const typed = {
    'question.temperature': '0.2',
    'chunking.maxChunksPerDocument': '',
    seed: '7',
    longContext: 'chunks',
  };
  expect(synthesisConfigSchema.parse(formSettings('small', typed, template))).toMatchObject({
    seed: 7,
    longContext: 'chunks',
    question: { temperature: 0.2, topP: 0.9 },
    chunking: { maxChunksPerDocument: null, maxTokens: 768 },
  });
  const wrong = { 'answer.topP': '2', 'chunking.minTokens': '9000', 'answer.maxNewTokens': 'many' };
  const problems = problemsOf(formSettings('small', wrong, template));
  expect([...problems.keys()].sort()).toEqual(['answer.maxNewTokens', 'answer.topP', 'chunking.minTokens'].sort());
  expect(problems.get('answer.maxNewTokens')).toContain('write a number');
});

test('a changed template is a copy with a name of its own, and says what it lacks', () => {
  const copy = edited(edited(instructionTemplates.simple, { prompt: 'Ask.' }), { questions: 2 });
  expect(copy).toMatchObject({ id: 'simple-edited', name: 'One question, edited', questions: 2 });
  expect(problemsOf(formSettings('small', {}, copy)).get('template.prompt')).toContain('{chunk}');
});
