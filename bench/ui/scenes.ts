import type { Content } from './in-page.ts';

/** A page to open, and what must be on the screen before it counts as open: its content, not its frame. */
export interface Scene {
  readonly name: string;
  /** What is clicked, after the pages named before it. */
  readonly click: string;
  /** The address that the click is made on, `home` where it is left out. */
  readonly from?: string;
  readonly wanted: readonly Content[];
}

const link = (page: string): string => `nav a[href="#/${page}"]`;
const main = '.main';

export const scenes: readonly Scene[] = [
  { name: 'Home', click: link('home'), from: 'system', wanted: [{ selector: main, text: '20,000' }] },
  { name: 'Models', click: link('models'), wanted: [{ selector: main, text: '713,856' }] },
  {
    name: 'Documents (2,000; the first of 2M characters)',
    click: link('documents'),
    wanted: [
      { selector: `${main} tr`, text: 'Document \\d+', count: 10 },
      { selector: main, text: 'Document 1\\. \\w+' },
    ],
  },
  { name: 'Generate', click: link('generate'), wanted: [{ selector: main, text: '\\{chunk\\}' }] },
  {
    name: 'Pairs (20,000)',
    click: link('pairs'),
    wanted: [
      { selector: main, text: 'Answer \\d+ from the chunk: \\w+' },
      { selector: main, text: 'Answer \\d+ from the document: \\w+' },
      { selector: main, text: 'What does entry \\d+ say' },
    ],
  },
  { name: 'Train', click: link('train'), wanted: [{ selector: main, text: 'Learning rate' }] },
  {
    name: 'Runs (50)',
    click: link('runs'),
    wanted: [{ selector: `${main} tr`, text: 'Run of the bench \\d+', count: 10 }],
  },
  {
    name: 'One run (20,000 steps, 15 metrics)',
    click: `${main} table a[href^="#/runs/"]`,
    from: 'runs',
    // Nine charts that reach the end of the run.
    wanted: [
      { selector: `${main} path.curve`, count: 12 },
      { selector: `${main} .x-tick`, text: '15[,.]?(000|0?[kK])', count: 8 },
    ],
  },
  { name: 'Evaluate', click: link('evaluate'), wanted: [{ selector: `${main} button`, count: 2 }] },
  { name: 'System', click: link('system'), wanted: [{ selector: main, text: 'Node' }] },
];

/** The answer of the pair that is shown. */
export const shownAnswer: Content = { selector: main, text: 'Answer \\d+ from the chunk' };

/** The value in the legend of the loss chart: the newest. */
export const lossLegend: Content = { selector: 'figure[aria-label="Loss"] .chart-legend' };
