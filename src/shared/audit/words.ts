/** A word of a text and where it stands, in UTF-16 units. */
export interface Word {
  readonly start: number;
  readonly end: number;
  /** How it is compared: normalised (NFKC), lower case, digits without thousands separators. */
  readonly key: string;
  readonly kind: 'number' | 'letters' | 'character';
  /** It begins with an upper-case letter and does not begin a sentence or a line. */
  readonly capital: boolean;
  /** It begins with a lower-case letter. */
  readonly small: boolean;
}

// Scripts written without spaces: each character counts as a word of its own.
const unspaced =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Khmer}\\p{Script=Lao}';
const pattern = new RegExp(
  `(?<number>\\p{N}+(?:[.,:/-]\\p{N}+)*)|(?<character>[${unspaced}]\\p{M}*)|(?<letters>(?:(?![${unspaced}])[\\p{L}\\p{M}])+)`,
  'gu',
);
const sentenceEnd = /[.!?:;…。！？\n\r"“”«»()[\]*#>|]/u;

/** The words of a text in order; runs in linear time. */
export function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  for (const match of text.matchAll(pattern)) {
    const found = match[0];
    const groups = match.groups ?? {};
    const start = match.index;
    const kind = groups['number'] !== undefined ? 'number' : groups['letters'] !== undefined ? 'letters' : 'character';
    words.push({
      start,
      end: start + found.length,
      key: kind === 'number' ? numberKey(found) : found.normalize('NFKC').toLowerCase(),
      kind,
      capital: kind === 'letters' && /^\p{Lu}/u.test(found) && !beginsSentence(text, start),
      small: kind === 'letters' && /^\p{Ll}/u.test(found),
    });
  }
  return words;
}

function numberKey(text: string): string {
  const plain = text.normalize('NFKC');
  return /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(plain) ? plain.replaceAll(',', '') : plain;
}

function beginsSentence(text: string, start: number): boolean {
  let at = start - 1;
  // A long run of spaces would make this quadratic for a text of nothing else, and means a new line anyway.
  while (at >= 0 && start - at <= 8 && (text[at] === ' ' || text[at] === '\t')) at -= 1;
  return at < 0 || start - at > 8 || sentenceEnd.test(text[at] ?? '');
}
