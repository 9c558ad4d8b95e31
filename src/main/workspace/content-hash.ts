import { createHash } from 'node:crypto';

/** SHA-256 of a text in UTF-8, in lower-case hexadecimal. */
export function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** What makes a pair this pair: its long text, chunk, separator, question and both answers. */
export function pairHash(parts: {
  readonly contextSha256: string;
  readonly chunkText: string;
  readonly separator: string;
  readonly question: string;
  readonly chosen: string;
  readonly rejected: string;
}): string {
  const { contextSha256, chunkText, separator, question, chosen, rejected } = parts;
  return sha256(JSON.stringify([contextSha256, chunkText, separator, question, chosen, rejected]));
}

/** JSON with the keys of every object in order, so that equal values have equal text (and hash). */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : part,
  );
}
