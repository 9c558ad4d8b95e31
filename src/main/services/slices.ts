import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long main's thread may be kept at a time, in milliseconds; well under what a person notices. */
const sliceMs = 20;

/**
 * Does something with each item, a slice of them at a time; between slices main answers others. The work of a slice is
 * one call of `together` (a transaction), so that it is done whole or not at all.
 * @param before is called before each slice with the number of items that are done; what it throws ends the work
 */
export async function inSlices<Item>(
  items: readonly Item[],
  work: (item: Item) => void,
  options: { readonly together?: (slice: () => void) => void; readonly before?: (done: number) => void } = {},
): Promise<void> {
  const { together = (slice) => slice(), before = () => {} } = options;
  for (let done = 0; done < items.length; await nextTurn()) {
    before(done);
    const from = done;
    let at = from;
    together(() => {
      const end = performance.now() + sliceMs;
      for (at = from; at < items.length && (at === from || performance.now() < end); at += 1) work(items[at] as Item);
    });
    done = at;
  }
  before(items.length);
}
