/** Keys in a page of the cache: flash attention reads up to 256 at a time, which must lie in one page. */
export const PAGE = 256;

/** Pages that all sequences share: whole ones, and not the one with the prefix's last key (or an empty prefix's place). */
function sharedPages(prefix: number): number {
  return Math.floor(Math.max(prefix - 1, 0) / PAGE);
}

/** How a batch's cache is laid out in pages; see `pagedDecodeProgram`. */
export interface PageLayout {
  readonly shared: number;
  /** Rows of the prefix behind the shared pages; one of padding where the prefix is empty. */
  readonly rest: number;
  /** The pages of each sequence in order, [batch, pages]: the shared ones, then its own. */
  readonly table: Int32Array;
  readonly pages: number;
}

/** Pages for sequences that share a prefix and have room for `own` more keys each. */
export function pageLayout(prefix: number, own: number, batch: number): PageLayout {
  const shared = sharedPages(prefix);
  const rest = Math.max(prefix, 1) - shared * PAGE;
  const apart = Math.ceil((rest + own) / PAGE);
  const pages = shared + apart;
  const table = Int32Array.from({ length: batch * pages }, (_, i) => {
    const [sequence, page] = [Math.floor(i / pages), i % pages];
    return page < shared ? page : sequence * apart + page;
  });
  return { shared, rest, table, pages };
}

/** The position that a place of the cache has for a sequence which it is not part of. */
const ELSEWHERE = 2 ** 31 - 1;

/** The position of each place of the cache for each sequence [batch, places]. */
export function placesOfPages({ shared, pages }: PageLayout, batch: number): Int32Array {
  const apart = pages - shared;
  const places = (shared + batch * apart) * PAGE;
  const all = new Int32Array(batch * places).fill(ELSEWHERE);
  for (let sequence = 0; sequence < batch; sequence++) {
    const row = all.subarray(sequence * places, (sequence + 1) * places);
    const own = (shared + sequence * apart) * PAGE;
    for (let i = 0; i < shared * PAGE; i++) row[i] = i;
    for (let i = 0; i < apart * PAGE; i++) row[own + i] = shared * PAGE + i;
  }
  return all;
}
