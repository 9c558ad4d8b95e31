import type { PromptForm } from '../../../../shared/evaluation-tasks.ts';
import { parseInput } from '../../../../shared/parse.ts';
import type { z } from 'zod';
import { fill } from '../ruler/definitions.ts';

/** One item of a published set, ready to be asked. */
export interface PublishedItem {
  readonly question: string;
  readonly expected: string;
  /** The input is these three, one after the other; `context` is the long part. */
  readonly prompt: PromptParts;
  /** Parts of the set that have a figure of their own, such as `hard`. */
  readonly groups: readonly string[];
  /** Figures of an answer, in [0, 1]; `score` is the one that the set's authors report. */
  readonly scores: (answer: string) => Readonly<Record<string, number>> & { readonly score: number };
}

export interface PromptParts {
  readonly before: string;
  readonly context: string;
  readonly after: string;
}

/** How a published set is asked and scored. */
export interface PublishedDefinition {
  readonly maxNewTokens: number;
  readonly prompt: PromptForm;
  /** What is left out of too long an input: its middle, or the end of its context. */
  readonly cut: 'middle' | 'context';
  /** An answer ends at its first line feed. */
  readonly oneLine: boolean;
  /**
   * Reads a row of the file.
   * @param what names the row in an error
   * Errors: `invalid_input` naming file, row and field.
   */
  readonly item: (row: unknown, what: string, file: string, form: PromptForm) => PublishedItem;
}

/** A definition whose rows have a schema. */
export function definition<Row>(
  schema: z.ZodType<Row>,
  {
    item,
    ...rest
  }: Omit<PublishedDefinition, 'item'> & { readonly item: (row: Row, form: PromptForm) => PublishedItem },
): PublishedDefinition {
  return { ...rest, item: (row, what, file, form) => item(parseInput(schema, row, what, file), form) };
}

/**
 * A template filled with an item's fields, each written as {name} in it. What the fields hold is not looked at again.
 * The template must have {context}.
 */
export function promptParts(template: string, { context, ...fields }: Readonly<Record<string, string>>): PromptParts {
  const [before = '', after = ''] = template.split('{context}');
  return { before: fill(before, fields), context: context ?? '', after: fill(after, fields) };
}
