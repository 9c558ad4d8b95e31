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

test(
  'a bundle of pairs by length and by score: of a run, or of a model by its name',
  { timeout: 120_000 },
  async () => {
    const folder = temporaryFolder();
    const home = open(join(folder, 'home'));
    addPairs({ workspace: home }, 3); // answers of 7 to 9 characters
    home.models.put({ fingerprint: 'print-a', name: 'small', path: join(folder, 'small'), info: {} });
    home.pairScores.put('print-a', [
      { pairId: 1, revision: 0, chosen: -1, rejected: -4.5 },
      { pairId: 2, revision: 0, chosen: -3, rejected: -2 },
    ]);
    home.close();
    const pairsOf = async (...flags: string[]): Promise<number | string> => {
      const ended = await longhand(['bundle', 'export', 'b.jsonl', '--workspace', 'home', '--json', ...flags], {
        cwd: folder,
      });
      return ended.code === 0
        ? (JSON.parse(ended.stdout) as { pairs: number }).pairs
        : `${ended.code} ${ended.stderr.replace(/^[^]*error: /, '')}`;
    };
    expect(await pairsOf('--answer-characters', '9..')).toBe(3); // "It slept." and "It sailed."
    expect(await pairsOf('--document-characters', '..20')).toMatch(/^2 There are no pairs/);
    expect(await pairsOf('--model', 'small')).toBe(2);
    expect(await pairsOf('--model', 'print-a', '--score-range', '-1.5..0')).toBe(1);
    expect(await pairsOf('--model', 'small', '--score', 'chosen', '--score-range', '..-2')).toBe(1);
    expect(await pairsOf('--model', 'large')).toMatch(/^3 No scored model is called large\.[^]*small \(print-a\)/);
    expect(await pairsOf('--run', '7')).toMatch(/^2 There are no pairs/);
    expect(await pairsOf('--run', '7', '--model', 'small')).toMatch(/^2 Scores are of a run or of a model/);
    expect(await pairsOf('--score-range', '..0')).toMatch(/^2 A range of scores needs --run or --model/);
    for (const wrong of ['..', '3..2']) {
      expect(await pairsOf('--answer-characters', wrong)).toMatch(/^2 [^]*(must look like|must not be above)/);
    }
  },
);
