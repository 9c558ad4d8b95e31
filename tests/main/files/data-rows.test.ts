import { writeFileSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRows } from '../../../src/main/files/data-rows.ts';

const root = join(import.meta.dirname, '../../..');

async function rowsOf(path: string): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const { row, value } of readRows(path)) {
    expect(row).toBe(rows.length + 1);
    rows.push(value);
  }
  return rows;
}

// Written by pyarrow from the first rows of the sets, with nested columns and 64-bit whole numbers.
test.each(['arc', 'mmlu'])('%s has the same rows in Parquet as in JSON Lines', async (form) => {
  const lines = readFileSync(join(root, `resources/evaluation/sets/${form}.jsonl`), 'utf8')
    .split('\n')
    .slice(0, 3);
  const expected = lines.map((line): unknown => JSON.parse(line));
  expect(await rowsOf(join(root, `tests/fixtures/multiple-choice/${form}.parquet`))).toEqual(expected);
});

test('a file that is no Parquet, or not there, is named', async () => {
  const broken = join(mkdtempSync(join(tmpdir(), 'rows-')), 'broken.parquet');
  writeFileSync(broken, 'PAR1 this is not a table');
  await expect(rowsOf(broken)).rejects.toMatchObject({ code: 'invalid_input', place: { file: broken } });
  await expect(rowsOf('/nowhere/a.parquet')).rejects.toMatchObject({ code: 'not_found' });
});
