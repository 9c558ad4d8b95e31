import { expect, test } from 'vitest';
import { bytes, counted, duration, estimate, fixed, whole } from '../../../src/main/cli/format.ts';

test('durations', () => {
  expect([0.04, 9.94, 9.96, 59.6, 61, 3599.7, 7500, NaN].map(duration)).toEqual([
    '0.0 s',
    '9.9 s',
    '10 s',
    '1 min 00 s',
    '1 min 01 s',
    '1 h 00 min',
    '2 h 05 min',
    '-',
  ]);
});

test('bytes', () => {
  expect([0, 1023, 1024, 3_000_000, 65.5 * 2 ** 30, null].map(bytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '2.9 MiB',
    '65.5 GiB',
    '-',
  ]);
});

test('numbers keep what would vanish', () => {
  expect([1.23456, 0.00001, 0, NaN, null].map((value) => fixed(value, 3))).toEqual([
    '1.235',
    '1.0e-5',
    '0.000',
    'NaN',
    '-',
  ]);
  expect(whole(1234567)).toBe('1,234,567');
  expect(counted(1, 'pair')).toBe('1 pair');
  expect(counted(1201, 'pair')).toBe('1,201 pairs');
});

test('an estimate shows its interval', () => {
  expect(estimate({ value: 0.916, low: 0.8889, high: 0.937, n: 512 })).toBe('0.916 [0.889, 0.937]');
  expect(estimate(null)).toBe('-');
});
