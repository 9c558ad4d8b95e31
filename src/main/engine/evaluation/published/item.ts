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
  /** Worked examples before each item; left out: the set is asked without. */
  readonly examples?: ExamplesDefinition;
  /**
   * Reads a row of the file; null: its authors leave it out.
   * @param what names the row in an error
   * Errors: `invalid_input` naming file, row and field.
   */
  readonly row: (row: unknown, what: string, file: string) => PublishedRow | null;
}

export interface PublishedRow {
  /** @param lead the worked examples */
  readonly item: (form: PromptForm, lead: string) => PublishedItem;
  /** The row as a worked example. */
  readonly example?: Example | undefined;
}

/** A row as a worked example, and how those before it are drawn. */
export interface Example {
  /** The same for the same question. */
  readonly id: string;
  readonly text: string;
  /** Seed of numpy's generator. */
  readonly seed: number;
  readonly mayDrawItself: boolean;
}

export interface ExamplesDefinition {
  readonly shots: number;
  /** They are other rows of the set, or of a file of their own, if that is named. */
  readonly from: 'set' | 'file';
  /** What stands before the item. */
  readonly lead: (texts: readonly string[]) => string;
}

/** A definition whose rows have a schema. */
export function definition<Row>(
  schema: z.ZodType<Row>,
  {
    item,
    example,
    asked = () => true,
    ...rest
  }: Omit<PublishedDefinition, 'row'> & {
    readonly item: (row: Row, form: PromptForm, lead: string) => PublishedItem;
    /** @param what a name of the row */
    readonly example?: (row: Row, what: string) => Example;
    readonly asked?: (row: Row) => boolean;
  },
): PublishedDefinition {
  return {
    ...rest,
    row: (given, what, file) => {
      const row = parseInput(schema, given, what, file);
      return asked(row) ? { item: (form, lead) => item(row, form, lead), example: example?.(row, what) } : null;
    },
  };
}

/**
 * A template filled with an item's fields, each written as {name} in it. What the fields hold is not looked at again.
 * The template must have {context}.
 */
export function promptParts(template: string, { context, ...fields }: Readonly<Record<string, string>>): PromptParts {
  const [before = '', after = ''] = template.split('{context}');
  return { before: fill(before, fields), context: context ?? '', after: fill(after, fields) };
}
