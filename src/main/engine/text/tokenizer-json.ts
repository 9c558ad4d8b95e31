import { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';
import type { AddedToken } from './added-tokens.ts';
import type { BpeModel } from './bpe.ts';
import type { DecoderStep } from './decoder.ts';
import type { NormalizerStep } from './normalizer.ts';
import { literalPattern, PatternError, translatePattern } from './pattern.ts';
import type { SplitStep } from './pre-tokenizer.ts';

/** What a tokenizer.json describes, ready to run. */
export interface TokenizerPipeline {
  readonly addedTokens: readonly AddedToken[];
  readonly normalizer: readonly NormalizerStep[];
  /** Put before a section that does not start with it: before every one, or only at the start of the text. */
  readonly prefix: { readonly text: string; readonly scheme: 'always' | 'first' } | undefined;
  /** Stands for a space (Metaspace). */
  readonly spaceMark: string | undefined;
  readonly splits: readonly SplitStep[];
  readonly byteLevel: boolean;
  readonly model: BpeModel;
  readonly decoder: readonly DecoderStep[] | undefined;
  /** Where a text may surely be cut: after a word, only before a space, or nowhere that could be proven. */
  readonly cut: 'word' | 'space' | 'none';
}

const pattern = z.union([z.object({ String: z.string() }), z.object({ Regex: z.string() })]);
const step = z.looseObject({ type: z.string() });
type Step = z.infer<typeof step>;

const schema = z.object({
  added_tokens: z
    .array(
      z.object({
        id: z.int().min(0),
        content: z.string().min(1),
        single_word: z.boolean().default(false),
        lstrip: z.boolean().default(false),
        rstrip: z.boolean().default(false),
        normalized: z.boolean().default(true),
        special: z.boolean().default(false),
      }),
    )
    .default([]),
  normalizer: step.nullish(),
  pre_tokenizer: step.nullish(),
  decoder: step.nullish(),
  model: step,
});

const modelSchema = z.object({
  // Checked by hand: a record schema is slow on large vocabularies and mistakes a token "__proto__" for the prototype.
  vocab: z.custom<Readonly<Record<string, number>>>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every((id) => Number.isInteger(id) && id >= 0),
    { error: 'not a map from tokens to ids' },
  ),
  merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
  unk_token: z.string().nullish(),
  dropout: z.number().nullish(),
  continuing_subword_prefix: z.string().nullish(),
  end_of_word_suffix: z.string().nullish(),
  fuse_unk: z.boolean().nullish(),
  byte_fallback: z.boolean().nullish(),
  ignore_merges: z.boolean().nullish(),
});

/** A step as tokenizer.json writes it. */
export interface PreTokenizerJson {
  readonly [field: string]: unknown;
  readonly type: string;
}

const GPT2_PATTERN = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/**
 * Patterns whose matches never run from a letter or digit on to a space or closing punctuation, so that a text may be cut
 * there: GPT-2, Llama 3, Qwen 2 and 2.5, o200k (GPT-4o, Llama 4), Mistral's Tekken, DeepSeek V3.
 */
export const CUTTABLE_PATTERNS: ReadonlySet<string> = new Set([
  GPT2_PATTERN,
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  String.raw`\p{N}{1,3}`,
  String.raw`[一-龥぀-ゟ゠-ヿ]+`,
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
]);

/** Reads one file; carries its name for the error messages. */
class Reader {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  unsupported(field: string, what: string): UserError {
    return new UserError(
      'unsupported',
      `${this.file}: "${field}" uses ${what}, which Longhand cannot reproduce exactly.`,
      {
        hint: 'Use a model with a BPE tokenizer of the GPT-2, Llama, Qwen or Mistral kind.',
        place: { file: this.file, field },
      },
    );
  }

  parse<T>(type: z.ZodType<T>, value: unknown, field: string): T {
    const result = type.safeParse(value);
    if (result.success) return result.data;
    const issue = result.error.issues[0];
    const where = [field, ...(issue?.path ?? [])].filter((part) => part !== '').join('.');
    throw this.invalid(where, issue?.message ?? 'unknown reason');
  }

  invalid(field: string, reason: string): UserError {
    return new UserError('invalid_input', `${this.file}: "${field}" is not valid: ${reason}.`, {
      hint: 'The file is damaged or not a Hugging Face tokenizer.json; download it again.',
      place: { file: this.file, field },
    });
  }

  pattern(value: z.infer<typeof pattern>, field: string): RegExp {
    if ('String' in value) return literalPattern(value.String);
    try {
      return translatePattern(value.Regex);
    } catch (error) {
      if (error instanceof PatternError) throw this.unsupported(field, `a pattern with ${error.message}`);
      throw error;
    }
  }
}

/** Steps of a part that is null, a single step, or a Sequence under `key`. */
function flatten(reader: Reader, part: Step | null | undefined, key: string, field: string): Step[] {
  if (part === null || part === undefined) return [];
  if (part.type !== 'Sequence') return [part];
  const steps = reader.parse(z.array(step), part[key], `${field}.${key}`);
  return steps.flatMap((inner) => flatten(reader, inner, key, field));
}

/**
 * Reads the text of a tokenizer.json.
 * @param preTokenizer what stands in for the file's own pre_tokenizer, where the declared class has one of its own
 * @throws UserError (`invalid_input` for a broken file, `unsupported` for parts outside the exactly reproduced ones).
 */
export function parseTokenizerJson(file: string, text: string, preTokenizer?: PreTokenizerJson): TokenizerPipeline {
  const reader = new Reader(file);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new UserError('invalid_input', `${file} is not valid JSON: ${(cause as Error).message}.`, {
      hint: 'The file is damaged; download it again.',
      place: { file },
      cause,
    });
  }
  const root = reader.parse(schema, json, '');
  const model = readModel(reader, root.model);
  const addedTokens = root.added_tokens.map((token) => ({ ...token, id: model.vocab.get(token.content) ?? token.id }));
  const normalizer = flatten(reader, root.normalizer, 'normalizers', 'normalizer').map((part) =>
    readNormalizer(reader, part),
  );
  const pre = readPreTokenizer(
    reader,
    flatten(reader, preTokenizer ?? root.pre_tokenizer, 'pretokenizers', 'pre_tokenizer'),
  );
  const decoder = root.decoder
    ? flatten(reader, root.decoder, 'decoders', 'decoder').map((part) => readDecoder(reader, part))
    : undefined;
  // Without a pre-tokenizer a whole document is one "word". Where no merge joins something to a following word mark, its
  // words are independent of each other, and cutting there gives the same tokens at a fraction of the cost.
  const mark = '\u{2581}';
  const words = pre.splits.length === 0 && !pre.byteLevel && wordsAreIndependent(model, mark);
  const splits: readonly SplitStep[] = words
    ? [
        {
          pattern: new RegExp(`${mark}*[^${mark}]+|${mark}+`, 'gu'),
          behavior: 'Isolated',
          invert: false,
          unicode16: false,
        },
      ]
    : pre.splits;
  const spacesMarked =
    pre.spaceMark === mark || normalizer.some((part) => part.type === 'replace' && part.content === mark);
  const cut = !cutsAreSafe(addedTokens, normalizer, pre.prefix !== undefined)
    ? 'none'
    : words && spacesMarked
      ? 'space'
      : pre.cut;
  return { addedTokens, normalizer, ...pre, splits, model, decoder, cut };
}

function readModel(reader: Reader, part: Step): BpeModel {
  if (part.type !== 'BPE') throw reader.unsupported('model.type', `a ${part.type} model`);
  const model = reader.parse(modelSchema, part, 'model');
  if (model.dropout) throw reader.unsupported('model.dropout', 'random merges');
  if (model.continuing_subword_prefix) throw reader.unsupported('model.continuing_subword_prefix', 'a subword prefix');
  if (model.end_of_word_suffix) throw reader.unsupported('model.end_of_word_suffix', 'a word suffix');
  const vocab = new Map(Object.entries(model.vocab));
  const merges = model.merges.map((merge, i): [string, string] => {
    const [left, right, ...rest] = typeof merge === 'string' ? merge.split(' ') : merge;
    if (left === undefined || right === undefined || rest.length > 0) {
      throw reader.invalid(`model.merges.${i}`, 'a merge is two tokens');
    }
    for (const token of [left, right, left + right]) {
      if (!vocab.has(token)) {
        throw reader.invalid(`model.merges.${i}`, `the token ${JSON.stringify(token)} is not in the vocabulary`);
      }
    }
    return [left, right];
  });
  return {
    vocab,
    merges,
    unkToken: model.unk_token ?? undefined,
    fuseUnk: model.fuse_unk ?? false,
    byteFallback: model.byte_fallback ?? false,
    ignoreMerges: model.ignore_merges ?? false,
  };
}

function readNormalizer(reader: Reader, part: Step): NormalizerStep {
  switch (part.type) {
    case 'NFC':
      return { type: 'nfc' };
    case 'Prepend':
      return { type: 'prepend', text: reader.parse(z.string(), part['prepend'], 'normalizer.prepend') };
    case 'Replace':
      return {
        type: 'replace',
        pattern: reader.pattern(reader.parse(pattern, part['pattern'], 'normalizer.pattern'), 'normalizer.pattern'),
        content: reader.parse(z.string(), part['content'], 'normalizer.content'),
      };
    default:
      throw reader.unsupported('normalizer', `the step ${part.type}`);
  }
}

type PreTokenizer = Pick<TokenizerPipeline, 'prefix' | 'spaceMark' | 'splits' | 'byteLevel' | 'cut'>;

function readPreTokenizer(reader: Reader, parts: readonly Step[]): PreTokenizer {
  const field = 'pre_tokenizer';
  const splits: SplitStep[] = [];
  let prefix: PreTokenizer['prefix'];
  let spaceMark: string | undefined;
  let byteLevel = false;
  let cuttable = false;
  let spaceCuts = false;
  let known = true;
  for (const [at, part] of parts.entries()) {
    if (byteLevel) throw reader.unsupported(field, `the step ${part.type} after ByteLevel`);
    if (part.type === 'ByteLevel') {
      byteLevel = true;
      if (part['add_prefix_space'] === true) {
        if (at > 0) throw reader.unsupported(field, 'ByteLevel with add_prefix_space after another step');
        prefix = { text: ' ', scheme: 'always' };
      }
      if (part['use_regex'] !== false) {
        splits.push({ pattern: translatePattern(GPT2_PATTERN), behavior: 'Isolated', invert: false, unicode16: true });
        cuttable = true;
      }
    } else if (part.type === 'Digits') {
      const behavior = part['individual_digits'] === true ? 'Isolated' : 'Contiguous';
      splits.push({ pattern: /\p{N}/gu, behavior, invert: false, unicode16: false });
    } else if (part.type === 'Split') {
      const split = readSplit(reader, part);
      splits.push(split.step);
      known &&= split.known;
      cuttable ||= split.known && split.isolatesWords;
    } else if (part.type === 'Metaspace') {
      if (at > 0) throw reader.unsupported(field, 'Metaspace after another step');
      spaceMark = reader.parse(z.string().default('\u{2581}'), part['replacement'], `${field}.replacement`);
      const old = part['add_prefix_space'] === false ? 'never' : 'always';
      const scheme = reader.parse(
        z.enum(['always', 'first', 'never']).default(old),
        part['prepend_scheme'],
        `${field}.prepend_scheme`,
      );
      if (scheme !== 'never') prefix = { text: spaceMark, scheme };
      if (part['split'] !== false) {
        splits.push({
          pattern: literalPattern(spaceMark),
          behavior: 'MergedWithNext',
          invert: false,
          unicode16: false,
        });
        spaceCuts = true;
      }
    } else {
      throw reader.unsupported(field, `the step ${part.type}`);
    }
  }
  const cut = !known ? 'none' : cuttable ? 'word' : spaceCuts ? 'space' : 'none';
  return { prefix, spaceMark, splits, byteLevel, cut };
}

function readSplit(reader: Reader, part: Step): { step: SplitStep; known: boolean; isolatesWords: boolean } {
  const field = 'pre_tokenizer.pattern';
  const source = reader.parse(pattern, part['pattern'], field);
  const behavior = reader.parse(
    z.enum(['Isolated', 'Removed', 'Contiguous', 'MergedWithPrevious', 'MergedWithNext']),
    part['behavior'],
    'pre_tokenizer.behavior',
  );
  const invert = part['invert'] === true;
  const compiled = reader.pattern(source, field);
  const regex = 'Regex' in source ? source.Regex : undefined;
  // Inverted and "Removed" spell the same thing where the pattern covers the text, as the published files do.
  const cutting = behavior === 'Isolated' ? !invert : behavior === 'Removed' && invert;
  return {
    step: { pattern: compiled, behavior, invert, unicode16: regex !== undefined },
    known: regex !== undefined && cutting && CUTTABLE_PATTERNS.has(regex),
    isolatesWords: regex !== undefined && regex.includes('\\s+'),
  };
}

function readDecoder(reader: Reader, part: Step): DecoderStep {
  switch (part.type) {
    case 'ByteLevel':
      return { type: 'byteLevel' };
    case 'ByteFallback':
      return { type: 'byteFallback' };
    case 'Fuse':
      return { type: 'fuse' };
    case 'Replace':
      return {
        type: 'replace',
        pattern: reader.pattern(reader.parse(pattern, part['pattern'], 'decoder.pattern'), 'decoder.pattern'),
        content: reader.parse(z.string(), part['content'], 'decoder.content'),
      };
    case 'Strip':
      return {
        type: 'strip',
        content: reader.parse(z.string(), part['content'], 'decoder.content'),
        start: reader.parse(z.int().min(0), part['start'], 'decoder.start'),
        stop: reader.parse(z.int().min(0), part['stop'], 'decoder.stop'),
      };
    case 'Metaspace':
      return {
        type: 'metaspace',
        replacement: reader.parse(z.string().default('\u{2581}'), part['replacement'], 'decoder.replacement'),
        stripFirst: part['prepend_scheme'] !== 'never' && part['add_prefix_space'] !== false,
      };
    default:
      throw reader.unsupported('decoder', `the step ${part.type}`);
  }
}

/** No merge joins a token to one that starts with the word mark, and nothing else can tie two words together. */
function wordsAreIndependent(model: BpeModel, mark: string): boolean {
  return (
    model.vocab.has(mark) &&
    !model.ignoreMerges &&
    model.merges.every(([left, right]) => !right.startsWith(mark) || left.endsWith(mark))
  );
}

/**
 * Whether a text may be cut between a letter or digit and what follows a word, as far as added tokens and the normaliser
 * are concerned: no added token lies across the cut or looks beyond it.
 */
function cutsAreSafe(tokens: readonly AddedToken[], normalizer: readonly NormalizerStep[], prefixed: boolean): boolean {
  // Text right after an added token starts a section of its own, with a prefix: no added token may end at a cut.
  const sectionsMatter = prefixed || normalizer.some((part) => part.type === 'prepend');
  const simple = normalizer.every(
    (part) => part.type !== 'replace' || (part.pattern.source === ' ' && [...part.content].length === 1),
  );
  const tokensAllow = tokens.every(
    ({ content, single_word, rstrip }) =>
      !/[\p{L}\p{N}][\p{White_Space}.,;:!?()。，、；：！？（）「」]/u.test(content) &&
      !(single_word && /^[^\p{L}\p{N}]/u.test(content)) &&
      !((rstrip || sectionsMatter) && /[\p{L}\p{N}]$/u.test(content)),
  );
  return simple && tokensAllow;
}
