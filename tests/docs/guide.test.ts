import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { makeProgram } from '../../src/main/cli/program.ts';

const root = join(import.meta.dirname, '..', '..');
const guide = join(root, 'docs', 'guide');
const pages = readdirSync(guide).filter((name) => name.endsWith('.md'));
const documents = [
  ...pages.map((name) => join('docs', 'guide', name)),
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
];
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');
const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Readonly<Record<string, string>> };

/** Lines of the shell examples, without comments, one command each. */
function commandsOf(text: string): string[] {
  return [...text.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = '']) =>
    block.split(/\n|&&/).map((line) => line.replace(/ +#.*$/, '').trim()),
  );
}

/** Why a line that calls `longhand` could not be typed, or undefined. */
function faultOf(words: readonly string[]): string | undefined {
  let command: Command = makeProgram();
  const rest = [...words];
  for (let next: Command | undefined = command; next !== undefined;) {
    next = command.commands.find((child) => child.name() === rest[0]);
    if (next === undefined) break;
    command = next;
    rest.shift();
  }
  if (command.parent === null) return `no command ${rest[0] ?? ''}`;
  const known = [...command.options, ...command.parent.options].map(({ long }) => long);
  const unknown = rest
    .filter((word) => word.startsWith('--'))
    .map((word) => word.split('=')[0])
    .find((flag) => flag !== '--help' && flag !== '--debug' && !known.includes(flag));
  return unknown === undefined ? undefined : `${command.name()} has no ${unknown}`;
}

describe.each(documents)('%s', (file) => {
  const text = textOf(file);

  test('links and images lead to files that exist', () => {
    const targets = [...text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => target);
    const missing = targets
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !existsSync(join(root, dirname(file), target)));
    expect(missing).toEqual([]);
  });

  test('every command in an example is real, with its flags', () => {
    const faults = commandsOf(text).flatMap((line) => {
      const words = line.replace(/^npx /, '').split(/\s+/);
      if (words[0] === 'longhand') return faultOf(words.slice(1)) ?? [];
      if (words[0] !== 'npm') return [];
      const script = words[1] === 'run' ? words[2] : words[1];
      return ['ci', 'link'].includes(script ?? '') || Object.hasOwn(scripts, script ?? '') ? [] : `no script ${script}`;
    });
    expect(faults).toEqual([]);
  });
});

test('the check of commands finds what is wrong', () => {
  expect(faultOf(['trane'])).toBe('no command trane');
  expect(faultOf(['export', 'adapter', '1', 'x', '--bits', '4'])).toBe('adapter has no --bits');
  expect(faultOf(['runs', 'metrics', '1', '--csv', 'm.csv'])).toBeUndefined();
});

test('commands in running text exist, too', () => {
  const faults = documents.flatMap((file) =>
    [...textOf(file).matchAll(/`(?:npx )?longhand ([a-z][^`]*)`/g)].flatMap(
      ([, line = '']) => faultOf(line.split(' ')) ?? [],
    ),
  );
  expect(faults).toEqual([]);
});

test('each page of the guide is in its list, and each image in a page', () => {
  const list = textOf('docs/guide/README.md');
  expect(pages.filter((name) => name !== 'README.md' && !list.includes(`(${name})`))).toEqual([]);
  const all = pages.map((name) => textOf(join('docs', 'guide', name))).join('\n');
  const images = readdirSync(join(guide, 'images'));
  expect(images.filter((name) => !all.includes(`(images/${name})`))).toEqual([]);
  expect(images.length).toBeGreaterThan(10);
});

test('the images take less than 2 MB in all', () => {
  const images = join(guide, 'images');
  const bytes = readdirSync(images).reduce((sum, name) => sum + statSync(join(images, name)).size, 0);
  expect(bytes).toBeLessThan(2e6);
});
