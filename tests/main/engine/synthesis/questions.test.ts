import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNumberedQuestions, readQuestion } from '../../../../src/main/engine/synthesis/questions.ts';
import { instructionTemplates } from '../../../../src/shared/instruction-templates.ts';

const { paper, simple } = instructionTemplates;
const random = { seed: 1, key: 'd#0' };

describe('parseNumberedQuestions', () => {
  const expected = ['How?', 'Why so?', 'What if x: 3?', 'Who?'];
  it.each([
    ['colon', '1: How?\n2: Why so?\n3: What if x: 3?\n4: Who?'],
    ['full stop', '1. How?\n2. Why so?\n3. What if x: 3?\n4. Who?'],
    ['bracket', '1) How?\n2) Why so?\n3) What if x: 3?\n4) Who?'],
    ['bold number', '**1.** How?\n\n**2.** Why so?\n\n**3.** What if x: 3?\n\n**4.** Who?'],
    ['bold number, colon outside', '**1**: How?\n**2**: Why so?\n**3**: What if x: 3?\n**4**: Who?'],
    ['two brackets', '(1) How?\n(2) Why so?\n(3) What if x: 3?\n(4) Who?'],
    ['word', 'Question 1: How?\nQuestion 2: Why so?\nQuestion 3: What if x: 3?\nQ4: Who?'],
    ['bold line', '**1. How?**\n**2. Why so?**\n**3. What if x: 3?**\n**4. Who?**'],
    ['bullets, headings, indent', '- 1. How?\n## 2. Why so?\n   3. What if x: 3?\n> 4. Who?'],
    [
      'introduction and comment',
      'Here are 4 questions:\n\n1: How?\n2: Why so?\n3: What if x: 3?\n4: Who?\n\nI hope this helps!',
    ],
    ['lines that go on', '1:\nHow?\n2: Why\n   so?\n3: What if\nx: 3?\n4: Who?'],
    ['CRLF', '1: How?\r\n2: Why so?\r\n3: What if x: 3?\r\n4: Who?\r\n'],
  ])('%s', (_, output) => {
    expect(parseNumberedQuestions(output)).toEqual(expected);
  });

  it('takes a number inside a question for text', () => {
    expect(parseNumberedQuestions('1: Why in\n1984. Was it?\n2: How?')).toEqual(['Why in 1984. Was it?', 'How?']);
    expect(parseNumberedQuestions('In 1. place\n3: How?')).toEqual([]);
    expect(parseNumberedQuestions('')).toEqual([]);
  });

  it('reads back any list it is given (property)', () => {
    const question = fc.stringMatching(/^[A-Z][a-z]{1,8}( [a-z0-9:;,]{1,8}){0,8}\?$/);
    fc.assert(
      fc.property(fc.array(question, { minLength: 1, maxLength: 12 }), fc.constantFrom(':', '.', ')'), (list, mark) => {
        expect(parseNumberedQuestions(list.map((text, i) => `${i + 1}${mark} ${text}`).join('\n'))).toEqual(list);
      }),
    );
  });
});

describe('readQuestion', () => {
  const output = '1: A one?\n2: B two?\n3: C three?\n4: D four?';

  it('takes one of four at random, with a phrase before it, the same for a seed and key', () => {
    const read = (key: string): string => {
      const result = readQuestion(output, 'stop', paper, { seed: 1, key });
      return 'question' in result ? result.question : '';
    };
    const all = Array.from({ length: 400 }, (_, i) => read(`d#${i}`));
    expect(all).toEqual(Array.from({ length: 400 }, (_, i) => read(`d#${i}`)));
    const letters = all.map((question) => / ([ABCD]) \w+\?$/.exec(question)?.[1]);
    for (const letter of 'ABCD') expect(letters.filter((found) => found === letter).length).toBeGreaterThan(60);
    const phrases = new Set(all.map((question) => question.slice(0, question.indexOf(',') + 1)));
    expect([...phrases].sort()).toEqual([...paper.phrases].sort());
  });

  it.each([
    ['question_wrong_count', '1: A?\n2: B?\n3: C?', 'stop'],
    ['question_wrong_count', output + '\n5: E?', 'stop'],
    ['question_not_ended', output, 'length'],
    ['question_not_parsed', 'I cannot think of any.', 'stop'],
    ['question_empty', '1: A?\n2:\n3: C?\n4: D?', 'stop'],
  ] as const)('drops with %s', (dropped, text, finish) => {
    expect(readQuestion(text, finish, paper, random)).toEqual({ dropped });
  });

  it('uses what there is where not all are required, but never a question that was cut off', () => {
    const lenient = { ...paper, requireAll: false, phrases: [] };
    expect(readQuestion('1: A?\n2: B', 'length', lenient, random)).toEqual({ question: 'A?', candidates: ['A?'] });
    expect(readQuestion('1: A', 'length', lenient, random)).toEqual({ dropped: 'question_not_ended' });
  });

  it('takes the whole output as the question', () => {
    expect(readQuestion(' How?\n', 'stop', simple, random)).toEqual({ question: 'How?', candidates: ['How?'] });
    expect(readQuestion('How', 'length', simple, random)).toEqual({ dropped: 'question_not_ended' });
    expect(readQuestion(' ', 'stop', simple, random)).toEqual({ dropped: 'question_empty' });
  });
});
