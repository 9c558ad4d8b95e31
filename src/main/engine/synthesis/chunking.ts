import type { ChunkOptions } from '../../../shared/synthesis-config.ts';
import { randomStream, shuffled } from '../random.ts';
import { BoundaryStrength, splitFiner, splitIntoUnits } from './boundaries.ts';
import type { TextUnit } from './boundaries.ts';

/** A part of a document; its text is `document.slice(start, end)` (UTF-16 offsets). */
export interface Chunk {
  /** Place among all chunks of the document, before any was dropped. */
  readonly index: number;
  readonly start: number;
  readonly end: number;
  readonly tokens: number;
}

export interface ChunkResult {
  /** In document order; nothing but white space lies between neighbours, where none was dropped. */
  readonly chunks: readonly Chunk[];
  readonly dropped: readonly (Chunk & { readonly reason: 'short_chunk' | 'not_sampled' })[];
}

export interface ChunkInput {
  readonly text: string;
  readonly markdown: boolean;
  /** Number of tokens of a text on its own, nothing added. */
  readonly countTokens: (text: string) => number;
  /** For the random choice of chunks. */
  readonly seed: number;
  /** Identifies the document in the random choice. */
  readonly documentId: string;
}

/**
 * Cuts a document greedily into chunks of at most `maxTokens` tokens. A chunk ends at the strongest boundary in the second
 * half of what fits (heading, paragraph, sentence, line, word), at the last one of that strength. A word is cut only where
 * it exceeds `maxTokens` alone. Each character is tokenised about twice, so the cost is linear.
 */
export function chunkDocument(input: ChunkInput, options: ChunkOptions): ChunkResult {
  const all = new Packer(input, options).pack();
  const { kept, short } = treatShort(all, input, options);
  const shortSpans = new Set(short);
  const chunks: Chunk[] = [];
  const dropped: ChunkResult['dropped'][number][] = [];
  for (const [index, span] of [...kept, ...short].sort((a, b) => startOf(a) - startOf(b)).entries()) {
    const chunk = { index, start: startOf(span), end: span.units.at(-1)?.end ?? 0, tokens: span.tokens };
    if (shortSpans.has(span)) dropped.push({ ...chunk, reason: 'short_chunk' });
    else chunks.push(chunk);
  }
  const limit = options.maxChunksPerDocument;
  if (limit === null || chunks.length <= limit) return { chunks, dropped };
  const order = shuffled(chunks, randomStream(input.seed, 'chunks', input.documentId));
  const byIndex = (a: Chunk, b: Chunk): number => a.index - b.index;
  const left = order.slice(limit).sort(byIndex);
  return {
    chunks: order.slice(0, limit).sort(byIndex),
    dropped: [...dropped, ...left.map((chunk) => ({ ...chunk, reason: 'not_sampled' as const }))],
  };
}

interface CountedUnit extends TextUnit {
  /** Tokens of the unit with the white space before it. */
  readonly tokens: number;
}

/** A chunk with the units it is made of. */
interface Span {
  readonly units: readonly CountedUnit[];
  readonly tokens: number;
}

class Packer {
  readonly #input: ChunkInput;
  readonly #options: ChunkOptions;
  /** Units still to be packed, the next one last. */
  readonly #source: TextUnit[];

  constructor(input: ChunkInput, options: ChunkOptions) {
    this.#input = input;
    this.#options = options;
    this.#source = splitIntoUnits(input.text, input.markdown).reverse();
  }

  pack(): Span[] {
    const { maxTokens, minTokens } = this.#options;
    const spans: Span[] = [];
    let open: CountedUnit[] = [];
    let tokens = 0;
    for (;;) {
      const next = this.#source.pop();
      if (next === undefined) break;
      const counted = this.#count(next, open.at(-1));
      if (tokens + counted.tokens <= maxTokens) {
        open.push(counted);
        tokens += counted.tokens;
        continue;
      }
      // Too short without a part of the next unit: fill up with its words. A word is cut only where it is over the bound.
      if (tokens < minTokens && this.#mayCut(next)) {
        this.#putBack(splitFiner(this.#input.text, next));
        continue;
      }
      if (open.length === 0) open.push(counted);
      else this.#source.push(next);
      spans.push(this.#close(open));
      open = [];
      tokens = 0;
    }
    while (open.length > 0) {
      const span = this.#exact(open, open.length);
      spans.push(span);
      open = open.slice(span.units.length);
    }
    return spans;
  }

  /** Ends a chunk at the best boundary of the open units; what follows the boundary goes back to the source. */
  #close(open: readonly CountedUnit[]): Span {
    const half = Math.max(this.#options.minTokens, Math.ceil(this.#options.maxTokens / 2));
    let best = open.length;
    let strength: number = Infinity;
    const following = this.#source.at(-1);
    let total = 0;
    for (const [i, unit] of open.entries()) {
      total += unit.tokens;
      const after = open[i + 1]?.strength ?? following?.strength ?? BoundaryStrength.heading;
      if (total >= half && after <= strength) {
        best = i + 1;
        strength = after;
      }
    }
    const span = this.#exact(open, best);
    this.#putBack(open.slice(span.units.length));
    return span;
  }

  #putBack(units: readonly TextUnit[]): void {
    for (const unit of units.toReversed()) this.#source.push(unit);
  }

  #mayCut(unit: TextUnit): boolean {
    const content = this.#input.text.slice(unit.start, unit.end);
    if (/\s/.test(content)) return true;
    return this.#input.countTokens(content) > this.#options.maxTokens && [...content.slice(0, 3)].length > 1;
  }

  /** Counts the whole text once more: tokens of parts need not add up to those of the whole in every tokenizer. */
  #exact(open: readonly CountedUnit[], length: number): Span {
    for (let n = length; ; n -= 1) {
      const units = open.slice(0, n);
      const tokens = this.#input.countTokens(textOf(this.#input.text, units));
      if (tokens <= this.#options.maxTokens || n === 1) return { units, tokens };
    }
  }

  #count(unit: TextUnit, previous: TextUnit | undefined): CountedUnit {
    const tokens = this.#input.countTokens(this.#input.text.slice(previous?.end ?? unit.start, unit.end));
    return { start: unit.start, end: unit.end, strength: unit.strength, tokens };
  }
}

function treatShort(
  spans: readonly Span[],
  input: ChunkInput,
  options: ChunkOptions,
): { kept: readonly Span[]; short: readonly Span[] } {
  if (options.short === 'keep') return { kept: spans, short: [] };
  const kept: Span[] = [];
  const short: Span[] = [];
  for (const span of spans) {
    const previous = kept.at(-1);
    if (span.tokens >= options.minTokens) {
      kept.push(span);
    } else if (options.short === 'merge' && previous !== undefined && isNeighbour(previous, span, input.text)) {
      const merged = merge(previous, span, input, options);
      if (merged === null) short.push(span);
      else kept.splice(-1, 1, ...merged);
    } else {
      short.push(span);
    }
  }
  return { kept, short };
}

/** One chunk of both, or two with the boundary moved so that both keep the bounds; null where neither is possible. */
function merge(a: Span, b: Span, input: ChunkInput, options: ChunkOptions): Span[] | null {
  const units = [...a.units, ...b.units];
  const span = (part: readonly CountedUnit[]): Span => ({
    units: part,
    tokens: input.countTokens(textOf(input.text, part)),
  });
  const whole = span(units);
  if (whole.tokens <= options.maxTokens) return [whole];
  for (let cut = a.units.length - 1; cut >= 1; cut -= 1) {
    const right = units.slice(cut).reduce((sum, unit) => sum + unit.tokens, 0);
    if (right < options.minTokens) continue;
    const parts = [span(units.slice(0, cut)), span(units.slice(cut))];
    const inBounds = parts.every(({ tokens }) => tokens >= options.minTokens && tokens <= options.maxTokens);
    return inBounds ? parts : null;
  }
  return null;
}

function isNeighbour(a: Span, b: Span, text: string): boolean {
  return text.slice(a.units.at(-1)?.end, b.units[0]?.start).trim() === '';
}

function textOf(text: string, units: readonly TextUnit[]): string {
  return text.slice(units[0]?.start, units.at(-1)?.end);
}

function startOf(span: Span): number {
  return span.units[0]?.start ?? 0;
}
