import { expect, test } from 'vitest';
import { parseRunConfig } from '../../src/shared/run-config.ts';
import { settingsOf, settingsSideBySide } from '../../src/shared/settings-of.ts';

test('settings are named by their path and shown as text', () => {
  expect(settingsOf({ a: { b: [1, 'x'], c: null }, d: false })).toEqual([
    ['a.b', '1, x'],
    ['a.c', 'none'],
    ['d', 'false'],
  ]);
});

test('side by side, what only one has differs', () => {
  const rows = settingsSideBySide([
    parseRunConfig({ trainable: { kind: 'lora' } }),
    parseRunConfig({ learningRate: 1e-5 }),
  ]);
  const differing = rows.filter((row) => row.differs).map(({ path }) => path);
  expect(differing).toEqual([
    'learningRate',
    'trainable.kind',
    ...['rank', 'alpha', 'rslora', 'targets'].map((name) => `trainable.${name}`),
  ]);
  expect(rows.find(({ path }) => path === 'trainable.rank')?.values).toEqual(['16', undefined]);
});
