import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { shuffled } from '../../random.ts';
import { fill, NOISE, rulerTemplates } from './definitions.ts';
import type { NeedleDefinition, NeedlePart } from './definitions.ts';
import { letters, pick, sample, sampleIndices } from './draw.ts';
import { sentencesOf } from './essay.ts';
import type { MakeItem, RulerItem } from './item.ts';
import type { Words } from './words.ts';

const NEEDLE = 'One of the special magic {type_needle_v} for {key} is: {value}.';

/** The forty depths of RULER, in percent: numpy's round(linspace(0, 100, 40)). */
export const DEPTHS: readonly number[] = Array.from({ length: 40 }, (_, i) => Math.round((100 * i) / 39));

/**
 * A needle task of RULER (scripts/data/synthetic/niah.py).
 * @param depth place of the needles, 0 to 1; null = drawn, as published. Several needles at one depth follow each other
 * @param essay words of the running text, for the haystack `essay`
 */
export function needleTask(
  definition: NeedleDefinition,
  { words, essay, depth }: { words: Words; essay: readonly string[]; depth: number | null },
): MakeItem {
  const { haystack, key: keyPart, value: valuePart, values: valueCount, queries } = definition;
  const keyCount = Math.max(definition.keys, queries);
  const needle = (key: string, value: string): string => fill(NEEDLE, { type_needle_v: valuePart, key, value });

  return (size, random) => {
    const keys = distinct(keyCount, () => draw(keyPart, words, random));
    const values = keys.map(() => distinct(valueCount, () => draw(valuePart, words, random)));
    const asked = sample(
      keys.map((_, i) => i),
      queries,
      random,
    );
    const queried = asked.map((i) => keys[i] ?? '');
    const outputs = asked.flatMap((i) => values[i] ?? []);
    const needles = shuffled(
      keys.flatMap((key, i) => (values[i] ?? []).map((value) => needle(key, value))),
      random,
    );
    const parts =
      haystack === 'essay'
        ? inEssay(essay, size, needles, depth, random)
        : inLines(
            haystack === 'noise'
              ? () => NOISE
              : () => needle(drawOther(keyPart, keys, words, random), draw(valuePart, words, random)),
            ...([size, needles, depth, random] as const),
          );
    const context = parts.join(haystack === 'essay' ? ' ' : '\n');
    return compose(context, needles, { queried, outputs, valuePart, one: queries * valueCount === 1 });
  };
}

/** Sentences with the needles between them. */
function inEssay(
  essay: readonly string[],
  size: number,
  needles: readonly string[],
  depth: number | null,
  random: RandomGenerator,
): string[] {
  const text = Array.from({ length: size }, (_, i) => essay[i % essay.length] ?? '').join(' ');
  const sentences = sentencesOf(text);
  const depths =
    depth === null ? sample(DEPTHS, needles.length, random).sort((a, b) => a - b) : needles.map(() => depth * 100);
  const places = depths.map((percent) => Math.trunc(sentences.length * (percent / 100)));
  return withInserted(sentences, places, needles);
}

/** Lines, each of its own, with the needles between them. */
function inLines(
  line: () => string,
  size: number,
  needles: readonly string[],
  depth: number | null,
  random: RandomGenerator,
): string[] {
  const lines = Array.from({ length: size }, line);
  const places =
    depth === null
      ? sampleIndices(Math.max(size, needles.length), needles.length, random)
      : needles.map(() => Math.round(depth * size));
  return withInserted(lines, places, needles);
}

/** @param places indices into `texts`, ascending, before which each needle goes */
function withInserted(texts: readonly string[], places: readonly number[], needles: readonly string[]): string[] {
  const result: string[] = [];
  let from = 0;
  for (const [i, needle] of needles.entries()) {
    const place = places[i] ?? texts.length;
    result.push(...texts.slice(from, place), needle);
    from = Math.max(from, place);
  }
  return [...result, ...texts.slice(from)];
}

function compose(
  context: string,
  needles: readonly string[],
  given: { queried: readonly string[]; outputs: readonly string[]; valuePart: NeedlePart; one: boolean },
): RulerItem {
  const { queried, outputs, valuePart, one } = given;
  let { template, answerPrefix } = rulerTemplates.niah;
  if (one) {
    // As published: one needle is asked for in the singular.
    const singular = (text: string): string =>
      text.replaceAll('Some', 'A').replaceAll('are all', 'is').replaceAll('are', 'is').replaceAll('answers', 'answer');
    template = singular(template);
    answerPrefix = singular(answerPrefix);
  }
  const last = queried.at(-1) ?? '';
  const query = queried.length > 1 ? `${queried.slice(0, -1).join(', ')}, and ${last}` : last;
  const names = { type_needle_v: one ? valuePart.slice(0, -1) : valuePart, query };
  const input = fill(template, { ...names, context });
  const evidence = needles
    .filter((text) => queried.some((key) => text.includes(` for ${key} is: `)))
    .map((text): [number, number] => {
      const start = input.indexOf(text);
      return [start, start + text.length];
    });
  return { input, answerPrefix: fill(answerPrefix, names), outputs, query, evidence };
}

function draw(part: NeedlePart, { adjectives, nouns }: Words, random: RandomGenerator): string {
  switch (part) {
    case 'numbers':
      return String(uniformInt(random, 1_000_000, 9_999_999));
    case 'words':
      return `${pick(adjectives, random)}-${pick(nouns, random)}`;
    case 'uuids': {
      const hex = letters('0123456789abcdef', 32, random);
      const variant = pick(['8', '9', 'a', 'b'], random);
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
    }
  }
}

/** A key that is not asked for: RULER leaves this to chance. */
function drawOther(part: NeedlePart, keys: readonly string[], words: Words, random: RandomGenerator): string {
  for (;;) {
    const drawn = draw(part, words, random);
    if (!keys.includes(drawn)) return drawn;
  }
}

function distinct(count: number, next: () => string): string[] {
  const found = new Set<string>();
  while (found.size < count) found.add(next());
  return [...found];
}
