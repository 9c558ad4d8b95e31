import { describe, expect, it } from 'vitest';
import { curvesCsv } from '../../../src/renderer/charts/curves-csv.ts';
import { lookOfRun } from '../../../src/renderer/charts/run-colors.ts';

describe('curvesCsv', () => {
  it('has a row for each x and an empty cell where a curve has no value', () => {
    const text = curvesCsv('step', [
      {
        name: 'a',
        points: [
          { x: 1, y: 0.1 },
          { x: 2, y: 1e-7 },
        ],
      },
      { name: 'b', points: [{ x: 2, y: NaN }] },
    ]);
    expect(text).toBe('step,a,b\n1,0.1,\n2,1e-7,NaN\n');
  });

  it('quotes names and lets none be a formula', () => {
    const text = curvesCsv('step', [
      { name: 'loss, "long"', points: [] },
      { name: '=HYPERLINK("x")', points: [] },
    ]);
    expect(text).toBe('step,"loss, ""long""","\'=HYPERLINK(""x"")"\n');
  });
});

describe('lookOfRun', () => {
  it('is the same for a run always, and no two of 32 runs look alike', () => {
    expect(lookOfRun(3)).toEqual(lookOfRun(3));
    const looks = Array.from({ length: 32 }, (_, i) => JSON.stringify(lookOfRun(i + 1)));
    expect(new Set(looks).size).toBe(32);
  });
});
