/** The `model` part of a tokenizer.json of type BPE. */
export interface BpeModel {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
  readonly unkToken: string | undefined;
  readonly fuseUnk: boolean;
  readonly byteFallback: boolean;
  readonly ignoreMerges: boolean;
}

/** Tokens of one word: ids, and how many UTF-8 bytes of the word each of them covers. */
export interface WordTokens {
  readonly ids: Int32Array;
  readonly bytes: Int32Array;
}

/** The printable character that stands for each byte in byte-level vocabularies (GPT-2 `bytes_to_unicode`). */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(printable ? byte : next++);
  });
})();

const CACHED_WORDS = 65_536;
const CACHED_LENGTH = 64;
const KEPT_SYMBOLS = 1 << 16;
const POSITIONS = 2 ** 32;

/** Open-addressing table (left id, right id) -> rank and merged id; a Map with number pairs as keys is several times slower. */
class MergeTable {
  readonly #mask: number;
  readonly #left: Int32Array;
  readonly #right: Int32Array;
  readonly #slotRank: Int32Array;
  readonly merged: Int32Array;

  constructor(merges: readonly { left: number; right: number; merged: number }[]) {
    let size = 16;
    while (size < merges.length * 2) size *= 2;
    this.#mask = size - 1;
    this.#left = new Int32Array(size).fill(-1);
    this.#right = new Int32Array(size);
    this.#slotRank = new Int32Array(size);
    this.merged = Int32Array.from(merges, (merge) => merge.merged);
    merges.forEach(({ left, right }, rank) => {
      const slot = this.#slot(left, right);
      this.#left[slot] = left;
      this.#right[slot] = right;
      this.#slotRank[slot] = rank; // a repeated pair keeps its last rank, as a Rust map does
    });
  }

  #slot(left: number, right: number): number {
    let slot = (Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & this.#mask;
    while (this.#left[slot] !== -1 && (this.#left[slot] !== left || this.#right[slot] !== right)) {
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  /** Rank of the pair, or -1. */
  rank(left: number, right: number): number {
    const slot = this.#slot(left, right);
    return this.#left[slot] === -1 ? -1 : (this.#slotRank[slot] as number);
  }
}

/** Binary min-heap of numbers in one growing array. */
class NumberHeap {
  #items = new Float64Array(256);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(value: number): void {
    if (this.#size === this.#items.length) {
      const grown = new Float64Array(this.#size * 2);
      grown.set(this.#items);
      this.#items = grown;
    }
    const items = this.#items;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent] as number;
      if (above <= value) break;
      items[at] = above;
      at = parent;
    }
    items[at] = value;
  }

  pop(): number {
    const items = this.#items;
    const top = items[0] as number;
    const value = items[--this.#size] as number;
    const size = this.#size;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && (items[child + 1] as number) < (items[child] as number)) child++;
      const below = items[child] as number;
      if (below >= value) break;
      items[at] = below;
      at = child;
    }
    items[at] = value;
    return top;
  }

  shrink(): void {
    if (this.#items.length > KEPT_SYMBOLS) this.#items = new Float64Array(256);
    this.#size = 0;
  }
}

/**
 * Byte-pair encoding of single words, with the same merges in the same order as Hugging Face tokenizers
 * (`BPE::merge_word`, `Word::merge_all`): lowest rank first, then leftmost. O(n log n) in the word's length.
 */
export class BpeEncoder {
  readonly #model: BpeModel;
  readonly #merges: MergeTable;
  readonly #unkId: number;
  readonly #byteIds: Int32Array | undefined;
  readonly #fallbackIds: Int32Array | undefined;
  readonly #cache = new Map<string, WordTokens>();
  readonly #heap = new NumberHeap();
  #symbol = new Int32Array(256);
  #length = new Int32Array(256);
  #previous = new Int32Array(256);
  #next = new Int32Array(256);
  #count = 0;

  /** `byteLevel`: the word's UTF-8 bytes are its first symbols (GPT-2 alphabet); otherwise its characters. */
  constructor(model: BpeModel, byteLevel: boolean) {
    this.#model = model;
    const idOf = (token: string): number => {
      const id = model.vocab.get(token);
      if (id === undefined) throw new Error(`merge token ${JSON.stringify(token)} is not in the vocabulary`);
      return id;
    };
    this.#merges = new MergeTable(
      model.merges.map(([left, right]) => ({ left: idOf(left), right: idOf(right), merged: idOf(left + right) })),
    );
    this.#unkId = model.unkToken === undefined ? -1 : (model.vocab.get(model.unkToken) ?? -1);
    this.#byteIds = byteLevel
      ? Int32Array.from(BYTE_CHARACTERS, (character) => model.vocab.get(character) ?? -1)
      : undefined;
    this.#fallbackIds =
      model.byteFallback && !byteLevel
        ? Int32Array.from({ length: 256 }, (_, byte) => {
            return model.vocab.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`) ?? -1;
          })
        : undefined;
  }

  /** Tokens of a well-formed, non-empty word. The result is shared: do not write to it. */
  encode(word: string): WordTokens {
    const cached = this.#cache.get(word);
    if (cached !== undefined) return cached;
    const tokens = this.#whole(word) ?? this.#merge(word);
    if (word.length <= CACHED_LENGTH) {
      if (this.#cache.size >= CACHED_WORDS) this.#cache.clear();
      // A slice would keep the whole document it was cut from alive: store a copy.
      this.#cache.set(Buffer.from(word, 'utf16le').toString('utf16le'), tokens);
    }
    return tokens;
  }

  #whole(word: string): WordTokens | undefined {
    if (!this.#model.ignoreMerges) return undefined;
    const bytes = Buffer.from(word, 'utf8');
    const key = this.#byteIds === undefined ? word : Array.from(bytes, (byte) => BYTE_CHARACTERS[byte]).join('');
    const id = this.#model.vocab.get(key);
    return id === undefined ? undefined : { ids: Int32Array.of(id), bytes: Int32Array.of(bytes.length) };
  }

  #add(id: number, bytes: number): void {
    if (this.#count === this.#symbol.length) {
      const grow = (old: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => {
        const grown = new Int32Array(old.length * 2);
        grown.set(old);
        return grown;
      };
      this.#symbol = grow(this.#symbol);
      this.#length = grow(this.#length);
    }
    this.#symbol[this.#count] = id;
    this.#length[this.#count] = bytes;
    this.#count++;
  }

  #symbols(word: string): void {
    this.#count = 0;
    let unknown = 0; // bytes of a pending unknown token
    const utf8 = Buffer.from(word, 'utf8');
    let at = 0;
    while (at < utf8.length) {
      const lead = utf8[at] as number;
      const size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
      // In a byte-level vocabulary each byte is a character of its own.
      const step = this.#byteIds === undefined ? size : 1;
      const id =
        this.#byteIds === undefined
          ? (this.#model.vocab.get(utf8.toString('utf8', at, at + step)) ?? -1)
          : (this.#byteIds[lead] as number);
      if (id >= 0) {
        if (unknown > 0) this.#add(this.#unkId, unknown);
        unknown = 0;
        this.#add(id, step);
      } else if (!this.#fallback(utf8, at, step) && this.#unkId >= 0) {
        if (unknown > 0 && !this.#model.fuseUnk) {
          this.#add(this.#unkId, unknown);
          unknown = 0;
        }
        unknown += step;
      }
      at += step;
    }
    if (unknown > 0) this.#add(this.#unkId, unknown);
  }

  #fallback(utf8: Uint8Array, at: number, size: number): boolean {
    const table = this.#fallbackIds;
    if (table === undefined) return false;
    for (let i = at; i < at + size; i++) if ((table[utf8[i] as number] as number) < 0) return false;
    for (let i = at; i < at + size; i++) this.#add(table[utf8[i] as number] as number, 1);
    return true;
  }

  #merge(word: string): WordTokens {
    this.#symbols(word);
    const count = this.#count;
    if (this.#next.length < count) {
      this.#next = new Int32Array(this.#symbol.length);
      this.#previous = new Int32Array(this.#symbol.length);
    }
    const symbol = this.#symbol;
    const length = this.#length;
    const previous = this.#previous;
    const next = this.#next;
    const merges = this.#merges;
    const heap = this.#heap;
    // One number orders the queue: rank first, then position.
    const offer = (at: number): void => {
      const rank = merges.rank(symbol[at] as number, symbol[next[at] as number] as number);
      if (rank >= 0) heap.push(rank * POSITIONS + at);
    };
    for (let i = 0; i < count; i++) {
      previous[i] = i - 1;
      next[i] = i + 1 < count ? i + 1 : -1;
    }
    for (let i = 0; i + 1 < count; i++) offer(i);
    let left = count;
    while (heap.size > 0) {
      const top = heap.pop();
      const rank = Math.floor(top / POSITIONS);
      const at = top - rank * POSITIONS;
      const right = next[at] as number;
      // Outdated: the symbol was merged away, or the pair at this place is another one now.
      if (length[at] === 0 || right === -1) continue;
      if (merges.rank(symbol[at] as number, symbol[right] as number) !== rank) continue;
      symbol[at] = merges.merged[rank] as number;
      length[at] = (length[at] as number) + (length[right] as number);
      length[right] = 0;
      const after = next[right] as number;
      next[at] = after;
      if (after !== -1) previous[after] = at;
      left--;
      if ((previous[at] as number) >= 0) offer(previous[at] as number);
      if (after !== -1) offer(at);
    }
    const ids = new Int32Array(left);
    const bytes = new Int32Array(left);
    for (let at = 0, out = 0; out < left; at = next[at] as number, out++) {
      ids[out] = symbol[at] as number;
      bytes[out] = length[at] as number;
    }
    this.#release();
    return { ids, bytes };
  }

  /** Gives the working memory of an unusually long word back. */
  #release(): void {
    this.#heap.shrink();
    if (this.#symbol.length <= KEPT_SYMBOLS) return;
    this.#symbol = new Int32Array(256);
    this.#length = new Int32Array(256);
    this.#previous = new Int32Array(256);
    this.#next = new Int32Array(256);
  }
}
