import type { PublishedItem } from './item.ts';
import { readPublished } from './read.ts';
import type { PublishedTask } from './read.ts';

/** Characters of prompts that sets may still keep in memory together; what is kept is taken off. */
export interface Keeping {
  left: number;
}

/** A published set that was read to its end and found in order. */
export interface CheckedSet {
  readonly total: number;
  /** The items in order: those kept, else read again. */
  readonly items: () => Iterable<NumberedItem> | AsyncIterable<NumberedItem>;
}

interface NumberedItem {
  readonly index: number;
  readonly item: PublishedItem;
}

/**
 * Reads a published set to its end, and keeps its items as long as there is room for all of them, so that a file is not
 * read once more to be asked. Errors: as `readPublished`.
 */
export async function checkedSet(task: PublishedTask, keeping: Keeping): Promise<CheckedSet> {
  let kept: NumberedItem[] | null = [];
  let characters = 0;
  let total = 0;
  for await (const numbered of readPublished(task)) {
    total += 1;
    if (kept === null) continue;
    const { before, context, after } = numbered.item.prompt;
    characters += before.length + context.length + after.length;
    if (characters > keeping.left) kept = null;
    else kept.push(numbered);
  }
  const items = kept;
  if (items === null) return { total, items: () => readPublished(task) };
  keeping.left -= characters;
  return { total, items: () => items };
}
