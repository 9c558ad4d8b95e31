import { expect, it } from 'vitest';
import { choiceForms, examplesFor, leadOf } from '../../../../../src/main/engine/evaluation/multiple-choice/forms.ts';

const mmlu = (question: string, subject = 'high_school_physics', answer: unknown = 2) =>
  choiceForms.mmlu.parse({ question, subject, choices: ['w', 'x', 'y', 'z'], answer });

it('puts MMLU as published, with worked examples of the same subject', () => {
  const item = mmlu(' What is it? ');
  expect(item.requests[2]).toEqual({
    context: 'What is it?\nA. w\nB. x\nC. y\nD. z\nAnswer:',
    continuation: ' C',
  });
  const pool = [
    mmlu('One?'),
    mmlu('Other?', 'law'),
    mmlu(' What is it? '),
    mmlu('Two?', undefined, 'D'),
    mmlu('Three?'),
  ];
  const options = 'A. w\nB. x\nC. y\nD. z\nAnswer:';
  const description = 'The following are multiple choice questions (with answers) about high school physics.\n\n';
  // Of the question's own file all rows but the question itself.
  expect(leadOf(item, examplesFor(item, pool, { count: 2, ownFile: true }))).toBe(
    `${description}One?\n${options} C\n\nTwo?\n${options} D\n\n`,
  );
  // Of another file the first ones, whatever they ask.
  expect(leadOf(item, examplesFor(item, pool, { count: 2, ownFile: false }))).toBe(
    `${description}One?\n${options} C\n\nWhat is it?\n${options} C\n\n`,
  );
  expect(leadOf(item, [])).toBe(description);
});

it('takes an example of the same text with other choices', () => {
  const arc = (wrong: string) =>
    choiceForms.arc.parse({ question: 'Why?', choices: { text: ['so', wrong], label: ['A', 'B'] }, answerKey: 'A' });
  expect(examplesFor(arc('not'), [arc('no'), arc('not')], { count: 2, ownFile: true })).toEqual([arc('no')]);
});

it('puts ARC as published, with digits as labels too', () => {
  const item = choiceForms.arc.parse({
    ...{ question: 'Why?', choices: { text: ['so', 'not so'], label: ['1', '2'] }, answerKey: '2' },
  });
  expect(item.requests).toEqual([
    { context: 'Question: Why?\nAnswer:', continuation: ' so' },
    { context: 'Question: Why?\nAnswer:', continuation: ' not so' },
  ]);
  expect([item.gold, item.example]).toEqual([1, 'Question: Why?\nAnswer: not so']);
});

it("cleans HellaSwag of WikiHow's marks and capitalises as Python does", () => {
  const item = choiceForms.hellaswag.parse({
    ...{ activity_label: 'Baking', ctx_a: 'Take it. [header]', ctx_b: 'then HE [title] stirs' },
    ...{ endings: ['[step] well.', ' it  is done.'], label: '1' },
  });
  expect(item.requests[0]?.context).toBe('Baking: Take it. Then he. stirs');
  expect(item.choices).toEqual([' well.', 'it is done.']);
});

it('scores the rest of a Winogrande sentence after each option', () => {
  const item = choiceForms.winogrande.parse({
    sentence: 'Ann met Eve, and _ left.',
    option1: 'Ann',
    option2: 'Eve',
    answer: '2',
  });
  expect(item.requests).toEqual([
    { context: 'Ann met Eve, and Ann', continuation: ' left.' },
    { context: 'Ann met Eve, and Eve', continuation: ' left.' },
  ]);
  expect([item.gold, item.example]).toEqual([1, 'Ann met Eve, and Eve left.']);
});

it('refuses rows whose answer is none of the choices', () => {
  expect(choiceForms.mmlu.safeParse({ question: 'a', choices: ['a', 'b', 'c', 'd'], answer: 4 }).success).toBe(false);
  expect(
    choiceForms.winogrande.safeParse({ sentence: 'no gap', option1: 'a', option2: 'b', answer: '1' }).success,
  ).toBe(false);
  const arc = { question: 'Why?', choices: { text: ['a', 'b'], label: ['A', 'B'] }, answerKey: 'C' };
  expect(choiceForms.arc.safeParse(arc).success).toBe(false);
});
