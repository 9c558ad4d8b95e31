/** A text after normalisation; `start`/`end` map each UTF-16 unit to [start, end) of the original (absent: unchanged). */
export interface NormalizedText {
  readonly text: string;
  readonly start?: Int32Array;
  readonly end?: Int32Array;
}

/** One step of a tokenizer.json `normalizer`. */
export type NormalizerStep =
  | { readonly type: 'nfc' }
  | { readonly type: 'prepend'; readonly text: string }
  | { readonly type: 'replace'; readonly pattern: RegExp; readonly content: string };

/**
 * Pieces of a text that normalise independently of each other: a character and what can combine with it (marks, Hangul
 * vowel and trailing jamo).
 */
const CLUSTER = /[\s\S][\p{M}\u{1160}-\u{11FF}]*/gu;

/**
 * Characters whose combining class or composition the Rust library's older tables (Unicode 9) lack: it neither reorders nor
 * composes them. Found by comparing all code points with tokenizers 0.23.3.
 */
const UNKNOWN_TO_RUST =
  /([\u{7fd}\u{897}-\u{89f}\u{8ca}-\u{8d3}\u{9fe}\u{c3c}\u{d3b}-\u{d3c}\u{eba}\u{1715}\u{1abf}-\u{1add}\u{1ae0}-\u{1aeb}\u{1df6}-\u{1dfa}\u{a82c}\u{105c9}\u{105d2}\u{105da}\u{105e4}\u{10d24}-\u{10d27}\u{10d69}-\u{10d6d}\u{10eab}-\u{10eac}\u{10efa}-\u{10efb}\u{10efd}-\u{10eff}\u{10f46}-\u{10f50}\u{10f82}-\u{10f85}\u{11070}\u{1133b}\u{11382}-\u{11385}\u{1138b}\u{1138e}\u{11390}-\u{11391}\u{113c2}\u{113c5}\u{113c7}-\u{113c8}\u{113ce}-\u{113d0}\u{1145e}\u{11839}-\u{1183a}\u{11935}\u{11938}\u{1193d}-\u{1193e}\u{11943}\u{119e0}\u{11a34}\u{11a47}\u{11a99}\u{11d42}\u{11d44}-\u{11d45}\u{11d97}\u{11f41}-\u{11f42}\u{1611e}\u{16121}-\u{16129}\u{1612f}\u{16d63}\u{16d67}-\u{16d6a}\u{16ff0}-\u{16ff1}\u{1e08f}\u{1e130}-\u{1e136}\u{1e2ae}\u{1e2ec}-\u{1e2ef}\u{1e4ec}-\u{1e4ef}\u{1e5ee}-\u{1e5ef}\u{1e6e3}\u{1e6e6}\u{1e6ee}-\u{1e6ef}\u{1e6f5}])/u;

/** NFC as the Rust library has it. */
function nfc(text: string): string {
  if (!UNKNOWN_TO_RUST.test(text)) return text.normalize('NFC');
  return text
    .split(UNKNOWN_TO_RUST)
    .map((part, i) => (i % 2 === 1 ? part : part.normalize('NFC')))
    .join('');
}

function normalizeStep(text: string, step: NormalizerStep): string {
  switch (step.type) {
    case 'nfc':
      return nfc(text);
    case 'prepend':
      return text === '' ? text : step.text + text;
    case 'replace':
      return text.replaceAll(step.pattern, () => step.content);
  }
}

/** Applies the steps in order. */
export function normalize(text: string, steps: readonly NormalizerStep[]): string {
  return steps.reduce(normalizeStep, text);
}

/** Applies the steps and keeps track of where each UTF-16 unit came from. */
export function normalizeWithAlignment(text: string, steps: readonly NormalizerStep[]): NormalizedText {
  let current: NormalizedText = { text };
  for (const step of steps) {
    if (normalizeStep(current.text, step) !== current.text) current = aligned(current, step);
  }
  return current;
}

function aligned(before: NormalizedText, step: NormalizerStep): NormalizedText {
  const startOf = (at: number): number => before.start?.[at] ?? at;
  const endOf = (at: number): number => before.end?.[at] ?? at + 1;
  const parts: string[] = [];
  const start: number[] = [];
  const end: number[] = [];
  const emit = (part: string, from: number, to: number): void => {
    parts.push(part);
    for (let i = 0; i < part.length; i++) {
      start.push(startOf(from));
      end.push(endOf(to - 1));
    }
  };
  const copy = (from: number, to: number): void => {
    parts.push(before.text.slice(from, to));
    for (let at = from; at < to; at++) {
      start.push(startOf(at));
      end.push(endOf(at));
    }
  };
  const { text } = before;
  if (step.type === 'prepend') {
    emit(step.text, 0, String.fromCodePoint(text.codePointAt(0) ?? 0).length);
    copy(0, text.length);
  } else {
    let done = 0;
    for (const match of text.matchAll(step.type === 'nfc' ? CLUSTER : step.pattern)) {
      copy(done, match.index);
      done = match.index + match[0].length;
      const changed = normalizeStep(match[0], step);
      if (changed === match[0]) copy(match.index, done);
      else emit(changed, match.index, done);
    }
    copy(done, text.length);
  }
  return { text: parts.join(''), start: Int32Array.from(start), end: Int32Array.from(end) };
}
