import { expect, test } from 'vitest';
import { fakeMachine } from '../services/cuda/fake-machine.ts';
import { demoModel } from '../services/fixtures.ts';
import { longhand } from './longhand.ts';

const linux = process.platform === 'linux' && process.arch === 'x64';

test('plan prints the parts and the longest pair that fits; a length that does not fit ends with 8', async () => {
  const fits = await longhand(['plan', demoModel, '--length', '4096', '--memory', '4', '--json']);
  expect(fits.code).toBe(0);
  const plan = JSON.parse(fits.stdout) as { peak: number; parts: { bytes: number }[]; longest: number };
  expect(plan).toMatchObject({ verdict: 'fits', advice: null, memory: 4 * 2 ** 30, tokens: 4096 });
  expect(plan.parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(plan.peak);
  expect(plan.longest).toBeGreaterThan(4096);

  const tooLong = await longhand(['plan', demoModel, '--length', String(plan.longest * 2), '--memory', '4']);
  expect(tooLong.code).toBe(8);
  expect(tooLong.stdout).toContain('do not fit');
  expect(tooLong.stdout).toContain('The model was made for 1,024 positions: train with a greater --rope-theta.');
  expect(tooLong.stderr).toMatch(/what to do: Use pairs of at most [\d,]+ tokens/);
});

test.skipIf(!linux)('doctor tells what a machine has; the fake one here lacks a new enough driver', async () => {
  const { env } = fakeMachine({ cards: [{ driver: '550.54.15' }] });
  const surroundings = env as Record<string, string>;
  const seen = await longhand(['doctor', '--no-self-test', '--json'], { env: surroundings });
  expect(seen.code).toBe(0);
  expect(JSON.parse(seen.stdout)).toMatchObject({
    cuda: { usable: false, driver: { version: '550.54.15' }, problems: [{ kind: 'old_driver' }] },
    selfTest: null,
  });
  const asked = await longhand(['doctor', '--device', 'cuda'], { env: surroundings });
  expect(asked.code).toBe(7);
  expect(asked.stderr).toContain('CUDA cannot be used: The NVIDIA driver 550.54.15 is too old');
  expect(asked.stdout).toMatch(/libcublas\.so\.13 +found/);

  const run = await longhand(['self-test', '--device', 'cuda'], { env: surroundings });
  expect(run.code).toBe(7);
  expect(run.stderr).toContain('CUDA cannot be used');
});
