import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { ImporterName } from '../../../src/shared/import-kinds.ts';
import { ReaderClient } from '../../../src/main/importers/reader-client.ts';
import { requireWellFormed } from '../../../src/main/importers/xml-check.ts';

/** Inputs that `npm run test:fuzz` found with seed 20261124 (the number is the case's); each took seconds or for ever. */
const folder = join(import.meta.dirname, '..', '..', 'fixtures', 'fuzz');
const reader = new ReaderClient({ seconds: 20, memoryMiB: 700 });
afterAll(() => reader.close());

test.each(readdirSync(folder))('%s gets its answer at once', { timeout: 60_000 }, async (name) => {
  const path = join(folder, name);
  const importer = (name.split('.').at(-1) ?? '') as ImporterName;
  const options = {
    encoding: 'auto',
    textField: 'text',
    tree: 'files',
    joinedCharacters: 1000,
    maxBytes: 1e7,
  } as const;
  const items = [];
  for await (const item of reader.run('read', { source: { path, importer, members: null }, options })) items.push(item);
  const last = items.at(-1);
  if (last === undefined || !('reason' in last)) throw new Error('no problem was reported');
  expect(last.kind).toBe('unreadable');
  expect(last.reason).toMatch(/^is damaged: /);
});

const head = '<?xml version="1.0"?><!-- a --><w:a xmlns:w="x">';
test.each([
  ['<w:b q=\'1\'  r = "2" /><![CDATA[<<]]>text &amp; more</w:a>\n', undefined],
  ['<b></w:a>', 'closes a tag that is not open'],
  ['<b></b>', 'ends too early'],
  ['</w:a><x/>', 'has more than one root'],
  ['</w:a>text', 'has text outside of its root'],
  ['<b c="1></b></w:a>', 'has a tag that is cut off'],
  ['<b c=1></b></w:a>', 'has a tag that is cut off'],
  ['<b>'.repeat(1001), 'more than 1000 deep'],
  ['</w:a><!DOCTYPE a>', 'document type'],
])('XML that goes on with %s', (rest, problem) => {
  const check = (): void => requireWellFormed(head + rest, 'word/document.xml');
  if (problem === undefined) check();
  else expect(check).toThrow(problem);
});

test('a tag without an end takes time in proportion to its length', () => {
  const started = performance.now();
  for (const piece of [' a="b"', ' ', ' a', 'a', ' a = ']) {
    expect(() => requireWellFormed(`<a${piece.repeat(200_000)}`, 'x')).toThrow('cut off');
  }
  expect(performance.now() - started).toBeLessThan(5000);
});
