import { expect, test } from 'vitest';
import { killRounds } from './kills.ts';
import { works } from './work.ts';
import type { WorkName } from './work.ts';

// The short form of `npm run test:faults`.
const rounds = Number(process.env['FAULT_ROUNDS'] ?? 2);
const seed = Number(process.env['FAULT_SEED'] ?? 20_261);

test.each(Object.keys(works) as WorkName[])(
  '%s, killed at random moments: nothing stored is lost and the end is the undisturbed one',
  { timeout: 300_000 },
  async (work) => {
    const report = await killRounds(work, rounds, seed);
    expect(report.kills).toBe(rounds);
    expect(report.finished).toBeGreaterThan(0);
  },
);
