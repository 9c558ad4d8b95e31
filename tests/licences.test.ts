import { expect, test } from 'vitest';
import { lockedPackages, nameOf } from '../scripts/notices.ts';
import { isPermissive } from './permissive.ts';

// Longhand is Apache-2.0; what it is made of must ask for no more than that its notices are kept.
const packages = lockedPackages();

/** Tools and data of the build and the tests that are never part of what is shipped, with their own terms. */
const onlyForDevelopment: Readonly<Record<string, string>> = {
  'axe-core': 'MPL-2.0',
  lightningcss: 'MPL-2.0',
  'caniuse-lite': 'CC-BY-4.0',
};

test('every package has a permissive licence, or is a tool that is named here', () => {
  const entries = Object.entries(packages);
  expect(entries.length).toBeGreaterThan(100);
  const others = entries.flatMap(([path, { license = 'none stated', dev = false }]) => {
    const name = nameOf(path);
    // Platform packages carry their tool's name: lightningcss-linux-x64-gnu.
    const tool = Object.keys(onlyForDevelopment).find((known) => name === known || name.startsWith(`${known}-`));
    const known = dev && tool !== undefined && onlyForDevelopment[tool] === license;
    return isPermissive(license) || known ? [] : [`${name}: ${license}`];
  });
  expect(others).toEqual([]);
});

test.each([
  ['(MIT OR GPL-3.0-or-later)', true],
  ['(MIT AND Zlib)', true],
  ['MIT AND GPL-2.0-only', false],
  ['GPL-3.0-or-later', false],
  ['none stated', false],
])('%s: %s', (expression, answer) => expect(isPermissive(expression)).toBe(answer));
