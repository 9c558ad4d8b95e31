import { expect, test } from 'vitest';
import { printable, textTable } from '../../../src/main/cli/text-table.ts';

test('aligns numbers at the right and names units', () => {
  const table = textTable(
    [{ header: 'run' }, { header: 'loss', unit: 'nats', align: 'right' }, { header: 'state' }],
    [
      ['longpo', '0.412', 'finished'],
      ['a longer name', '12.000', ''],
    ],
  );
  expect(table).toMatchInlineSnapshot(`
    "run            loss (nats)  state
    ─────────────  ───────────  ────────
    longpo               0.412  finished
    a longer name       12.000"
  `);
  expect(table.split('\n').every((line) => line === line.trimEnd())).toBe(true);
});

test('a name cannot move the cursor', () => {
  expect(printable('a\u001b[2Jb\r\nc\u202ed')).toBe('a?[2Jb??c?d');
  expect(textTable([{ header: 'name' }], [['x\u0007']])).toContain('x?');
});
