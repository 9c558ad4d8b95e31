import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { fill, NOISE, rulerTemplates } from './definitions.ts';
import { letters, sampleIndices } from './draw.ts';
import type { MakeItem, RulerItem } from './item.ts';

const HOPS = 4;
/** Noise sentences of the worked example: RULER fills 500 tokens of the tokenizer, which is about as many. */
const EXAMPLE_NOISE = 12;

/**
 * Variable tracking (scripts/data/synthetic/variable_tracking.py): one chain of four hops in the noise, after one worked
 * example with a chain of its own.
 */
export const variableTrackingTask: MakeItem = (size, random) => {
  const example = chainItem(EXAMPLE_NOISE, 3, random);
  const item = chainItem(size, 5, random);
  const lead = `${example.input}${example.answerPrefix} ${example.outputs.join(' ')}\n\n`;
  return {
    ...item,
    input: lead + item.input,
    evidence: item.evidence.map(([start, end]) => [start + lead.length, end + lead.length] as const),
  };
};

/** @param nameLength letters of a variable: the example has shorter names than the item */
function chainItem(noises: number, nameLength: number, random: RandomGenerator): RulerItem {
  const names = new Set<string>();
  while (names.size < HOPS + 1) names.add(letters('ABCDEFGHIJKLMNOPQRSTUVWXYZ', nameLength, random));
  const variables = [...names];
  const value = String(uniformInt(random, 10_000, 99_998)); // numpy's randint(10000, 99999)
  const chain = variables.map((name, i) =>
    i === 0 ? `VAR ${name} = ${value}` : `VAR ${name} = VAR ${variables[i - 1] ?? ''} `,
  );
  const sentences = Array.from({ length: Math.max(noises, chain.length) }, () => NOISE);
  const places = sampleIndices(sentences.length, chain.length, random);
  for (const [i, place] of places.entries()) sentences.splice(place + i, 0, chain[i] ?? '');
  const { template, answerPrefix } = rulerTemplates.variableTracking;
  const input = fill(template, { context: sentences.join('\n'), query: value });
  let from = 0;
  const evidence = chain.map((text): [number, number] => {
    const start = input.indexOf(text, from);
    from = start + text.length;
    return [start, from];
  });
  return {
    ...{ input, evidence, outputs: variables, query: `variables with the value ${value}` },
    answerPrefix: fill(answerPrefix, { num_v: String(HOPS + 1), query: value }),
  };
}
