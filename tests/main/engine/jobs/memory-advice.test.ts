import { expect, test } from 'vitest';
import { memoryAdvice, withMemoryAdvice } from '../../../../src/main/engine/jobs/memory-advice.ts';
import { UserError } from '../../../../src/shared/errors.ts';
import { parseRunConfig } from '../../../../src/shared/run-config.ts';

test('the advice names the setting that helps most', () => {
  const config = parseRunConfig({ objective: 'longpo' });
  expect(memoryAdvice({ ...config, gradientCheckpointing: 'none' })).toMatch(/^Turn gradient checkpointing on/);
  expect(memoryAdvice(config)).toMatch(/^Train a LoRA adapter/);
  const lora = parseRunConfig({ objective: 'longpo', trainable: { kind: 'lora' }, maxLength: 9000 });
  expect(memoryAdvice(lora)).toMatch(/^Leave out the longest documents \(maxLength is 9000\)/);
});

test('only errors about memory are changed', async () => {
  const config = parseRunConfig({ objective: 'longpo' });
  const failing = (error: Error) =>
    withMemoryAdvice<{ config: typeof config }, 'train', never>(() => Promise.reject(error))(
      { config },
      undefined as never,
    );
  await expect(failing(new UserError('no_memory', 'Too little.', { hint: 'x' }))).rejects.toMatchObject({
    ...{ code: 'no_memory', message: 'Too little.', hint: memoryAdvice(config) },
  });
  const other = new UserError('conflict', 'Another model.');
  await expect(failing(other)).rejects.toBe(other);
});
