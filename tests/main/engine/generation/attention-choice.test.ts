import { expect, test } from 'vitest';
import { isFasterTogether } from '../../../../src/main/engine/generation/attention-choice.ts';
import { pageLayout } from '../../../../src/main/engine/generation/page-table.ts';

const mistral = { numHeads: 32, numKvHeads: 8, headDim: 128 };
const choose = (prefix: number, own: number, batch: number): boolean =>
  isFasterTogether(pageLayout(prefix, own, batch), batch, mistral);

test.each([
  // Milliseconds a token on an H100, 32 layers: apart and together.
  { prefix: 32_768, batch: 4, apart: 25.3, together: 12 },
  { prefix: 32_768, batch: 16, apart: 67.1, together: 23.7 },
  { prefix: 32_768, batch: 1, apart: 12.3, together: 11 },
  // Four layers.
  { prefix: 4096, batch: 1, apart: 1.41, together: 1.73 },
  { prefix: 4096, batch: 16, apart: 2.3, together: 1.86 },
])('what was measured to be faster is chosen: $batch behind $prefix', ({ prefix, batch, apart, together }) => {
  expect(choose(prefix, 112, batch)).toBe(together < apart);
});

test('sequences that share nothing are attended to apart, however many there are', () => {
  for (const batch of [1, 2, 4, 8, 16, 64]) expect(choose(0, 2500, batch)).toBe(false);
  expect(choose(300, 2500, 64)).toBe(false);
});

test('many questions behind one long document are attended to together, also with few heads of keys', () => {
  expect(choose(100_000, 300, 8)).toBe(true);
  const small = { numHeads: 9, numKvHeads: 3, headDim: 64 };
  expect(isFasterTogether(pageLayout(32_768, 200, 16), 16, small)).toBe(true);
  expect(isFasterTogether(pageLayout(4096, 200, 1), 1, small)).toBe(false);
});
