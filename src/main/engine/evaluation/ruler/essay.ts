import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../../../shared/errors.ts';
import { parseInput } from '../../../../shared/parse.ts';
import { asReadError, readJsonLines } from '../../../files/json-lines.ts';
import { randomStream } from '../../random.ts';
import { pick } from './draw.ts';
import type { Words } from './words.ts';

const lineSchema = z
  .looseObject({ text: z.string().optional(), context: z.string().optional() })
  .refine((line) => line.text !== undefined || line.context !== undefined, 'text or context is missing');

/**
 * The words of the user's documents one after another, as RULER reads its essays: plain text, or the `text` or `context`
 * of each line of a `.jsonl` file.
 * Errors: `not_found`, `invalid_input` naming file and line, also for documents without a word.
 */
export async function readEssay(paths: readonly string[]): Promise<string[]> {
  const texts: string[] = [];
  for (const path of paths) {
    if (extname(path) === '.jsonl') {
      for await (const { line, value } of readJsonLines(path)) {
        const parsed = parseInput(lineSchema, value, `line ${line}`, path);
        texts.push(parsed.text ?? parsed.context ?? '');
      }
    } else {
      texts.push(
        await readFile(path, 'utf8').catch((error: unknown) => {
          throw asReadError(path, error);
        }),
      );
    }
  }
  const words = texts.join(' ').split(/\s+/).filter(Boolean);
  if (words.length > 0) return words;
  throw new UserError('invalid_input', `${paths.join(', ')}: there is no word to make a haystack of.`, {
    hint: 'Name documents with running text.',
  });
}

const SENTENCES: readonly string[] = [
  'The {a} {n} stood beside the {n} until evening.',
  'Nobody could say why the {n} had been left near the {a} {n}.',
  'In the morning a {n} was found, and it looked {a}.',
  'They spoke about the {n} for an hour, then about a {a} {n}.',
  'Every {n} in the village was {a} in those years.',
  'A {a} {n} is worth more than a {n}, they used to say.',
  'The road led past a {n} and ended at the {a} {n}.',
  'She kept the {n} in a drawer with a {a} {n}.',
  'What the {n} meant to them was never written down.',
  'He drew a {a} {n} on the wall and went home.',
];

/** Running text without a source: sentences drawn from ours and from the word lists, the same for one seed. */
export function builtInEssay({ nouns, adjectives }: Words, seed: number, sentences = 4000): string[] {
  const random = randomStream(seed, 'essay');
  return Array.from({ length: sentences }, () =>
    pick(SENTENCES, random)
      .replaceAll('{n}', () => pick(nouns, random))
      .replaceAll('{a}', () => pick(adjectives, random)),
  )
    .join(' ')
    .split(' ');
}

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

/** Sentences of a text (Unicode UAX 29; RULER takes NLTK's, which are not everywhere at hand). */
export function sentencesOf(text: string): string[] {
  return [...segmenter.segment(text)].map(({ segment }) => segment.trim()).filter((sentence) => sentence !== '');
}
