import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const partSchema = z.looseObject({
  SpecialToken: z.looseObject({ id: z.string() }).optional(),
  Sequence: z.unknown().optional(),
});
const templateSchema = z.looseObject({
  type: z.literal('TemplateProcessing'),
  single: z.array(partSchema),
  special_tokens: z.record(z.string(), z.looseObject({ ids: z.array(z.int()) })),
});
const fileSchema = z.looseObject({
  post_processor: z
    .union([
      templateSchema,
      z.looseObject({ type: z.literal('Sequence'), processors: z.array(z.unknown()) }),
      z.looseObject({ type: z.string() }),
    ])
    .nullish(),
});

/** Tokens that Hugging Face's tokenizer puts before every text by itself (`add_special_tokens=True`), such as `<s>`. */
export async function plainLead(modelDir: string): Promise<Int32Array> {
  const file = fileSchema.parse(JSON.parse(await readFile(join(modelDir, 'tokenizer.json'), 'utf8')));
  const processor = file.post_processor;
  const listed =
    processor !== null && processor !== undefined && 'processors' in processor ? processor.processors : [processor];
  for (const one of Array.isArray(listed) ? listed : []) {
    const template = templateSchema.safeParse(one);
    if (!template.success) continue;
    const { single, special_tokens } = template.data;
    const end = single.findIndex((part) => part.SpecialToken === undefined);
    return Int32Array.from(
      single.slice(0, end).flatMap((part) => special_tokens[part.SpecialToken?.id ?? '']?.ids ?? []),
    );
  }
  return new Int32Array(0);
}
