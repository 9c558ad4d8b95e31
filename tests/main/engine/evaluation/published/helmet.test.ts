import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { numpyPermutation } from '../../../../../src/main/engine/evaluation/published/numpy-permutation.ts';
import { publishedDefinitions, readPublished } from '../../../../../src/main/engine/evaluation/published/read.ts';
import { publishedSetPath } from '../../../../../src/main/services/own-sets.ts';
import { publishedTaskSchema } from '../../../../../src/shared/evaluation-tasks.ts';
import type { PublishedFormName } from '../../../../../src/shared/published-forms.ts';
import { temporaryFolder } from '../../../services/fixtures.ts';

const places = z.array(z.array(z.int()));
/** What HELMET's program drew: for each item the rows that are its worked examples. */
const drawn = z
  .object({
    ...{ source: z.string(), permutations: z.array(z.tuple([z.int(), z.int(), z.array(z.int())])) },
    ...{ qa: places, choice: places, rag: places, popqa: z.object({ kept: z.array(z.int()), drawn: places }) },
  })
  .parse(
    JSON.parse(readFileSync(join(import.meta.dirname, '../../../../fixtures/evaluation/helmet-examples.json'), 'utf8')),
  );

async function promptsOf(form: PublishedFormName, more: object = {}): Promise<string[]> {
  const task = publishedTaskSchema.parse({
    ...{ kind: 'published', name: form, form, path: publishedSetPath(form), prompt: 'chat', ...more },
  });
  const prompts: string[] = [];
  for await (const { item } of readPublished(task)) prompts.push(Object.values(item.prompt).join(''));
  return prompts;
}

const linesOf = (path: string): Record<string, unknown>[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

function fileOf(rows: readonly object[]): string {
  const path = join(temporaryFolder(), 'rows.jsonl');
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
}

describe(`worked examples as drawn by ${drawn.source}`, () => {
  test.each(drawn.permutations)('numpy permutes with seed %i %i numbers', (seed, n, theirs) => {
    expect([...numpyPermutation(seed, n)]).toEqual(theirs);
  });

  test('QA: questions and answers about other stories of the file', async () => {
    const rows = linesOf(publishedSetPath('helmet/qa'));
    const texts = rows.map(({ input, answer }) => {
      const [first] = z.array(z.string()).parse([answer].flat());
      return `[story text]\nQuestion: ${String(input)}\nAnswer: ${first ?? ''}`;
    });
    const prompts = await promptsOf('helmet/qa');
    for (const [i, prompt] of prompts.entries()) {
      const lead = (drawn.qa[i] ?? []).map((at) => texts[at]).join('\n\n');
      expect(prompt).toContain(`possible.\n\nFor example:\n\n${lead}\n\nNow, read the following story:\n\n`);
      expect(prompt).toContain(`story:\n\n${String(rows[i]?.['context'])}\n\nQuestion:`);
    }
    // A limit on what is asked is none on what examples are drawn from.
    expect(await promptsOf('helmet/qa', { limit: 2 })).toEqual(prompts.slice(0, 2));
  });

  test('choice: with their options and the right letter', async () => {
    const rows = linesOf(publishedSetPath('helmet/choice'));
    const texts = rows.map(({ input, answer, options }) => {
      const four = z.array(z.string()).parse(options);
      const listed = four.map((option, i) => `${'ABCD'[i] ?? ''}. ${option}`).join('\n');
      const right = 'ABCD'[four.indexOf(String([answer].flat()[0]))] ?? '';
      return `[story text]\nQuestion: ${String(input)}\nOptions:\n${listed}\nAnswer: ${right}`;
    });
    for (const [i, prompt] of (await promptsOf('helmet/choice')).entries()) {
      const lead = (drawn.choice[i] ?? []).map((at) => texts[at]).join('\n\n');
      expect(prompt).toContain(`else.\n\nFor example:\n\n${lead}\n\nNow, read the following story:\n\n`);
    }
  });

  const passages = (row: Record<string, unknown> | undefined): string =>
    z
      .array(z.object({ title: z.string(), text: z.string() }))
      .parse(row?.['ctxs'])
      .map(({ title, text }) => `Document (Title: ${title}): ${text}`)
      .join('\n\n');
  const answered = (row: Record<string, unknown> | undefined): string =>
    `${passages(row)}\n\nQuestion: ${String(row?.['question'])}\nAnswer: ${String([row?.['answers']].flat(2)[0])}\n\n`;

  test('RAG: from a file of examples, no question twice', async () => {
    const rows = linesOf(publishedSetPath('helmet/rag'));
    const prompts = await promptsOf('helmet/rag', { examples: fileOf([...rows, ...rows]) });
    expect(prompts).toHaveLength(drawn.rag.length);
    for (const [i, prompt] of prompts.entries()) {
      const lead = (drawn.rag[i] ?? []).map((at) => answered(rows[at])).join('');
      expect(prompt).toContain(`[answer]\n\n${lead}${passages(rows[i])}\n\nQuestion: ${String(rows[i]?.['question'])}`);
    }
    // Without a file there are none.
    expect((await promptsOf('helmet/rag'))[0]).toContain(`[answer]\n\n${passages(rows[0])}\n\nQuestion: `);
  });

  test('PopQA: only questions about what few know, never the question itself', async () => {
    const rows = linesOf(publishedSetPath('helmet/rag')).map((row, i) => ({
      ...{ ...row, id: 100 + i, s_pop: 10 ** (1 + i * 0.25) },
    }));
    const path = fileOf(rows);
    const prompts = await promptsOf('helmet/rag', { path, examples: path });
    expect(prompts).toHaveLength(drawn.popqa.kept.length);
    for (const [i, prompt] of prompts.entries()) {
      const row: Record<string, unknown> | undefined = rows[drawn.popqa.kept[i] ?? -1];
      const lead = (drawn.popqa.drawn[i] ?? []).map((at) => answered(rows[at])).join('');
      expect(prompt).toContain(`[answer]\n\n${lead}${passages(row)}\n\nQuestion: ${String(row?.['question'])}`);
    }
  });

  test('only RAG has a file of examples', () => {
    expect(() =>
      publishedTaskSchema.parse({ kind: 'published', name: 'q', form: 'helmet/qa', path: 'q', examples: 'e' }),
    ).toThrow('helmet/rag');
  });
});

test('answers may be as long as in its configurations', () => {
  const lengths: Partial<Record<PublishedFormName, number>> = {
    ...{ 'helmet/rag': 20, 'helmet/json_kv': 100, 'helmet/icl': 20, 'helmet/qa': 10, 'helmet/choice': 10 },
    ...{
      'helmet/ruler_niah': 50,
      'helmet/ruler_niah_mk_3': 100,
      'helmet/ruler_niah_mv': 50,
      'helmet/ruler_niah_mq': 100,
    },
  };
  for (const [form, most] of Object.entries(lengths))
    expect([form, publishedDefinitions[form as PublishedFormName].maxNewTokens]).toEqual([form, most]);
});

test('a question without passages is asked', async () => {
  const path = fileOf([{ question: 'Who?', answers: ['Ada'], ctxs: [] }]);
  expect(await promptsOf('helmet/rag', { path })).toEqual([
    'Use the given documents to write a concise and short answer to the question. Write your answer in the following format:\nAnswer: [answer]\n\n\n\nQuestion: Who?',
  ]);
});
