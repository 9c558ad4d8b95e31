import { expect, test } from 'vitest';
import { adoptCard } from '../../../../src/main/services/cuda/chosen-card.ts';

test('a chosen card becomes the one that reports and engines of this process see; anything else is no choice', () => {
  const env: NodeJS.ProcessEnv = {};
  for (const none of [undefined, null, '', 3, 'GPU-1;rm', 'x'.repeat(81)]) adoptCard(none, env);
  expect(env).toEqual({});
  adoptCard('GPU-0f1e2d3c', env);
  expect(env).toEqual({ LONGHAND_CUDA_DEVICE: 'GPU-0f1e2d3c' });
  adoptCard('1', env);
  expect(env).toEqual({ LONGHAND_CUDA_DEVICE: '1' });
});
