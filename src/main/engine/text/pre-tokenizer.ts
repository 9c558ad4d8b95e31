import { UserError } from '../../../shared/errors.ts';
import { asUnicode16 } from './pattern.ts';

/** Ranges [start, end) of a text, flat: start0, end0, start1, end1, ... */
export type Ranges = number[];

export type SplitBehavior = 'Isolated' | 'Removed' | 'Contiguous' | 'MergedWithPrevious' | 'MergedWithNext';

/** One step of a tokenizer.json `pre_tokenizer`: cuts at the matches of a pattern (flags `gu`). */
export interface SplitStep {
  readonly pattern: RegExp;
  readonly behavior: SplitBehavior;
  readonly invert: boolean;
  /** The pattern came from a regular expression, so its character classes are those of Unicode 16. */
  readonly unicode16: boolean;
}

/** Pieces of `text`, cut by every step in turn; empty pieces are dropped, as Hugging Face tokenizers do. */
export function preTokenize(text: string, steps: readonly SplitStep[]): Ranges {
  const old = asUnicode16(text);
  let ranges: Ranges = [0, text.length];
  for (const step of steps) {
    const finer: Ranges = [];
    for (let i = 0; i < ranges.length; i += 2) {
      const start = ranges[i] as number;
      const end = ranges[i + 1] as number;
      // Look-around must not see beyond the piece, so each piece is matched as a string of its own.
      const seen = step.unicode16 ? old : text;
      splitPiece(start === 0 && end === seen.length ? seen : seen.slice(start, end), start, step, finer);
    }
    ranges = finer;
  }
  return ranges;
}

/** The next match. The engine's backtracking stack holds about four million characters of one match. */
function next(pattern: RegExp, piece: string): RegExpExecArray | null {
  try {
    return pattern.exec(piece);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new UserError('unsupported', 'The text has a single word of millions of characters, too long to tokenise.', {
      hint: 'Check that the document is text; leave out or break up encoded data in it.',
      cause,
    });
  }
}

function splitPiece(piece: string, offset: number, step: SplitStep, out: Ranges): void {
  const { pattern, behavior, invert } = step;
  // Cuts cover the piece; `flags` says which of them are matches.
  const cuts: number[] = [0];
  const flags: boolean[] = [];
  const add = (end: number, matched: boolean): void => {
    if (end === cuts[cuts.length - 1]) return;
    cuts.push(end);
    flags.push(matched !== invert);
  };
  pattern.lastIndex = 0;
  for (let match = next(pattern, piece); match !== null; match = next(pattern, piece)) {
    add(match.index, false);
    if (match[0] === '') pattern.lastIndex += (piece.codePointAt(match.index) ?? 0) > 0xffff ? 2 : 1;
    else add(match.index + match[0].length, true);
  }
  add(piece.length, false);
  const push = (from: number, to: number): void => {
    out.push(offset + (cuts[from] as number), offset + (cuts[to] as number));
  };
  const count = flags.length;
  if (behavior === 'Isolated') {
    for (let i = 0; i < count; i++) push(i, i + 1);
  } else if (behavior === 'Removed') {
    for (let i = 0; i < count; i++) if (!flags[i]) push(i, i + 1);
  } else {
    // A piece grows while its neighbours belong to it.
    const joins = (i: number): boolean => {
      if (behavior === 'Contiguous') return flags[i] === flags[i - 1];
      if (behavior === 'MergedWithPrevious') return flags[i] === true && flags[i - 1] === false;
      return flags[i] === false && flags[i - 1] === true;
    };
    for (let i = 0; i < count;) {
      let end = i + 1;
      while (end < count && joins(end)) end++;
      push(i, end);
      i = end;
    }
  }
}
