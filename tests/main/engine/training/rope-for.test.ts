import { describe, expect, it } from 'vitest';
import { ropeFrequencies, ropeTables, type RopeSettings } from '../../../../src/main/engine/model/rope.ts';
import { ropeForModel } from '../../../../src/main/engine/training/rope-for.ts';

const HEAD = 8;

describe('ropeForModel', () => {
  it('replaces theta and keeps the longest tables', () => {
    const rope: RopeSettings = { type: 'default', theta: 10000 };
    const ropeFor = ropeForModel({ rope, headDim: HEAD }, 50000);
    const long = ropeFor(40);
    expect(long).toEqual(ropeTables(ropeFrequencies({ type: 'default', theta: 50000 }, HEAD), 40));
    expect(ropeFor(10)).toBe(long);
    expect(ropeFor(41).length).toBe(41);
    expect(ropeForModel({ rope, headDim: HEAD }, null)(40)).toEqual(ropeTables(ropeFrequencies(rope, HEAD), 40));
  });

  it('makes tables for each length where the scaling depends on it', () => {
    const rope: RopeSettings = { type: 'dynamic', theta: 10000, factor: 2, maxPositionEmbeddings: 16 };
    const ropeFor = ropeForModel({ rope, headDim: HEAD }, null);
    for (const length of [40, 20, 16, 40]) {
      expect(ropeFor(length)).toEqual(ropeTables(ropeFrequencies(rope, HEAD, { length }), length));
    }
  });
});
