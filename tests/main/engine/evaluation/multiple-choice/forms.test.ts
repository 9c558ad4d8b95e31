import { expect, it } from 'vitest';
import { choiceForms, leadOf } from '../../../../../src/main/engine/evaluation/multiple-choice/forms.ts';

const mmlu = (question: string, subject = 'high_school_physics', answer: unknown = 2) =>
  choiceForms.mmlu.parse({ question, subject, choices: ['w', 'x', 'y', 'z'], answer });

it('puts MMLU as published, with worked examples of the same subject', () => {
  const item = mmlu(' What is it? ');
  expect(item.requests[2]).toEqual({
    context: 'What is it?\nA. w\nB. x\nC. y\nD. z\nAnswer:',
    continuation: ' C',
  });
  const lead = leadOf(
    item,
    [mmlu('One?'), mmlu('Other?', 'law'), item, mmlu('Two?', undefined, 'D'), mmlu('Three?')],
    2,
  );
  expect(lead).toBe(
    'The following are multiple choice questions (with answers) about high school physics.\n\n' +
      'One?\nA. w\nB. x\nC. y\nD. z\nAnswer: C\n\nTwo?\nA. w\nB. x\nC. y\nD. z\nAnswer: D\n\n',
  );
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
