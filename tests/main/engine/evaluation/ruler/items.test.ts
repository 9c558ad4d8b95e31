import { writeFileSync } from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answerTokens,
  readRulerSources,
  RulerItems,
  rulerPlaces,
} from '../../../../../src/main/engine/evaluation/ruler/items.ts';
import type { RulerTask } from '../../../../../src/main/engine/evaluation/ruler/items.ts';
import type { RulerItem } from '../../../../../src/main/engine/evaluation/ruler/item.ts';
import { stringMatch } from '../../../../../src/main/engine/evaluation/ruler/score.ts';
import { rulerTaskNameSchema, rulerTaskSchema } from '../../../../../src/shared/evaluation-tasks.ts';
import type { RulerTaskName } from '../../../../../src/shared/evaluation-tasks.ts';

/** About as many as a byte-level tokenizer has. */
const countTokens = (text: string): number => text.match(/\w{1,5}|[^\w\s]/g)?.length ?? 0;
const countItem = ({ input, answerPrefix }: RulerItem): number => countTokens(input + answerPrefix);

const folder = mkdtempSync(join(tmpdir(), 'ruler-'));
const colours = ['amber', 'indigo', 'copper', 'violet', 'scarlet', 'olive', 'ivory', 'teal', 'coral', 'jade'];
const passage = (i: number): string =>
  `The house with number ${i} was painted ${colours[i % 10] ?? ''}-${i} by its owner, who liked the sea and the wind.`;
const squad = join(folder, 'squad.json');
writeFileSync(
  squad,
  JSON.stringify({
    data: Array.from({ length: 4 }, (_, article) => ({
      paragraphs: Array.from({ length: 5 }, (_, p) => {
        const i = article * 5 + p;
        return {
          context: passage(i),
          qas: [
            { question: `Which paint has house ${i}?`, answers: [{ text: `${colours[i % 10] ?? ''}-${i}` }] },
            { question: 'Who?', is_impossible: true, answers: [] },
          ],
        };
      }),
    })),
  }),
);
const hotpot = join(folder, 'hotpot.json');
writeFileSync(
  hotpot,
  JSON.stringify(
    Array.from({ length: 5 }, (_, q) => ({
      question: `Which paint has house ${q * 4}?`,
      answer: `${colours[(q * 4) % 10] ?? ''}-${q * 4}`,
      context: Array.from({ length: 4 }, (_, d) => [`House ${q * 4 + d}`, [passage(q * 4 + d), ' It rains.']]),
    })),
  ),
);

async function itemsOf(task: RulerTaskName, settings: Partial<RulerTask> = {}) {
  const questions = task === 'qa_1' ? squad : task === 'qa_2' ? hotpot : null;
  const full = rulerTaskSchema.parse({
    ...{ kind: 'ruler', name: task, task, lengths: [2048], itemsPerCell: 3, questions },
    ...settings,
  });
  const items = new RulerItems(full, await readRulerSources(full), countItem);
  return rulerPlaces(full).map((place) => ({ place, ...items.item(place) }));
}

/** Answers from the text alone, by the rules that a reader would follow. */
function perfect(task: RulerTaskName, { input }: RulerItem): string {
  const last = (pattern: RegExp): string => [...input.matchAll(pattern)].at(-1)?.[1] ?? '';
  if (task.startsWith('niah_')) {
    const query = /\nWhat (?:is|are all) the special magic \w+ for (.+) mentioned in the provided text\?$/.exec(input);
    const keys = (query?.[1] ?? '').split(/, and |, /);
    return keys
      .flatMap((key) => [...input.matchAll(/special magic \w+ for (\S+) is: (\S+)\./g)].filter((hit) => hit[1] === key))
      .map((hit) => hit[2])
      .join(', ');
  }
  if (task === 'vt') {
    const value = last(/assigned the value (\d+) in the text above/g);
    const text = input.slice(input.lastIndexOf('Memorize and track'));
    const names = [...text.matchAll(/VAR (\w+) = (\d+)/g)].filter((hit) => hit[2] === value).map((hit) => hit[1] ?? '');
    for (const [, name = '', from = ''] of text.matchAll(/VAR (\w+) = VAR (\w+)/g)) {
      if (names.includes(from)) names.push(name);
    }
    return names.join(' ');
  }
  if (task === 'cwe') {
    return mostFrequent([...input.slice(input.lastIndexOf('Below is')).matchAll(/\d+\. (.+?)(?= \d+\. |\n)/g)], 10);
  }
  if (task === 'fwe') {
    const coded = input.slice(input.indexOf('coded words. ') + 13, input.lastIndexOf('\nQuestion'));
    return mostFrequent([...coded.matchAll(/([a-z]{6})/g)], 3);
  }
  const house = last(/Which paint has house (\d+)\?/g);
  return new RegExp(`number ${house} was painted (\\S+)`).exec(input)?.[1] ?? '';
}

function mostFrequent(hits: readonly RegExpMatchArray[], count: number): string {
  const counts = new Map<string, number>();
  for (const [, word = ''] of hits) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, count)
    .map(([word]) => word)
    .join(', ');
}

describe.each(rulerTaskNameSchema.options)('%s', (task) => {
  it('gives a perfect reader 100, one who does not read nearly 0, and everybody the same items', async () => {
    const made = await itemsOf(task);
    for (const { item } of made) {
      expect(stringMatch(perfect(task, item), item.outputs)).toBe(1);
      expect(item.outputs.length).toBeGreaterThan(0);
    }
    const blind = 'The special magic number is 1234567, the words are apple, stone, river, ABCDE and red.';
    const mean = made.reduce((sum, { item }) => sum + stringMatch(blind, item.outputs), 0) / made.length;
    expect(mean).toBeLessThan(0.05);
    expect(await itemsOf(task)).toEqual(made);
    expect(await itemsOf(task, { seed: 43 })).not.toEqual(made);
    expect(new Set(made.map(({ item }) => item.input)).size).toBe(made.length);
  });

  it('fits the length asked for and fills it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1800, max: 6000 }), fc.integer({ min: 0, max: 1e6 }), async (length, seed) => {
        const made = await itemsOf(task, { lengths: [length], seed, itemsPerCell: 2 });
        for (const { item, tokens } of made) {
          expect(tokens).toBe(countItem(item));
          expect(tokens + answerTokens(task)).toBeLessThanOrEqual(length);
          // RULER takes away its increment (500 words, 25 sentences, 10 words, 10 documents) until an item fits.
          expect(tokens + answerTokens(task)).toBeGreaterThan(length * 0.93);
        }
      }),
      { numRuns: 4 },
    );
  });

  it('says where the evidence stands', async () => {
    for (const { item } of await itemsOf(task)) {
      const places = item.evidence.map(([start, end]) => item.input.slice(start, end));
      if (task === 'cwe' || task === 'fwe') expect(places).toEqual([]);
      else for (const output of item.outputs) expect(places.some((text) => text.includes(output))).toBe(true);
    }
  });
});

it('puts needles where they are asked for, in every kind of haystack', async () => {
  for (const haystack of ['essay', 'noise', 'needle'] as const) {
    const made = await itemsOf('niah_single_1', { haystack, depths: [0, 0.25, 0.5, 1], lengths: [4000] });
    for (const { item, place } of made) {
      const [start] = item.evidence[0] ?? [0];
      expect(Math.abs(start / item.input.length - (place.depth ?? -1))).toBeLessThan(0.06);
    }
  }
});

it('makes haystacks of the documents that are named', async () => {
  const path = join(folder, 'own.txt');
  writeFileSync(path, 'The quokka sat by the door. It smiled at everyone who came in. Then it slept.');
  const [made] = await itemsOf('niah_single_2', { documents: [path] });
  expect(made?.item.input).toContain('The quokka sat by the door.');
  expect(made?.item.input).not.toContain('The grass is green.');
});

it('says what is missing or too short', async () => {
  const noFile = itemsOf('qa_1', { questions: null });
  await expect(noFile).rejects.toMatchObject({ code: 'invalid_input', place: { field: 'questions' } });
  await expect(itemsOf('cwe', { lengths: [300] })).rejects.toMatchObject({ place: { field: 'lengths' } });
  expect(rulerTaskSchema.safeParse({ kind: 'ruler', name: 'a', task: 'vt', lengths: [999], depths: [0] }).success).toBe(
    false,
  );
});
