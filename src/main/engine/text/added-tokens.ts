/** One entry of `added_tokens` in tokenizer.json. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  readonly special: boolean;
}

/** A stretch [start, end) of a text: an added token (`id` set) or ordinary text. */
export interface Section {
  readonly start: number;
  readonly end: number;
  readonly id: number | undefined;
}

// `\w` and `\s` of the Rust regex crate, which decide single_word, lstrip and rstrip.
const WORD_START = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
const WORD_END = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;
const SPACE = /\p{White_Space}/u;

const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/**
 * Finds added tokens in a text: leftmost, longest first, with the single_word / lstrip / rstrip rules of Hugging Face
 * tokenizers (`AddedVocabulary::find_matches`). Linear in the text.
 */
export class AddedTokenMatcher {
  readonly #pattern: RegExp | undefined;
  readonly #byPattern: ReadonlyMap<string, AddedToken>;

  /**
   * `patterns`: what to look for -> token; the text is the content, or its normalised form.
   * @throws SyntaxError where they are too long together to be looked for
   */
  constructor(patterns: ReadonlyMap<string, AddedToken>) {
    this.#byPattern = patterns;
    const contents = [...patterns.keys()].filter((content) => content !== '');
    // Alternatives are tried in order, so the longest comes first.
    contents.sort((a, b) => b.length - a.length);
    this.#pattern = contents.length === 0 ? undefined : new RegExp(contents.map(escapeRegExp).join('|'), 'g');
    // Patterns are compiled at their first use, once for each width of characters.
    for (const text of ['', '\u0100']) this.#pattern?.test(text);
  }

  /** Sections that cover the whole text, in order. */
  split(text: string): Section[] {
    const sections: Section[] = [];
    let covered = 0;
    for (const match of this.#pattern === undefined ? [] : text.matchAll(this.#pattern)) {
      const token = this.#byPattern.get(match[0]);
      if (token === undefined) throw new Error(`No added token for ${match[0]}`);
      let start = match.index;
      let end = start + match[0].length;
      if (token.single_word) {
        const before = text.slice(Math.max(0, start - 2), start);
        if (WORD_END.test(before) || WORD_START.test(text.slice(end, end + 2))) continue;
      }
      if (token.lstrip) {
        while (start > covered && SPACE.test(text.charAt(start - 1))) start--;
      }
      if (token.rstrip) {
        while (end < text.length && SPACE.test(text.charAt(end))) end++;
      }
      if (covered < start) sections.push({ start: covered, end: start, id: undefined });
      sections.push({ start, end, id: token.id });
      covered = end;
    }
    if (covered < text.length) sections.push({ start: covered, end: text.length, id: undefined });
    return sections;
  }
}
