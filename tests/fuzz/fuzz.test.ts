import { expect, test } from 'vitest';
import { fuzz } from './run.ts';
import { targets } from './parsers.ts';

// The short form of `npm run test:fuzz`: FUZZ_RUNS and FUZZ_SEED ask for more or for others.
const cases = Number(process.env['FUZZ_RUNS'] ?? 150);
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261);

test.each(Object.keys(targets))(
  'damaged %s: an answer in words, in time and within memory',
  { timeout: 120_000 },
  async (target) => {
    const report = await fuzz(target, seed, cases);
    expect(report.findings).toEqual([]);
    expect(report.cases).toBe(cases);
  },
);
