import { loadTokenizer } from '../text/tokenizer.ts';
import type { Job } from './job-context.ts';
import { paced, stopIfAborted } from './job-context.ts';

const ROWS = 100;

/** Counts the tokens of documents, nothing added; reports them in groups. */
export const countTokens: Job<'countTokens'> = async ({ modelDir, documentIds }, context) => {
  const tokenizer = await loadTokenizer(modelDir);
  const progress = paced(context, 'count', 'documents');
  let rows: { id: number; tokens: number }[] = [];
  for (const [index, id] of documentIds.entries()) {
    stopIfAborted(context.signal);
    const { text } = await context.emit({ type: 'readDocument', id });
    rows.push({ id, tokens: tokenizer.count(text) });
    if (rows.length === ROWS || index === documentIds.length - 1) {
      await context.emit({ type: 'counted', rows });
      rows = [];
    }
    progress(index + 1, documentIds.length);
  }
  return { counted: documentIds.length };
};
