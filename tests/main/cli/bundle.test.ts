import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { addPairs } from '../services/fixtures.ts';
import { open, temporaryFolder } from '../workspace/fixtures.ts';
import { longhand } from './longhand.ts';

test('an audit in two places by the command line: export, open, verdicts, import', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder();
  const home = open(join(folder, 'home'));
  addPairs({ workspace: home }, 3);
  home.close();
  const run = (...args: string[]) => longhand(['bundle', ...args], { cwd: folder });

  const exported = await run(
    ...['export', 'b.jsonl', '--workspace', 'home', '--limit', '4', '--documents', 'whole', '--json'],
  );
  expect([exported.code, JSON.parse(exported.stdout)]).toMatchObject([0, { pairs: 4 }]);
  const opened = await run('open', 'b.jsonl', 'away');
  expect(opened.stdout).toContain('4 pairs for blind review in');

  const away = open(join(folder, 'away'), { create: false });
  for (const pairId of [1, 2, 3]) {
    away.reviews.append({ pairId, reviewer: 'me', verdict: 'both_good', blind: true, milliseconds: 1 });
  }
  away.close();
  expect((await run('verdicts', 'v.jsonl', '--workspace', 'away')).stdout).toContain('3 reviews');
  const preview = await run('import', 'v.jsonl', '--workspace', 'home', '--preview', '--rename', 'me=ann');
  expect(preview.stdout).toContain('3 reviews: 3 would be imported, 0 here already, 0 left out');
  expect(preview.stdout).toMatch(/me +ann +3 +0/);
  const imported = await run('import', 'v.jsonl', '--workspace', 'home', '--rename', 'me=ann', '--json');
  expect(JSON.parse(imported.stdout)).toMatchObject({ imported: 3, skipped: 0, conflicts: [] });

  // What is no bundle is refused in a sentence: an archive, a cut file, another kind of file, a name that is taken.
  writeFileSync(join(folder, 'bomb.gz'), gzipSync(Buffer.alloc(50_000_000)));
  writeFileSync(join(folder, 'cut.jsonl'), readFileSync(join(folder, 'b.jsonl')).subarray(0, -40));
  for (const [args, code, says] of [
    [['open', 'bomb.gz', 'x'], 2, 'bomb.gz is not a review bundle.'],
    [['open', 'cut.jsonl', 'x'], 2, 'cut.jsonl'],
    [['open', 'v.jsonl', 'x'], 2, 'is not a review bundle but a verdict file'],
    [['open', 'no.jsonl', 'x'], 3, 'no.jsonl does not exist'],
    [['open', 'b.jsonl', 'home'], 5, 'holds a workspace with documents of its own'],
    [['export', 'bomb.gz', '--workspace', 'home'], 5, 'exists and is not a review bundle; it was not replaced'],
    [['export', 'c.jsonl', '--documents', 'half'], 2, 'It must be "whole" or a whole number'],
    [['verdicts', 'w.jsonl', '--workspace', 'home'], 5, 'was not made from a review bundle'],
    [['import', 'b.jsonl', '--workspace', 'home'], 2, 'is not a verdict file but a review bundle'],
    [['import', 'v.jsonl', '--rename', 'me'], 2, 'It must look like me=ann.'],
  ] as const) {
    const ended = await run(...args);
    expect([args, ended.code, ended.stdout]).toEqual([args, code, '']);
    expect(ended.stderr).toContain(says);
  }
});
