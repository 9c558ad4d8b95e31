/**
 * What Python's str methods and re do where JavaScript differs: the published metrics are written in it, and their
 * values are to be the same.
 */

/** What str.split() and str.strip() take for white space (JavaScript lacks the separators U+001C to U+001F and NEL). */
const SPACE = String.raw`[\t-\r\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]`;
const spaces = new RegExp(`${SPACE}+`, 'u');
const atStart = new RegExp(`^${SPACE}+`, 'u');
const atEnd = new RegExp(`${SPACE}+$`, 'u');

/** str.split() */
export function words(text: string): string[] {
  return text.split(spaces).filter((word) => word !== '');
}

/** str.strip() */
export function strip(text: string): string {
  const start = text.replace(atStart, '');
  // A search from the end: the expression alone tries each run of spaces inside the text.
  let end = start.length;
  while (end > 0 && atEnd.test(start.slice(end - 1, end))) end -= 1;
  return start.slice(0, end);
}

/** re.findall(r'\d+') */
export function digitRuns(text: string): string[] {
  return text.match(/\p{Nd}+/gu) ?? [];
}

const PUNCTUATION = /[!-/:-@[-`{-~]/g;
const ARTICLES = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu;

/** An answer as SQuAD compares it: small letters, no ASCII punctuation, no articles, single spaces. */
export function normaliseAnswer(text: string): string {
  return words(text.toLowerCase().replaceAll(PUNCTUATION, '').replaceAll(ARTICLES, ' ')).join(' ');
}
