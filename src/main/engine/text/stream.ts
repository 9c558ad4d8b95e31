import type { Tokenizer } from './tokenizer.ts';

/** Text that waits before it is cut and tokenised, in UTF-16 units. */
const BLOCK = 1 << 16;

/**
 * Token ids of a text that arrives in pieces, in order; joined they are exactly `encode` of the whole text. Cuts only where
 * the tokenizer surely cuts, so cost is linear and memory bounded by the block and the longest stretch without such a
 * place (the whole text, for a tokenizer that has none).
 */
export async function* encodeStream(
  tokenizer: Tokenizer,
  chunks: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<Int32Array> {
  let waiting: string[] = [];
  let length = 0;
  let limit = BLOCK;
  let started = false;
  const encode = (text: string): Int32Array => {
    const ids = started ? tokenizer.encodeContinuation(text) : tokenizer.encode(text);
    started = true;
    return ids;
  };
  for await (const chunk of chunks) {
    waiting.push(chunk);
    length += chunk.length;
    if (length < limit) continue;
    const text = waiting.join('');
    const cut = tokenizer.lastSafeCut(text);
    if (cut > 0) yield encode(text.slice(0, cut));
    waiting = [text.slice(cut)];
    length -= cut;
    // Doubling keeps the search for a cut linear over all where there is none for long.
    limit = Math.max(BLOCK, 2 * length);
  }
  if (length > 0) yield encode(waiting.join(''));
}

/** Pieces of a text that is in memory already, cut at safe places, as continuations of each other. */
export function* safePieces(tokenizer: Tokenizer, text: string): Generator<string> {
  let start = 0;
  let block = BLOCK;
  while (text.length - start > block) {
    const cut = tokenizer.lastSafeCut(text.slice(start, start + block));
    if (cut > 0) yield text.slice(start, start + cut);
    start += cut;
    block = cut > 0 ? BLOCK : 2 * block;
  }
  if (start < text.length) yield text.slice(start);
}

/** Number of tokens of a text, without holding all of its ids. */
export function countTokens(tokenizer: Tokenizer, text: string): number {
  let count = 0;
  let started = false;
  for (const piece of safePieces(tokenizer, text)) {
    count += (started ? tokenizer.encodeContinuation(piece) : tokenizer.encode(piece)).length;
    started = true;
  }
  return count;
}
