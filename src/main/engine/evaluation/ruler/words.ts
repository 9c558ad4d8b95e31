import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { applicationFolder } from '../../../files/application-folder.ts';

/** The word lists of RULER (wonderwords). */
export interface Words {
  readonly nouns: readonly string[];
  readonly adjectives: readonly string[];
  readonly verbs: readonly string[];
  /** All of them once, sorted. */
  readonly all: readonly string[];
}

let loaded: Promise<Words> | undefined;

/** Reads the word lists that come with Longhand, once. */
export function loadWords(): Promise<Words> {
  loaded ??= readLists();
  return loaded;
}

async function readLists(): Promise<Words> {
  const folder = join(applicationFolder(), 'resources', 'evaluation', 'words');
  const list = async (name: string): Promise<string[]> =>
    (await readFile(join(folder, `${name}.txt`), 'utf8')).split('\n').flatMap((line) => {
      const word = line.trim();
      return word === '' ? [] : [word];
    });
  const [nouns, adjectives, verbs] = await Promise.all([list('nouns'), list('adjectives'), list('verbs')]);
  return { nouns, adjectives, verbs, all: [...new Set([...nouns, ...adjectives, ...verbs])].sort() };
}
