/** Where a chunk stands in its document, as shares of the document's length in [0, 1]. */
export interface ChunkPlace {
  readonly start: number;
  readonly end: number;
}

/** All three in UTF-16 units, as chunk offsets are (a document's `characters` are code points: not these). */
export function chunkPlace(start: number, end: number, documentLength: number): ChunkPlace {
  if (documentLength <= 0) return { start: 0, end: 1 };
  const share = (offset: number): number => Math.min(1, Math.max(0, offset / documentLength));
  return { start: share(start), end: share(end) };
}
