import { describe, expect, it } from 'vitest';
import { evaluationTaskSchema } from '../../../src/shared/evaluation-tasks.ts';
import {
  checkedTasks,
  fieldOfError,
  initialValues,
  kindOf,
  taskKinds,
  tokensOf,
} from '../../../src/renderer/pages/evaluate/task-kinds.ts';

const filled = (id: string, more: Readonly<Record<string, string | readonly string[]>> = {}) => {
  const kind = kindOf(id);
  const files = Object.fromEntries(kind.fields.filter(({ control }) => ['file', 'folder'].includes(control)).map(({ path }) => [path, `/sets/${path}.json`])); // prettier-ignore
  return checkedTasks(kind, { ...initialValues(kind, 8192), ...files, ...more });
};

describe('the kinds of tasks', () => {
  it('are those of the command line, each valid as it begins once its files are named', () => {
    const made = taskKinds.flatMap(({ id }) => filled(id).tasks);
    const kinds = evaluationTaskSchema.options.map((option) => option.shape.kind.value);
    expect(new Set(made.map(({ kind }) => kind))).toEqual(new Set(kinds));
    for (const { id } of taskKinds) expect([id, ...filled(id).problems]).toEqual([id]);
  });

  it('say beside the field what is missing or wrong', () => {
    const problems = (id: string, more: Readonly<Record<string, string | readonly string[]>>) =>
      Object.fromEntries(filled(id, more).problems);
    expect(problems('questions', { path: ' ' })).toEqual({ path: 'name the file' });
    expect(problems('questions', { limit: '0', maxNewTokens: 'many' })).toEqual({
      limit: 'must be at least 1',
      maxNewTokens: 'write numbers, such as 20',
    });
    expect(problems('multiple_choice', { fewShot: '5', examples: '' })).toEqual({
      examples: 'name the file of the worked examples',
    });
    expect(problems('ruler', { task: [] })).toEqual({ task: 'choose at least one' });
    expect(problems('ruler', { task: ['vt', 'qa_1'], squad: '' })).toEqual({ squad: 'qa_1 needs a question file' });
    expect(Object.keys(problems('needle', { lengths: '4K, long', depths: '120' }))).toEqual(['lengths', 'depths']);
  });

  it('RULER gives depths and haystack to the needle tasks alone', () => {
    const { tasks } = filled('ruler', {
      task: ['niah_single_2', 'vt'],
      depths: '0, 50',
      haystack: 'noise',
      lengths: '2K',
    });
    expect(tasks).toMatchObject([
      { task: 'niah_single_2', lengths: [2048], depths: [0, 0.5], haystack: 'noise' },
      { task: 'vt', lengths: [2048], depths: null, haystack: null },
    ]);
  });

  it("published sets have a file of examples where they are HELMET's RAG", () => {
    expect(filled('published', { form: 'helmet/rag' }).tasks).toMatchObject([{ examples: '/sets/examples.json' }]);
    expect(filled('published', { form: 'helmet/rag', examples: '' }).tasks).toMatchObject([{ examples: null }]);
    expect(filled('published', { form: 'helmet/qa' }).tasks).toMatchObject([{ examples: null }]);
  });
});

it('reads lengths as people write them', () => {
  expect(['4096', '4K', '1.5k', '1M', '', 'x', '4KB'].map(tokensOf)).toEqual([
    4096,
    4096,
    1536,
    2 ** 20,
    NaN,
    NaN,
    NaN,
  ]);
});

it('lengths begin with what the model can address', () => {
  const lengths = (context: number | null) => initialValues(kindOf('needle'), context)['lengths'];
  expect(lengths(131_072)).toBe('8K, 16K, 32K');
  expect(lengths(2048)).toBe('1K, 2K');
  expect(lengths(1000)).toBe('1000');
  expect(lengths(null)).toBe('4K');
});

it('an error of main finds its field: by the file that it names, else by the field', () => {
  const kind = kindOf('multiple_choice');
  const values = { path: 'sets/arc.jsonl', examples: '/sets/shots.jsonl' };
  expect(fieldOfError(kind, values, { file: '/home/me/sets/arc.jsonl', field: 'answerKey' })).toBe('path');
  expect(fieldOfError(kind, values, { file: '/sets/shots.jsonl' })).toBe('examples');
  expect(fieldOfError(kind, values, { field: 'fewShot' })).toBe('fewShot');
  expect(fieldOfError(kind, values, { field: 'nothing' })).toBeUndefined();
});
