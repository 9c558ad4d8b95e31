import { expect, test } from 'vitest';
import { z } from 'zod';
import { parseInput } from '../../src/shared/parse.ts';

const schema = z.strictObject({
  count: z.int().min(1).max(9),
  share: z.number().gt(0).lt(1),
  name: z.string().trim().min(2),
  own: z.string().min(3, 'name a file'),
  list: z.array(z.number()).min(1),
  deep: z.strictObject({ flag: z.boolean() }),
});
const good = { count: 2, share: 0.5, name: 'ab', own: 'abc', list: [1], deep: { flag: true } };

test.each([
  [{ count: 0 }, 'count: must be at least 1.'],
  [{ count: 10 }, 'count: must be at most 9.'],
  [{ share: 0 }, 'share: must be more than 0.'],
  [{ share: 1 }, 'share: must be less than 1.'],
  [{ count: 'x' }, 'count: must be a number.'],
  [{ count: 1.5 }, 'count: must be a whole number.'],
  [{ name: ' a ' }, 'name: must have at least 2 characters.'],
  [{ own: '' }, 'own: name a file.'],
  [{ list: [] }, 'list: must have at least 1 entries.'],
  [{ list: undefined }, 'list: is missing.'],
  [{ deep: { flag: 1 } }, 'deep.flag: must be true or false.'],
  [{ deep: {} }, 'deep.flag: is missing.'],
  [{ more: 1 }, 'more: there is no such field.'],
])('%j is refused in plain words', (change, said) => {
  expect(() => parseInput(schema, { ...good, ...change }, 'Input')).toThrow(`Input, field ${said}`);
});
