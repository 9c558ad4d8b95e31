import path from 'node:path';
import { UserError } from '../../../shared/errors.ts';
import { AddedTokenMatcher, type AddedToken } from './added-tokens.ts';
import { BpeEncoder } from './bpe.ts';
import { decodeTokens } from './decoder.ts';
import { normalize, normalizeWithAlignment } from './normalizer.ts';
import { preTokenize } from './pre-tokenizer.ts';
import { parseTokenizerJson, type TokenizerPipeline } from './tokenizer-json.ts';
import { classPreTokenizer, readModelFile, readSpecialTokens, type SpecialTokens } from './tokenizer-config.ts';

/** Text to token ids and back, with exactly the ids of Hugging Face tokenizers (add_special_tokens=False). */
export interface Tokenizer {
  /** Highest token id + 1. */
  readonly vocabSize: number;
  /** Content of the special tokens named in the model's files, null where there is none. */
  readonly bosToken: string | null;
  readonly eosToken: string | null;
  readonly padToken: string | null;
  readonly unkToken: string | null;
  /** The eos token's id and those that generation_config.json adds. */
  readonly eosTokenIds: readonly number[];
  /** Ids of the tokens that are marked special. */
  readonly specialIds: ReadonlySet<number>;
  /** Token ids [n]. Nothing is added; special tokens in the text are recognised. Lone surrogates become U+FFFD. */
  encode(text: string): Int32Array;
  /** Token ids [n] and each token's range in the text, in UTF-16 units [n, 2] row-major. */
  encodeWithOffsets(text: string): { ids: Int32Array; offsets: Int32Array };
  /** Number of tokens of a text. */
  count(text: string): number;
  decode(ids: ArrayLike<number>, options?: { skipSpecialTokens?: boolean }): string;
  /** Id of a token by its exact content in the vocabulary. */
  idOf(token: string): number | undefined;
  /** Content of a token; throws RangeError for an id outside the vocabulary. */
  tokenOf(id: number): string;
  /**
   * Position of the last place in `text` where it may be cut so that `encode` of the left part, followed by
   * `encodeContinuation` of the right part, gives the ids of the whole, whatever text follows; 0 if there is none.
   */
  lastSafeCut(text: string): number;
  /** As `encode`, for a text that continues another one after a safe cut. */
  encodeContinuation(text: string): Int32Array;
}

/** Growing list of token ids. */
class IdList {
  #items = new Int32Array(1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  #reserve(more: number): void {
    if (this.#size + more <= this.#items.length) return;
    const grown = new Int32Array(Math.max(this.#items.length * 2, this.#size + more));
    grown.set(this.#items);
    this.#items = grown;
  }

  push(id: number): void {
    this.#reserve(1);
    this.#items[this.#size++] = id;
  }

  append(ids: Int32Array): void {
    this.#reserve(ids.length);
    for (let i = 0; i < ids.length; i++) this.#items[this.#size + i] = ids[i] as number;
    this.#size += ids.length;
  }

  take(): Int32Array {
    return this.#items.slice(0, this.#size);
  }
}

/**
 * Letter or digit before, and after it something that continues neither: no known pattern matches across. The right
 * character is neither a mark nor an apostrophe (contractions), so it begins a pre-token and normalises on its own.
 */
const WORD_BEFORE = /[\p{L}\p{N}]/u;
const BREAK_AFTER = /[\p{White_Space}.,;:!?()。，、；：！？（）「」]/u;

class BpeTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly bosToken: string | null;
  readonly eosToken: string | null;
  readonly padToken: string | null;
  readonly unkToken: string | null;
  readonly eosTokenIds: readonly number[];
  readonly specialIds: ReadonlySet<number>;
  readonly #pipeline: TokenizerPipeline;
  readonly #encoder: BpeEncoder;
  readonly #rawTokens: AddedTokenMatcher;
  readonly #normalizedTokens: AddedTokenMatcher;
  readonly #ids: Map<string, number>;
  readonly #contents: string[] = [];
  readonly #specialContents: ReadonlySet<string>;

  constructor(pipeline: TokenizerPipeline, special: SpecialTokens) {
    this.#pipeline = pipeline;
    this.#encoder = new BpeEncoder(pipeline.model, pipeline.byteLevel);
    const raw = new Map<string, AddedToken>();
    const normalized = new Map<string, AddedToken>();
    this.#ids = new Map(pipeline.model.vocab);
    for (const token of pipeline.addedTokens) {
      this.#ids.set(token.content, token.id);
      if (token.normalized) normalized.set(normalize(token.content, pipeline.normalizer), token);
      else raw.set(token.content, token);
    }
    for (const [content, id] of this.#ids) this.#contents[id] = content;
    this.#rawTokens = new AddedTokenMatcher(raw);
    this.#normalizedTokens = new AddedTokenMatcher(normalized);
    const specials = pipeline.addedTokens.filter((token) => token.special);
    this.specialIds = new Set(specials.map((token) => token.id));
    this.#specialContents = new Set(specials.map((token) => token.content));
    this.vocabSize = this.#contents.length;
    this.bosToken = special.bosToken;
    this.eosToken = special.eosToken;
    this.padToken = special.padToken;
    this.unkToken = special.unkToken;
    const eosId = special.eosToken === null ? undefined : this.#ids.get(special.eosToken);
    this.eosTokenIds = [...new Set([...(eosId === undefined ? [] : [eosId]), ...special.generationEosIds])];
  }

  encode(text: string): Int32Array {
    return this.#encode(text.toWellFormed(), true);
  }

  encodeContinuation(text: string): Int32Array {
    return this.#encode(text.toWellFormed(), false);
  }

  count(text: string): number {
    return this.#encode(text.toWellFormed(), true).length;
  }

  #encode(text: string, atStart: boolean): Int32Array {
    const out = new IdList();
    const encoder = this.#encoder;
    this.#sections(text, atStart, (section, id) => {
      if (id !== undefined) {
        out.push(id);
        return;
      }
      const ranges = preTokenize(section, this.#pipeline.splits);
      for (let i = 0; i < ranges.length; i += 2) {
        out.append(encoder.encode(section.slice(ranges[i], ranges[i + 1])).ids);
      }
    });
    return out.take();
  }

  /** Visits added tokens and, normalised and prefixed, the texts between them. */
  #sections(text: string, atStart: boolean, visit: (section: string, id: number | undefined) => void): void {
    for (const outer of this.#rawTokens.split(text)) {
      if (outer.id !== undefined) {
        visit('', outer.id);
        continue;
      }
      const first = outer.start === 0;
      const whole = text.slice(outer.start, outer.end);
      const normalized = normalize(whole, this.#steps(first, atStart));
      for (const inner of this.#normalizedTokens.split(normalized)) {
        if (inner.id !== undefined) visit('', inner.id);
        else {
          const section = normalized.slice(inner.start, inner.end);
          visit(this.#prefixed(section, first && inner.start === 0, atStart), undefined);
        }
      }
    }
  }

  #steps(first: boolean, atStart: boolean): TokenizerPipeline['normalizer'] {
    const steps = this.#pipeline.normalizer;
    return first && !atStart ? steps.filter((step) => step.type !== 'prepend') : steps;
  }

  /** The section as the pre-tokenizer's splits see it: Metaspace's mark for spaces, and the prefix. */
  #prefixed(section: string, first: boolean, atStart: boolean): string {
    const { prefix, spaceMark } = this.#pipeline;
    const marked = spaceMark === undefined ? section : section.replaceAll(' ', spaceMark);
    if (prefix === undefined || marked.startsWith(prefix.text) || (first && !atStart)) return marked;
    return prefix.scheme === 'always' || first ? prefix.text + marked : marked;
  }

  encodeWithOffsets(text: string): { ids: Int32Array; offsets: Int32Array } {
    const wellFormed = text.toWellFormed();
    const ids = new IdList();
    const offsets = new IdList();
    const add = (id: number, start: number, end: number): void => {
      ids.push(id);
      offsets.push(start);
      offsets.push(end);
    };
    for (const outer of this.#rawTokens.split(wellFormed)) {
      if (outer.id !== undefined) {
        add(outer.id, outer.start, outer.end);
        continue;
      }
      const first = outer.start === 0;
      const normalized = normalizeWithAlignment(wellFormed.slice(outer.start, outer.end), this.#pipeline.normalizer);
      const { text: whole } = normalized;
      const from = (at: number): number => outer.start + (normalized.start?.[at] ?? at);
      const to = (at: number): number => outer.start + (normalized.end?.[at - 1] ?? at);
      for (const inner of this.#normalizedTokens.split(whole)) {
        if (inner.id !== undefined) {
          add(inner.id, from(inner.start), to(inner.end));
          continue;
        }
        const plain = whole.slice(inner.start, inner.end);
        const section = this.#prefixed(plain, first && inner.start === 0, true);
        const added = section.length - plain.length; // the prefix belongs to the first character
        const firstEnd = plain === '' ? 0 : String.fromCodePoint(plain.codePointAt(0) ?? 0).length;
        const ranges = preTokenize(section, this.#pipeline.splits);
        for (let i = 0; i < ranges.length; i += 2) {
          const begin = ranges[i] as number;
          this.#wordOffsets(section.slice(begin, ranges[i + 1]), (id, start, end) => {
            const a = Math.max(begin + start - added, 0);
            const b = begin + end > added ? begin + end - added : firstEnd;
            add(id, from(inner.start + a), to(inner.start + b));
          });
        }
      }
    }
    return { ids: ids.take(), offsets: offsets.take() };
  }

  /** Tokens of a word with their range in its UTF-16 units; a token that is part of a character covers all of it. */
  #wordOffsets(word: string, visit: (id: number, start: number, end: number) => void): void {
    const { ids, bytes } = this.#encoder.encode(word);
    let byte = 0; // start of the token
    let unit = 0; // start of the character that holds it
    let unitByte = 0;
    for (let i = 0; i < ids.length; i++) {
      const end = byte + (bytes[i] as number);
      const size = (): number => utf8Length(word.codePointAt(unit) ?? 0);
      while (unit < word.length && unitByte + size() <= byte) {
        unitByte += size();
        unit += (word.codePointAt(unit) ?? 0) > 0xffff ? 2 : 1;
      }
      let stop = unit;
      let stopByte = unitByte;
      while (stop < word.length && stopByte < end) {
        const code = word.codePointAt(stop) ?? 0;
        stopByte += utf8Length(code);
        stop += code > 0xffff ? 2 : 1;
      }
      visit(ids[i] as number, unit, stop);
      byte = end;
    }
  }

  decode(ids: ArrayLike<number>, options: { skipSpecialTokens?: boolean } = {}): string {
    const tokens: string[] = [];
    for (let i = 0; i < ids.length; i++) {
      const content = this.#contents[ids[i] as number];
      // As Hugging Face does: ids without a token (padding of the embedding) decode to nothing.
      if (content === undefined) continue;
      if (options.skipSpecialTokens === true && this.#specialContents.has(content)) continue;
      tokens.push(content);
    }
    return this.#pipeline.decoder === undefined ? tokens.join(' ') : decodeTokens(tokens, this.#pipeline.decoder);
  }

  idOf(token: string): number | undefined {
    return this.#ids.get(token);
  }

  tokenOf(id: number): string {
    const content = this.#contents[id];
    if (content === undefined) throw new RangeError(`No token has the id ${id}`);
    return content;
  }

  lastSafeCut(text: string): number {
    const { cut } = this.#pipeline;
    if (cut === 'none') return 0;
    for (let at = text.length - 1; at > 0; at--) {
      const before = text.charAt(at - 1);
      const after = text.charAt(at);
      if (
        cut === 'space'
          ? after === ' ' && WORD_BEFORE.test(before)
          : BREAK_AFTER.test(after) && WORD_BEFORE.test(before)
      ) {
        return at;
      }
    }
    return 0;
  }
}

function utf8Length(code: number): number {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

/**
 * Loads the tokenizer of a Hugging Face model folder: tokenizer.json, tokenizer_config.json, special_tokens_map.json and
 * the end-of-sequence ids of generation_config.json.
 * @throws UserError where a file is missing, broken, or describes something that Longhand cannot reproduce exactly.
 */
export async function loadTokenizer(modelDir: string): Promise<Tokenizer> {
  const { file, json } = await readModelFile(path.join(modelDir, 'tokenizer.json'));
  if (json === undefined) {
    throw new UserError('not_found', `The model folder has no tokenizer.json (${file}).`, {
      hint: 'Use a model folder with the fast tokenizer file tokenizer.json; a lone tokenizer.model is not supported.',
      place: { file },
    });
  }
  const config = await readModelFile(path.join(modelDir, 'tokenizer_config.json'));
  const pipeline = parseTokenizerJson(file, json, classPreTokenizer(config));
  const special = readSpecialTokens(
    pipeline,
    config,
    await readModelFile(path.join(modelDir, 'special_tokens_map.json')),
    await readModelFile(path.join(modelDir, 'generation_config.json')),
  );
  try {
    return new BpeTokenizer(pipeline, special);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new UserError('unsupported', `The added tokens in ${file} are too long to be looked for in a text.`, {
      hint: 'Added tokens are names such as <|im_end|>; take the original file of the model.',
      place: { file, field: 'added_tokens' },
      cause,
    });
  }
}
