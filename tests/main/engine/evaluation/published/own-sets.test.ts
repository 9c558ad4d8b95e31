import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { publishedSets } from '../../../../../scripts/published-sets.ts';
import type { PublishedItem } from '../../../../../src/main/engine/evaluation/published/item.ts';
import { readPublished } from '../../../../../src/main/engine/evaluation/published/read.ts';
import { publishedTaskSchema } from '../../../../../src/shared/evaluation-tasks.ts';
import { publishedFormNames, publishedForms } from '../../../../../src/shared/published-forms.ts';
import type { PublishedFormName } from '../../../../../src/shared/published-forms.ts';
import { publishedSetPath } from '../../../../../src/main/services/own-sets.ts';

const folder = join(import.meta.dirname, '../../../../../resources/evaluation/published');

async function itemsOf(form: PublishedFormName): Promise<PublishedItem[]> {
  const task = publishedTaskSchema.parse({ kind: 'published', name: form, form, path: publishedSetPath(form) });
  const items: PublishedItem[] = [];
  for await (const { item } of readPublished(task)) items.push(item);
  return items;
}

/** What one answers who knows the right one: for several gold answers the first. */
function perfect(form: PublishedFormName, { expected }: PublishedItem): string {
  if (form === 'longbench_v2') return `The correct answer is (${expected}).`;
  if (form === 'helmet/icl') return `label: ${expected}`;
  return expected.split(' | ')[0] ?? '';
}

/** What one answers who has not read anything. */
function blind(form: PublishedFormName): string {
  if (form === 'longbench_v2') return 'The correct answer is (A).';
  if (form.endsWith('choice') || form.endsWith('choice_eng')) return 'A';
  return 'Nobody can say.';
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

test('the files are what the generator writes', () => {
  for (const [name, text] of Object.entries(publishedSets()))
    expect(readFileSync(join(folder, name), 'utf8')).toBe(text);
});

describe.each(publishedFormNames)('%s', (form) => {
  test('a perfect answerer has 100, a blind one is near chance, and the text holds what is asked', async () => {
    const items = await itemsOf(form);
    expect(items).toHaveLength(12);
    expect(mean(items.map((item) => item.scores(perfect(form, item)).score))).toBeCloseTo(1, 6);
    const chance = form.includes('choice') || form === 'longbench_v2' ? 0.25 : 0;
    // Any two lines of text have some characters in common.
    const most = publishedForms[form].metric === 'edit similarity' ? 0.3 : chance + 0.03;
    const blindScore = mean(items.map((item) => item.scores(blind(form)).score));
    expect(blindScore).toBeGreaterThanOrEqual(chance);
    expect(blindScore).toBeLessThan(most);
    // As HELMET normalises answers, the letter A is an article, and so nothing.
    expect(mean(items.map((item) => item.scores('').score))).toBe(form === 'helmet/choice' ? 0.25 : 0);
    for (const { prompt, question } of items) {
      expect(prompt.context.length).toBeGreaterThan(400);
      expect(prompt.before + prompt.after).not.toMatch(/\{(?!label)\w+\}|undefined/);
      expect(question).not.toMatch(/undefined/);
    }
    // No two items ask the same of the same text.
    expect(new Set(items.map(({ prompt }) => prompt.context + prompt.after)).size).toBe(12);
  });
});

test('the gold answers to questions stand in the text', async () => {
  const forms = publishedFormNames.filter((form) =>
    /_qa_|narrative|multifield|hotpot|2wiki|musique|rag|kv|niah/.test(form),
  );
  expect(forms.length).toBeGreaterThan(8);
  for (const form of forms)
    for (const { prompt, expected } of await itemsOf(form))
      for (const part of expected.split(/ \| |, /)) expect(prompt.context).toContain(part.replace(/^an? /, ''));
});
