import { expect, test } from 'vitest';
import { formatContextLength } from '../../src/renderer/components/format.ts';

test.each([
  [512, '512'],
  [1024, '1K'],
  [131_072, '128K'],
  [262_144, '256K'],
  [1_048_576, '1M'],
  [1_000_000, '1M'],
  [131_000, '131K'],
  [1_310_720, '1280K'],
])('%d tokens: %s', (tokens, name) => {
  expect(formatContextLength(tokens)).toBe(name);
});
