import { expect, it } from 'vitest';
import { findEvidence } from '../../../../src/main/engine/evaluation/evidence.ts';

const text = 'Ida met Tom. The red ladder stood near the park. Later the RED  ladder fell. A scarred ladder stayed.';
const words = (found: ReturnType<typeof findEvidence>) => found.evidence.map(([start, end]) => text.slice(start, end));

it("finds the answer's words as whole words, whatever their case and spaces", () => {
  const found = findEvidence(text, { answer: 'red ladder.' });
  expect(found.found).toBe('words');
  expect(words(found)).toEqual(['red ladder', 'RED  ladder']);
});

it('of several places the one nearest to the stated depth counts', () => {
  expect(words(findEvidence(text, { answer: 'red ladder', depth: 0.7 }))).toEqual(['RED  ladder']);
});

it('falls back to the key word, then to the depth, then to nothing', () => {
  expect(words(findEvidence(text, { answer: 'It was Tom (sic)', key: 'Tom' }))).toEqual(['Tom']);
  const long = 'x '.repeat(1000);
  expect(findEvidence(long, { answer: 'nowhere', depth: 0.5 })).toEqual({ evidence: [[800, 1200]], found: 'depth' });
  expect(findEvidence(text, { answer: 'nowhere' })).toEqual({ evidence: [], found: 'none' });
  expect(findEvidence('', { answer: 'a', depth: 0.5 })).toEqual({ evidence: [], found: 'none' });
});
