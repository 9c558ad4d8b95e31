import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askAboutContexts, harbourAnswers } from '../../../../src/main/engine/evaluation/ask-valid.ts';
import { answerQuestions, isCorrect, scoreAnswers } from '../../../../src/main/engine/evaluation/question-scoring.ts';
import type { QuestionOptions } from '../../../../src/main/engine/evaluation/question-scoring.ts';
import { readQuestionSet } from '../../../../src/main/engine/evaluation/question-set.ts';
import type { PromptCodec } from '../../../../src/main/engine/generation/prompt-codec.ts';
import { instructionTemplates } from '../../../../src/shared/instruction-templates.ts';
import { NgramRunner, demoCodec, demoFile, stateOf } from '../generation/ngram-runner.ts';

let folder: string;
let codec: PromptCodec;
let runner: NgramRunner;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'questions-'));
  codec = await demoCodec();
  runner = new NgramRunner(codec, 866);
});
afterAll(async () => rm(folder, { recursive: true }));

const batch = { maxSequences: 16, maxTokens: 4096 };
const options: QuestionOptions = { rule: 'exact', separator: '\n', maxNewTokens: 14, batch };

describe('readQuestionSet', () => {
  it.each([
    ['short', 512],
    ['long', 512],
    ['closed', 96],
  ])('reads the demo set %s', async (name, count) => {
    const items = await readQuestionSet(demoFile('documents/eval', `${name}.jsonl`));
    expect(items.length).toBe(count);
    expect(items.every((item) => item.key !== undefined && item.answer.includes(item.key))).toBe(true);
    expect(items.every((item) => (name === 'closed') === (item.context === ''))).toBe(true);
  });

  it.each([
    ['{"context":"c","question":"q","answer":"a"}\n\n{"question":"q"}', 'line 3, field answer'],
    ['{"question":"q","answer":"a","depth":2}', 'line 1, field depth'],
    ['{"question":"q",', 'line 1'],
    ['\n', 'no questions'],
  ])('names file, line and field of %j', async (content, problem) => {
    const path = join(folder, 'set.jsonl');
    await writeFile(path, content);
    const error: unknown = await readQuestionSet(path).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'invalid_input', place: { file: path } });
    expect((error as Error).message).toContain(problem);
    expect((error as Error).message).toContain(path);
  });
});

describe('isCorrect', () => {
  const stop = (text: string) => ({ text, finish: 'stop' as const });
  it('follows the rule', () => {
    expect(isCorrect(stop('Ida slept.'), 'Ida slept.', 'exact')).toBe(true);
    expect(isCorrect({ text: 'Ida slept.', finish: 'length' }, 'Ida slept.', 'exact')).toBe(false);
    expect(isCorrect(stop(' Ida slept.'), 'Ida slept.', 'exact')).toBe(false);
    expect(isCorrect(stop(' the Heron  slept'), 'A heron slept.', 'normalised')).toBe(true);
    expect(isCorrect(stop('A heron sang.'), 'A heron slept.', 'normalised')).toBe(false);
    expect(isCorrect({ text: 'It is 4711, and', finish: 'length' }, '4711', 'contains')).toBe(true);
  });
});

describe('answerQuestions', () => {
  it('gives each item the answer it gets alone, in order, with a verdict', async () => {
    const items = (await readQuestionSet(demoFile('documents/eval/short.jsonl'))).slice(0, 40);
    const generator = { runner, codec, state: stateOf(512) };
    const seen: number[] = [];
    const answers = await answerQuestions(generator, items, { ...options, onProgress: (done) => seen.push(done) });
    for (const [i, item] of items.entries()) {
      const [alone] = await answerQuestions(generator, [item], options);
      expect(answers[i]).toEqual({ ...alone, index: i });
      expect(answers[i]?.correct).toBe(answers[i]?.answer === item.answer && answers[i].finish === 'stop');
    }
    expect(seen).toEqual([16, 32, 40]);
    expect(scoreAnswers(items, answers).accuracy.n).toBe(40);
  });

  it('asks nothing that exceeds the positions, and says so', async () => {
    const items = [
      { context: 'Ida slept. '.repeat(60), question: 'Who?', answer: 'Ida' },
      { context: '', question: 'What does Brackford sell?', answer: 'Brackford sells flour.' },
    ];
    const answers = await answerQuestions({ runner, codec, state: stateOf(64) }, items, options);
    expect(answers.map((answer) => answer.finish === 'too_long')).toEqual([true, false]);
    expect(scoreAnswers([{}, {}], answers)).toMatchObject({ tooLong: 1, accuracy: { n: 1 }, byDepth: null });
  });
});

it('scoreAnswers splits by quarters of the depth', () => {
  const items = [0, 0.2, 0.25, 0.6, 0.75, 1].map((depth) => ({ depth }));
  const answers = [true, false, true, true, false, true].map((correct, index) => ({
    ...{ index, correct, answer: '', finish: 'stop' as const, promptTokens: 1 },
  }));
  const { byDepth, accuracy } = scoreAnswers(items, answers);
  expect(byDepth?.map(({ value, n }) => [value, n])).toEqual([
    [0.5, 2],
    [1, 1],
    [1, 1],
    [0.5, 2],
  ]);
  expect(accuracy.value).toBeCloseTo(4 / 6);
});

describe('askAboutContexts', () => {
  it('counts questions that the context answers', async () => {
    const items = (await readQuestionSet(demoFile('documents/eval/short.jsonl'))).slice(0, 30);
    const contexts = items.map((item) => item.context);
    const result = await askAboutContexts({ runner, codec, state: stateOf(512) }, contexts, {
      ...{ maxNewTokens: 10, temperature: 0.7, topP: 0.9, topK: 0, seed: 0, batch },
      template: instructionTemplates.demo,
      isAnswered: harbourAnswers,
    });
    for (const { output, valid, index } of result.questions) {
      const [, owner, animal] = /did (\w+)'s (\w+) do/.exec(output) ?? [];
      expect(valid).toBe(output.endsWith('do?') && contexts[index]?.includes(`${owner}'s ${animal} `) === true);
    }
    expect(result.share.n).toBe(30);
    expect(result.share.value).toBe(result.questions.filter((question) => question.valid).length / 30);
  });

  it('harbourAnswers wants the whole form and the fact', () => {
    const context = "It rained. Mara's heron slept. Tom's cat sang.";
    expect(harbourAnswers("What did Mara's heron do?", context)).toBe(true);
    expect(harbourAnswers("What did Mara's cat do?", context)).toBe(false);
    expect(harbourAnswers("What did Mara's heron do? Yes", context)).toBe(false);
    expect(harbourAnswers("What did ara's heron do?", context)).toBe(false);
  });
});
