import { readFileSync } from 'node:fs';
import path from 'node:path';
import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleToken } from '../../../../src/main/engine/generation/sampling.ts';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import { Session } from '../../../../src/main/engine/onnx/session.ts';
import { randomStream } from '../../../../src/main/engine/random.ts';
import { float32, int64 } from '../onnx/run-graph.ts';

interface Settings {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
}

const PLAIN: Settings = { temperature: 1, topK: 0, topP: 1 };
/** The largest number below 1 that a uniform may be. */
const LAST = 1 - 2 ** -24;

let session: Session;
beforeAll(async () => {
  const g = new Graph('sampling');
  const logits = g.input('logits', 'float32', ['B', 'V']);
  const uniform = g.input('uniform', 'float32', ['B', 1]);
  const sampling = {
    temperature: g.input('temperature', 'float32', []),
    topK: g.input('top_k', 'int64', [1]),
    topP: g.input('top_p', 'float32', []),
  };
  g.output(sampleToken(g, logits, uniform, sampling), 'tokens');
  session = await Session.create(g, { device: 'cpu', threads: 1 });
});
afterAll(() => session.release());

/** One token for each row of logits, with one uniform number each. */
async function sample(rows: readonly (readonly number[])[], uniforms: readonly number[], settings: Settings) {
  const { tokens } = await session.run({
    logits: float32(rows.flat(), [rows.length, rows[0]?.length ?? 0]),
    uniform: float32(uniforms, [uniforms.length, 1]),
    temperature: float32([settings.temperature], []),
    top_k: int64([settings.topK]),
    top_p: float32([settings.topP], []),
  });
  return Array.from(tokens?.data ?? [], Number);
}

/** Many tokens from the same logits. */
function sampleEach(logits: readonly number[], uniforms: readonly number[], settings: Settings): Promise<number[]> {
  return sample(
    uniforms.map(() => logits),
    uniforms,
    settings,
  );
}

/** Tokens that stay, most likely first and the lower id first among equals, with their probabilities; in float64. */
function distribution(logits: readonly number[], { temperature, topK, topP }: Settings): [number, number][] {
  const exact = logits.map(Math.fround);
  const order = [...exact.keys()].sort((a, b) => (exact[b] ?? 0) - (exact[a] ?? 0) || a - b);
  const kept = order.slice(0, topK === 0 ? order.length : topK);
  const highest = exact[order[0] ?? 0] ?? 0;
  const weights = kept.map((id) => Math.exp(((exact[id] ?? 0) - highest) / Math.fround(temperature)));
  const total = weights.reduce((a, b) => a + b);
  let before = 0;
  const nucleus = kept.flatMap((id, i): [number, number][] => {
    const p = (weights[i] ?? 0) / total;
    const stays = before < Math.fround(topP);
    before += p;
    return stays ? [[id, p]] : [];
  });
  const mass = nucleus.reduce((sum, [, p]) => sum + p, 0);
  return nucleus.map(([id, p]) => [id, p / mass]);
}

/** The token at a uniform number by inverse cumulative probability. */
function pick(choices: readonly [number, number][], uniform: number): number | undefined {
  let cumulative = 0;
  return choices.find(([, p]) => (cumulative += p) > Math.fround(uniform))?.[0];
}

/** Standard normal numbers times a scale (Box-Muller). */
function normals(random: RandomGenerator, count: number, scale: number): number[] {
  const one = (): number =>
    Math.sqrt(-2 * Math.log(1 - uniformFloat64(random))) * Math.cos(2 * Math.PI * uniformFloat64(random));
  return Array.from({ length: count }, () => scale * one());
}

describe('sampleToken', () => {
  it('is greedy at temperature 0, the lower id first among equals', async () => {
    const rows = [
      [1, 5, 2, 5],
      [-3, -9, -3, -4],
      [0, 0, 0, 1e-6],
    ];
    expect(await sample(rows, [0.9, 0.9, 0], { temperature: 0, topK: 2, topP: 0.1 })).toEqual([1, 0, 3]);
  });

  it('agrees with an exact reference for all settings together', async () => {
    const random = randomStream(1, 'reference');
    const uniforms = [0, 1e-7, 0.5, LAST, ...Array.from({ length: 28 }, () => uniformFloat32(random))];
    for (const temperature of [0.05, 0.7, 1, 3]) {
      for (const topK of [0, 1, 2, 17, 96, 5000]) {
        for (const topP of [1e-6, 0.3, 0.9, 0.999, 1]) {
          const settings = { temperature, topK, topP };
          const rows = uniforms.map(() => normals(random, 97, 2.5));
          const expected = rows.map((logits, i) => pick(distribution(logits, settings), uniforms[i] ?? 0));
          // At the very end of the scale the float64 sum of the reference may stay below the uniform number.
          const last = rows.map((logits, i) => expected[i] ?? distribution(logits, settings).at(-1)?.[0]);
          expect(await sample(rows, uniforms, settings), JSON.stringify(settings)).toEqual(last);
        }
      }
    }
  });

  it('is greedy with top-k 1 or a tiny top-p, whatever the number', async () => {
    const logits = [0.1, 0.3, 0.2, 0.299];
    const uniforms = [0, 0.3, 0.999999, LAST];
    expect(await sampleEach(logits, uniforms, { ...PLAIN, topK: 1 })).toEqual([1, 1, 1, 1]);
    expect(await sampleEach(logits, uniforms, { ...PLAIN, topP: 1e-6 })).toEqual([1, 1, 1, 1]);
    expect(await sampleEach(logits, uniforms, { temperature: 5, topK: 1, topP: 1e-6 })).toEqual([1, 1, 1, 1]);
  });

  it('draws the next token where the number is exactly at a border', async () => {
    const even = [7, 7, 7, 7];
    const uniforms = [0, 0.25 - 2 ** -25, 0.25, 0.5, 0.75, 0.999999];
    expect(await sampleEach(even, uniforms, PLAIN)).toEqual([0, 0, 1, 2, 3, 3]);
  });

  it('keeps the smallest set that reaches top-p exactly', async () => {
    const even = [7, 7, 7, 7];
    const highest = async (settings: Settings): Promise<number | undefined> =>
      (await sampleEach(even, [LAST], settings))[0];
    expect(await highest({ ...PLAIN, topP: 0.25 })).toBe(0);
    expect(await highest({ ...PLAIN, topP: 0.25 + 2 ** -24 })).toBe(1);
    expect(await highest({ ...PLAIN, topP: 0.5 })).toBe(1);
    expect(await highest({ ...PLAIN, topP: 0.75 })).toBe(2);
    // Top-p counts what top-k left: two tokens of one half each.
    expect(await highest({ ...PLAIN, topK: 2, topP: 0.5 })).toBe(0);
    expect(await highest({ ...PLAIN, topK: 2, topP: 0.75 })).toBe(1);
  });

  it('keeps exactly k tokens where several are equally likely, lower ids first', async () => {
    const logits = [2, 3, 2, 2, 1];
    const uniforms = [0, 0.6, 0.8, LAST];
    expect(await sampleEach(logits, uniforms, { ...PLAIN, topK: 3 })).toEqual([1, 0, 2, 2]);
  });

  it('stays finite for extreme temperatures and logits', async () => {
    const logits = [-3e4, 2e4, 1e4, 2e4];
    expect(await sampleEach(logits, [0.1, 0.9], { ...PLAIN, temperature: 1e-38 })).toEqual([1, 3]);
    expect(await sampleEach(logits, [0.1, 0.3, 0.6, LAST], { ...PLAIN, temperature: 1e12 })).toEqual([1, 3, 2, 0]);
  });

  it.each([0, 1])('gives no token for logits that are not numbers, at temperature %d', async (temperature) => {
    const rows = [
      [1, 2, 3],
      [1, NaN, 3],
      [NaN, NaN, NaN],
      [Infinity, -Infinity, 0],
    ];
    expect(await sample(rows, [LAST, LAST, 0, 0], { ...PLAIN, topK: 1, temperature })).toEqual([2, -2, -2, -2]);
  });

  // Probabilities below the precision of a float32 sum near 1: together they are as likely as they should be.
  it.each([1, 0.9999])('draws rare tokens of a large vocabulary at their rate with top-p %f', async (topP) => {
    const count = 50_000;
    const tail = Math.log(1e-8);
    const logits = Array.from({ length: count }, (_, id) => (id === 0 ? 0 : tail));
    const choices = distribution(logits, { ...PLAIN, topP });
    const likely = choices[0]?.[1] ?? 0;
    expect(1 - likely).toBeGreaterThan(3e-4);
    const fractions = [0.01, 0.25, 0.5, 0.75, 0.99];
    const uniforms = fractions.map((fraction) => likely + fraction * (1 - likely));
    const drawn = await sampleEach(logits, [0.9, ...uniforms], { ...PLAIN, topP });
    expect(drawn[0]).toBe(0);
    fractions.forEach((fraction, i) => {
      // float32 probabilities of the first token and of the uniform number are worth a dozen tail tokens.
      expect(Math.abs((drawn[i + 1] ?? 0) - fraction * choices.length), `at ${fraction}`).toBeLessThan(40);
    });
  });

  it('follows the distribution (chi-square)', async () => {
    const random = randomStream(11, 'chi-square');
    const logits = normals(random, 40, 1);
    for (const settings of [PLAIN, { temperature: 0.6, topK: 25, topP: 0.9 }]) {
      const draws = 40_000;
      const counts = new Map<number, number>();
      for (let done = 0; done < draws; done += 4000) {
        const uniforms = Array.from({ length: 4000 }, () => uniformFloat32(random));
        for (const id of await sampleEach(logits, uniforms, settings)) counts.set(id, (counts.get(id) ?? 0) + 1);
      }
      const choices = distribution(logits, settings);
      expect([...counts.keys()].sort()).toEqual(choices.map(([id]) => id).sort());
      const statistic = choices.reduce(
        (sum, [id, p]) => sum + ((counts.get(id) ?? 0) - draws * p) ** 2 / (draws * p),
        0,
      );
      // Mean and deviation of chi-square with n - 1 degrees of freedom; 3.5 deviations are a chance of about 1 in 1000.
      const freedom = choices.length - 1;
      expect(statistic).toBeLessThan(freedom + 3.5 * Math.sqrt(2 * freedom));
    }
  });
});

interface WarpedRow {
  readonly logits: number[];
  readonly settings: readonly (Settings & { readonly kept: number[]; readonly probabilities: number[] })[];
}
const { rows } = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../../../fixtures/generation/warpers.json'), 'utf8'),
) as { rows: WarpedRow[] };

// Which tokens transformers' warpers leave, and how likely each is, seen through the numbers that draw them.
describe.each(rows.map(({ logits, settings }, i) => ({ row: i, logits, settings })))('warped row $row', (row) => {
  it.each(row.settings)('temperature $temperature, top-k $topK, top-p $topP', async (warped) => {
    const { kept, probabilities } = warped;
    const starts = probabilities.map((_, i) => probabilities.slice(0, i).reduce((a, b) => a + b, 0));
    const wide = [...kept.keys()].filter((i) => (probabilities[i] ?? 0) > 1e-5);
    const inside = (i: number, part: number): number => (starts[i] ?? 0) + part * (probabilities[i] ?? 0);
    for (const part of [0.02, 0.5, 0.98]) {
      const drawn = await sampleEach(
        row.logits,
        wide.map((i) => inside(i, part)),
        warped,
      );
      expect(drawn).toEqual(wide.map((i) => kept[i]));
    }
    expect(await sampleEach(row.logits, [0], warped)).toEqual([kept[0]]);
    if ((probabilities.at(-1) ?? 0) > 1e-6) expect(await sampleEach(row.logits, [LAST], warped)).toEqual([kept.at(-1)]);
  });
});
