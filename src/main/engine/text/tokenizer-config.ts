import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';
import type { PreTokenizerJson, TokenizerPipeline } from './tokenizer-json.ts';

export interface SpecialTokens {
  readonly bosToken: string | null;
  readonly eosToken: string | null;
  readonly padToken: string | null;
  readonly unkToken: string | null;
  readonly generationEosIds: readonly number[];
}

/** A file of the model folder; `json` is undefined where it does not exist. */
export interface ModelFile {
  readonly file: string;
  readonly json: string | undefined;
}

/** A special token is given by its content, or as an AddedToken object. */
export const specialToken = z
  .union([z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)])
  .nullish();
const tokensSchema = z.looseObject({
  bos_token: specialToken,
  eos_token: specialToken,
  pad_token: specialToken,
  unk_token: specialToken,
});
const configSchema = tokensSchema.extend({
  added_tokens_decoder: z.record(z.string(), z.looseObject({ content: z.string() })).nullish(),
});
const generationSchema = z.looseObject({ eos_token_id: z.union([z.int(), z.array(z.int())]).nullish() });

/** Reads a file of the model folder; `json` stays undefined where it does not exist. */
export async function readModelFile(file: string): Promise<ModelFile> {
  try {
    return { file, json: await readFile(file, 'utf8') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { file, json: undefined };
    throw error;
  }
}

/** Parses one of the model's JSON files; undefined where it does not exist. */
export function parseModelFile<T>(type: z.ZodType<T>, { file, json }: ModelFile): T | undefined {
  if (json === undefined) return undefined;
  const hint = 'The file is damaged; download it again.';
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new UserError('invalid_input', `${file} is not valid JSON: ${(cause as Error).message}.`, {
      hint,
      place: { file },
      cause,
    });
  }
  const result = type.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  throw new UserError('invalid_input', `${file}: "${field}" is not valid: ${issue?.message ?? 'unknown reason'}.`, {
    hint,
    place: { file, field },
  });
}

const classSchema = z.looseObject({ tokenizer_class: z.string().nullish(), add_prefix_space: z.boolean().nullish() });

/**
 * The pre-tokenizer that the class named in tokenizer_config.json brings along instead of tokenizer.json's own, as
 * transformers 5 builds it (tokenization_gpt2.py); undefined for every class that keeps the file's.
 */
export function classPreTokenizer(config: ModelFile): PreTokenizerJson | undefined {
  const declared = parseModelFile(classSchema, config);
  if (declared?.tokenizer_class !== 'GPT2Tokenizer' && declared?.tokenizer_class !== 'GPT2TokenizerFast')
    return undefined;
  return { type: 'ByteLevel', add_prefix_space: declared.add_prefix_space ?? false, use_regex: true };
}

/** The special tokens that a model names: tokenizer_config.json first, special_tokens_map.json where that is silent. */
export function readSpecialTokens(
  pipeline: TokenizerPipeline,
  config: ModelFile,
  map: ModelFile,
  generation: ModelFile,
): SpecialTokens {
  const ids = new Map(pipeline.model.vocab);
  for (const added of pipeline.addedTokens) ids.set(added.content, added.id);
  const fromConfig = parseModelFile(configSchema, config);
  const fromMap = parseModelFile(tokensSchema, map);
  for (const [id, { content }] of Object.entries(fromConfig?.added_tokens_decoder ?? {})) {
    if (ids.get(content) === Number(id)) continue;
    const field = `added_tokens_decoder.${id}`;
    throw new UserError(
      'invalid_input',
      `${config.file}: "${field}" gives ${JSON.stringify(content)} the id ${id}, but tokenizer.json ${
        ids.has(content) ? `says ${ids.get(content)}` : 'does not have this token'
      }.`,
      { hint: 'The two files do not belong together; download both again.', place: { file: config.file, field } },
    );
  }
  const pick = (key: 'bos_token' | 'eos_token' | 'pad_token' | 'unk_token'): string | null => {
    const fromFile = fromConfig !== undefined && key in fromConfig ? config : map;
    const content = (fromFile === config ? fromConfig : fromMap)?.[key] ?? null;
    if (content !== null && !ids.has(content)) {
      throw new UserError(
        'invalid_input',
        `${fromFile.file}: "${key}" is ${JSON.stringify(content)}, which the tokenizer does not have.`,
        {
          hint: 'The file does not belong to this tokenizer.json, or the token was never added to it.',
          place: { file: fromFile.file, field: key },
        },
      );
    }
    return content;
  };
  const eos = parseModelFile(generationSchema, generation)?.eos_token_id ?? [];
  return {
    bosToken: pick('bos_token'),
    eosToken: pick('eos_token'),
    padToken: pick('pad_token'),
    unkToken: pick('unk_token'),
    generationEosIds: typeof eos === 'number' ? [eos] : eos,
  };
}
