import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkedSet } from '../../../../../src/main/engine/evaluation/published/checked-set.ts';
import type { CheckedSet } from '../../../../../src/main/engine/evaluation/published/checked-set.ts';
import { publishedSetPath } from '../../../../../src/main/services/own-sets.ts';
import { publishedTaskSchema } from '../../../../../src/shared/evaluation-tasks.ts';

const form = 'longbench/hotpotqa';
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'longhand-checked-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const questions = async ({ items }: CheckedSet): Promise<string[]> => {
  const found: string[] = [];
  for await (const { index, item } of items()) found.push(`${index} ${item.question}`);
  return found;
};

test('a set is read once where it can be kept, all of it or nothing, and as often as it is asked otherwise', async () => {
  const path = join(folder, 'set.jsonl');
  copyFileSync(publishedSetPath(form), path);
  const task = publishedTaskSchema.parse({ kind: 'published', name: form, form, path });
  const keeping = { left: 100_000 };
  const [kept, read] = [await checkedSet(task, keeping), await checkedSet(task, { left: 20_000 })];
  expect(keeping.left).toBeGreaterThan(60_000);
  expect(keeping.left).toBeLessThan(80_000);
  expect([kept.total, read.total]).toEqual([12, 12]);
  const all = await questions(kept);
  expect(all).toHaveLength(12);
  expect(await questions(read)).toEqual(all);
  rmSync(path);
  expect(await questions(kept)).toEqual(all);
  await expect(questions(read)).rejects.toMatchObject({ code: 'not_found' });
});
