import { describe, expect, it } from 'vitest';
import { filterPair, repetitionRatio } from '../../../../src/main/engine/synthesis/filters.ts';
import type { FilterSubject } from '../../../../src/main/engine/synthesis/filters.ts';
import { isRefusal } from '../../../../src/main/engine/synthesis/refusals.ts';
import { pairFilterIds } from '../../../../src/shared/pair-filters.ts';
import { parseSynthesisConfig } from '../../../../src/shared/synthesis-config.ts';

const { filters, thresholds } = parseSynthesisConfig({});
const good: FilterSubject = {
  chunk: 'The river was opened on Monday.',
  question: 'When was the river opened?',
  chosen: 'The river was opened on Monday.',
  rejected: 'The river was opened on Friday.',
  chosenFinish: 'stop',
  rejectedFinish: 'stop',
  questionTokens: 6,
  chosenTokens: 7,
  shortTokens: 40,
};
const twenty = 'one two three four five six seven eight nine ten '.repeat(2);

describe('filterPair', () => {
  it('keeps a good pair without marks', () => {
    expect(filterPair(good, filters, thresholds)).toEqual({ drop: [], flags: [] });
  });

  it.each([
    ['empty_answer', { rejected: ' \n' }],
    ['not_ended', { chosenFinish: 'length' }],
    ['not_ended', { rejectedFinish: 'length' }],
    ['refusal', { rejected: 'I’m sorry, but I can’t assist with the river.' }],
    ['repetition', { chosen: `${twenty} a b` }], // 20 of 22 words repeat: 0.909 > 0.90
    ['repetition', { rejected: `${twenty} a` }], // 20 of 21: 0.952 > 0.95
    ['few_words', { chosen: 'On Monday.' }],
    ['question_too_short', { questionTokens: 2 }],
    ['chosen_too_short', { chosenTokens: 0 }],
    ['short_too_long', { shortTokens: 32769 }],
  ] as const)('%s', (id, change) => {
    expect(filterPair({ ...good, ...change }, filters, thresholds).drop).toContain(id);
    expect(filterPair({ ...good, ...change }, { ...filters, [id]: 'off' }, thresholds).drop).not.toContain(id);
    expect(filterPair({ ...good, ...change }, { ...filters, [id]: 'flag' }, thresholds).flags).toContain(id);
  });

  it('stays on the good side of each bound', () => {
    const edge = { chosen: `${twenty} a b c`, rejected: `${twenty} a b`, shortTokens: 32768, questionTokens: 3 };
    expect(filterPair({ ...good, ...edge }, filters, thresholds).drop).toEqual([]);
  });

  it('marks identical answers and keeps them', () => {
    expect(filterPair({ ...good, rejected: good.chosen }, filters, thresholds)).toEqual({
      drop: [],
      flags: ['identical'],
    });
  });

  it('looks for the answer in the chunk only where asked to', () => {
    const on = { ...filters, not_in_chunk: 'drop' as const };
    expect(filterPair(good, on, thresholds).drop).toEqual([]);
    expect(filterPair({ ...good, chosen: 'It was opened on Monday.' }, on, thresholds).drop).toEqual(['not_in_chunk']);
  });

  it('has one mode for each filter', () => {
    expect(Object.keys(filters).sort()).toEqual([...pairFilterIds].sort());
  });
});

it('repetitionRatio counts every occurrence of a repeated word, without case and punctuation', () => {
  expect(repetitionRatio('The cat, the CAT: sat.')).toBe(0.8);
  expect(repetitionRatio('!?')).toBe(0);
});

it('a text about ability is no refusal', () => {
  expect(isRefusal('She was unable to sleep, and he cannot answer either.')).toBe(false);
  expect(isRefusal('As an AI language model, I have no view.')).toBe(true);
});
