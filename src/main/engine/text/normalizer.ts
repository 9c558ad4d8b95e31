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

function normalizeStep(text: string, step: NormalizerStep): string {
  switch (step.type) {
    case 'nfc':
      return text.normalize('NFC');
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
