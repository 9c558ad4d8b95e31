/** A stop of the tour: the page it is about, and what a newcomer should know there. */
export interface TourStop {
  readonly id: string;
  /** Page that is opened for it. */
  readonly page: string;
  readonly title: string;
  readonly text: string;
}

/** The shortest way through the work, once: each stop says what the page is for and what to try. */
export const tourStops: readonly TourStop[] = [
  {
    id: 'home',
    page: 'home',
    title: 'Home',
    text: "A workspace is one folder with an experiment's whole history. Open or create one here; the list of steps says what comes next in it.",
  },
  {
    id: 'demo',
    page: 'home',
    title: 'The demo',
    text: 'It goes the whole way with a small model, on the processor, in one to five minutes. "Run the demo" makes a workspace of its own for it, and shows pairs, loss and figures as they come.',
  },
  {
    id: 'pairs',
    page: 'pairs',
    title: 'Pairs',
    text: 'Here you judge what the model wrote: the answer from the short text against the answer from the long document. Keys 1 to 5 give a verdict, J and K move, Z takes one back.',
  },
  {
    id: 'train',
    page: 'train',
    title: 'Train',
    text: 'Every setting stands with its meaning and default. Before a run, the preflight says whether it fits the memory, and a dry run tries its longest pair.',
  },
  {
    id: 'compare',
    page: 'compare',
    title: 'Compare',
    text: 'Runs side by side: curves, settings that differ, evaluations. This is where you see whether the training did what it should.',
  },
];
