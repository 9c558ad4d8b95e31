import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { needleTasks, rulerTemplates } from '../../../../../src/main/engine/evaluation/ruler/definitions.ts';
import type { NeedleDefinition } from '../../../../../src/main/engine/evaluation/ruler/definitions.ts';
import { DEPTHS, needleTask } from '../../../../../src/main/engine/evaluation/ruler/niah.ts';
import { stringMatch } from '../../../../../src/main/engine/evaluation/ruler/score.ts';
import { frequentWordsTask } from '../../../../../src/main/engine/evaluation/ruler/word-lists.ts';
import { loadWords } from '../../../../../src/main/engine/evaluation/ruler/words.ts';
import { randomStream } from '../../../../../src/main/engine/random.ts';

/** Read from RULER's repository and made by lm-evaluation-harness (see `source`). */
interface Published {
  readonly templates: Readonly<
    Record<string, { readonly tokens_to_generate: number; readonly template: string; readonly answer_prefix: string }>
  >;
  readonly synthetic: Readonly<
    Record<string, { readonly task: string; readonly args: Record<string, string | number> }>
  >;
  readonly items: Readonly<Record<string, { readonly input: string; readonly outputs: readonly string[] }>>;
}
const published = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../../fixtures/ruler/published.json'), 'utf8'),
) as Published;
const words = await loadWords();

it('has the published templates, word by word', () => {
  const names = {
    niah: 'niah',
    variableTracking: 'variable_tracking',
    commonWords: 'common_words_extraction',
    frequentWords: 'freq_words_extraction',
    questions: 'qa',
  } as const;
  for (const [ours, theirs] of Object.entries(names)) {
    const { template, answerPrefix, tokensToGenerate } = rulerTemplates[ours as keyof typeof names];
    expect({ template, answer_prefix: answerPrefix, tokens_to_generate: tokensToGenerate }).toEqual(
      published.templates[theirs],
    );
  }
});

it('has the published needle tasks and depths', () => {
  for (const [name, { task, args }] of Object.entries(published.synthetic)) {
    if (task !== 'niah') continue;
    expect(needleTasks[name as keyof typeof needleTasks]).toEqual({
      ...{ haystack: args['type_haystack'], key: args['type_needle_k'], value: args['type_needle_v'] },
      ...{ keys: args['num_needle_k'], values: args['num_needle_v'], queries: args['num_needle_q'] },
    });
  }
  expect(DEPTHS).toHaveLength(40);
  expect([DEPTHS[0], DEPTHS[1], DEPTHS[20], DEPTHS[39]]).toEqual([0, 3, 51, 100]);
});

/** What is drawn, replaced by what kind of thing it is; then how often each line stands there. */
function skeleton(text: string): Record<string, number> {
  const lines = text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, '<uuid>')
    .replaceAll(/\b\d{7}\b/g, '<number>')
    .replaceAll(/(?<=for )(?:[^\s,]+-[^\n]+?)(?= is: | mentioned)/g, (keys) =>
      keys
        .split(/, and |, /)
        .map(() => '<key>')
        .join(', '),
    )
    .split('\n');
  const counts: Record<string, number> = {};
  for (const line of lines) counts[line] = (counts[line] ?? 0) + 1;
  return counts;
}

const base = needleTasks.niah_single_1 as NeedleDefinition; // it is in the table
it.each<[string, NeedleDefinition | undefined]>([
  ['niah_single_1', base],
  ['niah_multikey_2', needleTasks.niah_multikey_2],
  ['niah_multikey_3', needleTasks.niah_multikey_3],
  ['niah_noise_multivalue', { ...base, values: 4 }],
  ['niah_noise_multiquery', { ...base, queries: 4 }],
])('%s is composed as lm-evaluation-harness does', (name, definition) => {
  const theirs = published.items[name];
  if (definition === undefined || theirs === undefined) throw new Error(name);
  const ours = needleTask(definition, { words, essay: [], depth: null })(6, randomStream(1));
  expect(skeleton(ours.input)).toEqual(skeleton(theirs.input));
  expect(ours.outputs).toHaveLength(theirs.outputs.length);
});

it('fwe has the published counts', () => {
  const theirs = published.items['fwe'];
  if (theirs === undefined) throw new Error('fwe');
  const countsOf = (text: string): number[] => {
    const counts = new Map<string, number>();
    const coded = text.slice(text.indexOf('coded words. ') + 13, text.lastIndexOf('\nQuestion')).split(' ');
    for (const word of coded) counts.set(word, (counts.get(word) ?? 0) + 1);
    return [...counts.values()].sort((a, b) => b - a);
  };
  const ours = frequentWordsTask(40 * 50 + 50)(400, randomStream(1));
  expect(countsOf(ours.input)).toEqual(countsOf(theirs.input));
  expect(ours.outputs).toHaveLength(3);
  // lm-evaluation-harness puts the answer's beginning behind the prompt itself.
  expect(theirs.input.startsWith(ours.input.slice(0, ours.input.indexOf('coded words. ') + 13))).toBe(true);
  expect(theirs.input.endsWith(ours.input.slice(ours.input.lastIndexOf('\nQuestion')) + ours.answerPrefix)).toBe(true);
});

it('scores as string_match_all', () => {
  expect(stringMatch(' The ANSWER is 12\u000034 ', ['answer', '1234'])).toBe(0.5);
  expect(stringMatch('12\n34', ['12\n34'])).toBe(1);
  expect(stringMatch('', ['a'])).toBe(0);
});
