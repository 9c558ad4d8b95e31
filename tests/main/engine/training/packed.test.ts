import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Conversation } from '../../../../src/main/engine/text/conversation.ts';
import { packPair, singleSequence } from '../../../../src/main/engine/training/packed.ts';

const LONGPO = path.join(import.meta.dirname, '../../../fixtures/golden/longpo');

interface Sequence {
  readonly input_ids: number[];
  readonly labels: number[];
  readonly response_spans: [number, number][];
}
interface Packed {
  readonly input_ids: number[];
  readonly position_ids: number[];
  readonly branch: number[];
  readonly predicted_from: number[];
  readonly labels: number[];
}
interface Pair {
  readonly chosen: Sequence;
  readonly rejected: Sequence;
  readonly packed: Packed;
}

const conversation = ({ input_ids, labels, response_spans }: Sequence): Conversation => ({
  ids: Int32Array.from(input_ids),
  labels: Int32Array.from(labels),
  responseSpans: response_spans,
});

const pairs = ['llama', 'mistral', 'qwen2', 'qwen3'].flatMap((model) =>
  ['full', 'lora'].flatMap((mode) => {
    const file = path.join(LONGPO, `${model}-${mode}`, 'inputs.json');
    const { examples } = JSON.parse(readFileSync(file, 'utf8')) as { examples: (Pair & { turns: Pair[] })[] };
    return examples.flatMap((example) => [example, ...example.turns]);
  }),
);

describe('packPair', () => {
  it('gives the golden packed sequences', () => {
    expect(pairs.length).toBeGreaterThan(20);
    for (const { chosen, rejected, packed } of pairs) {
      const got = packPair(conversation(chosen), conversation(rejected));
      expect({
        input_ids: [...got.ids],
        position_ids: [...got.positions],
        branch: [...got.branch],
        predicted_from: [...got.predictedFrom],
        labels: [...got.labels],
      }).toEqual(packed);
      expect(got.prefix + got.first + got.second).toBe(got.ids.length);
      expect(got.prefix).toBe(chosen.response_spans[0]?.[0]);
    }
  });

  it('places the answers of both sides', () => {
    for (const { chosen, rejected } of pairs) {
      const got = packPair(conversation(chosen), conversation(rejected));
      const sides = [
        [got.chosenSpans, chosen],
        [got.rejectedSpans, rejected],
      ] as const;
      for (const [spans, side] of sides) {
        expect(spans.map(([start, end]) => [...got.ids.subarray(start, end)])).toEqual(
          side.response_spans.map(([start, end]) => side.input_ids.slice(start, end)),
        );
      }
    }
  });

  it('refuses sides that do not share their prompt', () => {
    const [pair] = pairs;
    if (pair === undefined) throw new Error('no golden pairs');
    const other = conversation(pair.rejected);
    other.ids[3] = (other.ids[3] ?? 0) + 1;
    expect(() => packPair(conversation(pair.chosen), other)).toThrow('do not share');
  });
});

describe('singleSequence', () => {
  it('is a tree with one branch', () => {
    for (const { chosen } of pairs) {
      const got = singleSequence(conversation(chosen));
      const length = chosen.input_ids.length;
      expect([...got.ids]).toEqual(chosen.input_ids);
      expect([got.prefix, got.first, got.second]).toEqual([chosen.response_spans[0]?.[0], length - got.prefix, 0]);
      expect([...got.positions]).toEqual(Array.from({ length }, (_, i) => i));
      expect([...got.predictedFrom]).toEqual(Array.from({ length }, (_, i) => i - 1));
      expect(new Set(got.branch)).toEqual(new Set([0, 1]));
    }
  });
});
