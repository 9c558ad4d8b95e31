import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';

// Longhand is Apache-2.0; what it is made of must ask for no more than that its notices are kept.
const lockSchema = z.object({
  packages: z.record(z.string(), z.looseObject({ license: z.string().optional(), dev: z.boolean().optional() })),
});
const { packages } = lockSchema.parse(
  JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')),
);

const permissive = ['MIT', 'ISC', 'Apache-2.0', 'BSD', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0', 'Zlib', 'CC0-1.0', 'Python-2.0', 'WTFPL', 'OFL-1.1']; // prettier-ignore

/** Tools and data of the build and the tests that are never part of what is shipped, with their own terms. */
const onlyForDevelopment: Readonly<Record<string, string>> = {
  'axe-core': 'MPL-2.0',
  lightningcss: 'MPL-2.0',
  'caniuse-lite': 'CC-BY-4.0',
};

/** True where an SPDX expression of names, AND, OR and one level of brackets leaves a choice that is permissive. */
function isPermissive(expression: string): boolean {
  const bare = expression.replaceAll(/[()]/g, '');
  return bare.split(' OR ').some((choice) => choice.split(' AND ').every((name) => permissive.includes(name)));
}

test('every package has a permissive licence, or is a tool that is named here', () => {
  const entries = Object.entries(packages).filter(([path]) => path !== '');
  expect(entries.length).toBeGreaterThan(100);
  const others = entries.flatMap(([path, { license = 'none stated', dev = false }]) => {
    const name = path.replace(/^.*node_modules\//, '');
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
