import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { estimateTasks, planEvaluation, timeBy } from '../../../src/main/services/evaluation-times.ts';
import { evaluate, resumeEvaluations } from '../../../src/main/services/evaluations.ts';
import { machineOf } from '../../../src/main/services/machine.ts';
import { choiceSetPaths, judgedSetPaths, publishedSetPath } from '../../../src/main/services/own-sets.ts';
import type { TaskSize } from '../../../src/shared/api/evaluations.ts';
import { evaluationTaskSchema } from '../../../src/shared/evaluation-tasks.ts';
import type { EvaluationTaskInput } from '../../../src/shared/evaluation-tasks.ts';
import type { EarlierEffort } from '../../../src/shared/evaluations.ts';
import { demoModel, demoQuestions, open, temporaryFolder } from './fixtures.ts';

const execution = { threads: 1 };
const source = { kind: 'base' as const, modelDir: demoModel };
const question = (name: string, limit: number): EvaluationTaskInput => ({
  ...{ kind: 'questions', name, path: demoQuestions(name), separator: '\n', maxNewTokens: 14, limit },
});
const size = (items: number, read: number, written: number): TaskSize => ({
  ...{ items, read, written, bound: 'about', tooLong: 0 },
});
const whole = (task: EvaluationTaskInput) => evaluationTaskSchema.parse(task);
const before = (task: EvaluationTaskInput, rest: Partial<EarlierEffort> = {}): EarlierEffort => ({
  ...{ id: 1, setSha256: '', machine: 'm', seconds: 10, items: 100, read: 40_000, written: 500 },
  ...{ task: whole(task), ...rest },
});

test('time grows with what is read and written, between the smaller and the larger ratio', () => {
  const [short, long] = [whole(question('short', 1)), whole(question('long', 1))];
  // The same questions, twice as many: answers as long as then.
  expect(timeBy([before(question('long', 1))], long, size(200, 80_000, 2_800))).toEqual({
    ...{ low: 20, high: 20, evaluationId: 1 },
  });
  // Other questions of half the length: up to 14 tokens an answer, where five were written.
  expect(timeBy([before(question('long', 1))], short, size(100, 20_000, 1_400))).toEqual({
    ...{ low: 5, high: 28, evaluationId: 1 },
  });
  // Answers may be cut shorter than they were.
  expect(timeBy([before(question('long', 1))], short, size(100, 40_000, 100))?.low).toBe(2);
});

test('nothing is said by what is unlike: other work, another length, a much smaller set, an unknown size', () => {
  const long = whole(question('long', 1));
  const asked = size(100, 40_000, 1_400);
  const text: EvaluationTaskInput = { kind: 'text', name: 'text', path: 'a.jsonl' };
  expect(timeBy([], long, asked)).toBeNull();
  expect(timeBy([before(text, { written: 0 })], long, asked)).toBeNull();
  expect(timeBy([before(question('long', 1), { items: 10 })], long, asked)).toBeNull();
  expect(timeBy([before(question('long', 1), { items: 4, read: 1_600 })], long, asked)).toBeNull();
  expect(timeBy([before(question('long', 1))], long, { ...asked, read: null })).toBeNull();
  expect(timeBy([before(question('long', 1))], long, { ...asked, items: 0, read: 0 })).toBeNull();
  const judged = (judge: string): EvaluationTaskInput => ({
    ...{ kind: 'judged', name: 'j', form: 'mt_bench', path: 'q.jsonl', judge },
  });
  expect(timeBy([before(judged('/a'))], whole(judged('/b')), asked)).toBeNull();
  expect(timeBy([before(judged('/a'))], whole(judged('/a')), asked)).not.toBeNull();
});

test('the closest of several is taken, the newest of equals', () => {
  const long = whole(question('long', 1));
  const earlier = [
    before(question('long', 1), { id: 1, seconds: 1, items: 10, read: 4_000, written: 50 }),
    before(question('long', 1), { id: 2, seconds: 11 }),
    before(question('long', 1), { id: 3, seconds: 12 }),
    before(question('short', 1), { id: 4, seconds: 99 }),
  ];
  expect(timeBy(earlier, long, size(100, 40_000, 1_400))).toEqual({ low: 12, high: 12, evaluationId: 3 });
});

const tasks: EvaluationTaskInput[] = [
  question('long', 40),
  { kind: 'ask', name: 'ask', path: demoQuestions('short'), limit: 24 },
  { kind: 'text', name: 'text', path: demoQuestions('long'), limit: 24 },
  { kind: 'multiple_choice', name: 'choices', form: 'arc', ...choiceSetPaths('arc'), fewShot: 2, limit: 24 },
  {
    ...{ kind: 'published', name: 'published', form: 'longbench/hotpotqa' },
    ...{ path: publishedSetPath('longbench/hotpotqa'), maxTokens: 400, maxNewTokens: 8, limit: 6 },
  },
  { kind: 'ruler', name: 'needle', task: 'niah_single_1', lengths: [800], itemsPerCell: 4, prompt: 'plain' },
];

test('what is told before is what is read, and the same evaluation again takes about as long as it took', async () => {
  const context = open();
  const request = { source, tasks, execution };
  const planned = await planEvaluation(context, request);
  expect(planned.map(({ time }) => time)).toEqual(tasks.map(() => null));
  expect(context.workspace.evaluations.count()).toBe(0);

  const outcomes = await evaluate(context, request);
  const machine = await machineOf({ device: 'cpu', threads: 1 });
  const efforts = context.workspace.evaluations.efforts(outcomes[0]?.row.modelFingerprint ?? '', machine);
  expect(efforts.map(({ items }) => items)).toEqual(planned.map(({ size: { items } }) => items));
  for (const [i, { task, size: told }] of planned.entries()) {
    const { read = 0, written = 0 } = efforts[i] ?? {};
    expect(Math.abs((told.read ?? 0) / read - 1), `${task.name}: ${told.read} told, ${read} read`).toBeLessThan(0.1);
    if (told.bound === 'most') expect(read).toBeLessThanOrEqual(told.read ?? 0);
    expect(written).toBeLessThanOrEqual(told.written ?? 0);
    expect(written > 0).toBe(told.written !== 0);
  }

  const again = await planEvaluation(context, request);
  for (const [i, { time }] of again.entries()) {
    const { id = 0, seconds = 0 } = efforts[i] ?? {};
    expect(time?.evaluationId).toBe(id);
    expect(time?.low).toBeGreaterThan(0.85 * seconds);
    expect(time?.high).toBeLessThan(1.15 * seconds);
  }
  // Another precision, number of threads or model was not measured.
  for (const other of [{ threads: 2 }, { threads: 1, baseBits: '4' as const }]) {
    const estimates = await estimateTasks(context, { source, execution: other }, again);
    expect(estimates.map(({ time }) => time)).toEqual(tasks.map(() => null));
  }
}, 120_000);

test('what is too long is not counted, what is cut counts as far as it is read, a full answer leaves no room', async () => {
  const context = open();
  const path = join(temporaryFolder(), 'set.jsonl');
  const lines = ['heron '.repeat(3000), 'A heron slept.'].map((text) => ({
    context: text,
    question: 'Who?',
    answer: 'It',
  }));
  writeFileSync(path, lines.map((line) => JSON.stringify(line)).join('\n'));
  const [asked, texts] = await planEvaluation(context, {
    source,
    tasks: [
      { kind: 'questions', name: 'asked', path, maxNewTokens: 10 },
      { kind: 'text', name: 'texts', path },
    ],
  });
  expect(asked?.size).toMatchObject({ items: 2, written: 10, tooLong: 1 });
  expect(asked?.size.read).toBeLessThan(100);
  expect(texts?.size).toMatchObject({ items: 2, written: 0, tooLong: 0 });
  expect(texts?.size.read).toBeGreaterThan(1024);
  expect(texts?.size.read).toBeLessThan(1024 + 100);
  const judged: EvaluationTaskInput = {
    ...{ kind: 'judged', name: 'chat', form: 'mt_bench', ...judgedSetPaths('mt_bench'), judge: demoModel },
  };
  await expect(planEvaluation(context, { source, tasks: [judged] })).rejects.toThrow('leaves no room');
  const [chat] = await planEvaluation(context, { source, tasks: [{ ...judged, maxNewTokens: 8, limit: 4 }] });
  expect(chat?.size).toMatchObject({ items: 8, written: 64 });
});

test('an evaluation that was stopped and resumed says nothing of the whole', async () => {
  const context = open();
  const stop = new AbortController();
  const running = evaluate(
    context,
    { source, tasks: [question('long', 160)], execution },
    { signal: stop.signal, onProgress: ({ phase, done }) => void (phase === 'long' && done > 0 && stop.abort()) },
  );
  await expect(running).rejects.toMatchObject({ code: 'cancelled' });
  expect((await resumeEvaluations(context, [1]))[0]?.row.status).toBe('finished');
  const [planned] = await planEvaluation(context, { source, tasks: [question('long', 160)], execution });
  expect(planned?.time).toBeNull();
});
