/** Thrown where a pattern is outside the part of Oniguruma's syntax that can be carried over exactly. */
export class PatternError extends Error {}

const PIECE =
  /\\[pP]\{(\w+)\}|\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|\\([\s\S])|\(\?(?:i?:|=|!|<=|<!)|\(\?|[*+?}]\+|&&|[\s\S]/gu;
const LETTER_ESCAPES: Readonly<Record<string, string>> = {
  s: '\\p{White_Space}',
  S: '\\P{White_Space}',
  d: '\\p{Nd}',
  D: '\\P{Nd}',
  r: '\\r',
  n: '\\n',
  t: '\\t',
  f: '\\f',
  v: '\\v',
};

/**
 * Carries a regular expression of a tokenizer.json (Oniguruma, Ruby syntax) over to JavaScript with the same matches.
 * Only constructs with the same meaning on both sides are accepted.
 * @throws PatternError for anything else.
 */
export function translatePattern(source: string): RegExp {
  let inClass = false;
  let classStart = false;
  const out: string[] = [];
  for (const match of source.matchAll(PIECE)) {
    const [piece, property, , , escaped] = match;
    const firstInClass = classStart;
    classStart = false;
    if (property !== undefined) {
      out.push(`${piece.slice(0, 2)}{${propertyName(property)}}`);
    } else if (escaped !== undefined) {
      out.push(escapeOf(escaped));
    } else if (piece.startsWith('(?')) {
      if (piece === '(?' && !inClass)
        throw new PatternError(`the group at "${source.slice(match.index, match.index + 4)}"`);
      out.push(piece);
    } else if (inClass) {
      if (piece === '&&' || piece === '[' || (piece === ']' && firstInClass)) {
        throw new PatternError(`"${piece}" inside a character class`);
      }
      if (piece === ']') inClass = false;
      if (piece === '^' && firstInClass) classStart = true;
      out.push(piece);
    } else if (piece.length === 2 && piece.endsWith('+')) {
      throw new PatternError(`the possessive quantifier "${piece}"`);
    } else if (piece === '^' || piece === '$') {
      throw new PatternError(`the anchor "${piece}"`);
    } else if (piece === '.') {
      out.push('[^\\n]');
    } else {
      if (piece === '[') {
        inClass = true;
        classStart = true;
      }
      out.push(piece);
    }
  }
  try {
    return new RegExp(out.join(''), 'gu');
  } catch (cause) {
    throw new PatternError((cause as Error).message);
  }
}

/** A pattern that matches a text literally. */
export function literalPattern(text: string): RegExp {
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'gu');
}

function escapeOf(character: string): string {
  const known = LETTER_ESCAPES[character];
  if (known !== undefined) return known;
  if (/[A-Za-z0-9]/.test(character)) throw new PatternError(`the escape "\\${character}"`);
  return /[\^$\\.*+?()[\]{}|/-]/.test(character) ? (character === '-' ? '\\x2d' : `\\${character}`) : character;
}

function propertyName(name: string): string {
  for (const candidate of [name, `Script=${name}`]) {
    try {
      new RegExp(`\\p{${candidate}}`, 'u');
      return candidate;
    } catch {
      // Not a property of that kind: Oniguruma writes scripts without "Script=".
    }
  }
  throw new PatternError(`the property "${name}"`);
}

/**
 * Code points that Unicode 17 added. Hugging Face tokenizers classify characters by Unicode 16, the JavaScript engine by
 * its own, newer version; this list makes the two agree (checked over all code points against tokenizers 0.23.3).
 */
const NEWER_THAN_UNICODE_16 =
  /[\u{88f}\u{c5c}\u{cdc}\u{1acf}-\u{1add}\u{1ae0}-\u{1aeb}\u{20c1}\u{2b96}\u{a7ce}-\u{a7cf}\u{a7d2}\u{a7d4}\u{a7f1}\u{fbc3}-\u{fbd2}\u{fd90}-\u{fd91}\u{fdc8}-\u{fdce}\u{10940}-\u{10959}\u{10ec5}-\u{10ec7}\u{10ed0}-\u{10ed8}\u{10efa}-\u{10efb}\u{11b60}-\u{11b67}\u{11db0}-\u{11ddb}\u{11de0}-\u{11de9}\u{16ea0}-\u{16eb8}\u{16ebb}-\u{16ed3}\u{16ff2}-\u{16ff6}\u{187f8}-\u{187ff}\u{18d09}-\u{18d1e}\u{18d80}-\u{18df2}\u{1ccfa}-\u{1ccfc}\u{1ceba}-\u{1ced0}\u{1cee0}-\u{1cef0}\u{1e6c0}-\u{1e6de}\u{1e6e0}-\u{1e6f5}\u{1e6fe}-\u{1e6ff}\u{1f6d8}\u{1f777}-\u{1f77a}\u{1f8d0}-\u{1f8d8}\u{1fa54}-\u{1fa57}\u{1fa8a}\u{1fa8e}\u{1fac8}\u{1facd}\u{1faea}\u{1faef}\u{1fbfa}\u{2b73a}-\u{2b73f}\u{2cea2}-\u{2cead}\u{323b0}-\u{33479}]/gu;

/** The text with such characters replaced by unassigned ones of the same length, for matching patterns only. */
export function asUnicode16(text: string): string {
  return text.replace(NEWER_THAN_UNICODE_16, (character) => (character.length === 1 ? '\u{378}' : '\u{1FFFE}'));
}
