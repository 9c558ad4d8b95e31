import { expect, test } from 'vitest';
import { metricsCsv, metricTable } from '../../../src/main/cli/metric-report.ts';

test('CSV has a row a step and a column a metric, unrounded, empty where there is no value', () => {
  const csv = metricsCsv([
    { step: 2, key: 'loss', value: 0.1234567890123456 },
    { step: 1, key: 'loss', value: Number.NaN },
    { step: 2, key: 'eval_loss', value: 1 },
    { step: 1, key: 'nll', value: -2e-7 },
  ]);
  expect(csv).toBe('step,loss,nll,eval_loss\n1,NaN,-2e-7,\n2,0.1234567890123456,,1\n');
});

test('the table has units', () => {
  expect(metricTable({ loss: 0.69942, learning_rate: 4.89e-6, 'memory/rss_bytes': 197_632_000, num_tokens: 12848 }))
    .toMatchInlineSnapshot(`
    "metric            last value  unit
    ────────────────  ──────────  ──────
    loss                  0.6994  nats
    learning_rate        4.89e-6
    memory/rss_bytes   188.5 MiB
    num_tokens            12,848  tokens"
  `);
});
