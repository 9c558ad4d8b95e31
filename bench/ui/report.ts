import type { Environment } from '../cpu/environment.ts';
import { table } from '../cpu/report.ts';
import type { WorkspaceScale } from './generate-workspace.ts';
import { metricsOfStep } from './generate-workspace.ts';
import type { Measured, Scrolling } from './measure.ts';

/** What the application promises. */
export const targets = {
  openMilliseconds: 500,
  verdictMilliseconds: 100,
  chartMilliseconds: 100,
  droppedShare: 0.05,
  blockedMilliseconds: 50,
  rendererBytes: 600 * 2 ** 20,
} as const;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? NaN) + high) / 2;
}

const whole = (value: number): string => Math.round(value).toLocaleString('en');
const percent = (value: number): string => `${(100 * value).toFixed(1)}%`;
const mebibytes = (bytes: number): string => `${whole(bytes / 2 ** 20)} MiB`;
const verdict = (held: boolean): string => (held ? 'yes' : '**no**');

function times(name: string, values: readonly number[], limit: number): readonly string[] {
  const worst = Math.max(...values);
  return [name, `${values.length}`, whole(median(values)), whole(worst), whole(limit), verdict(worst < limit)];
}

function scrollRow({ what, runs }: Scrolling): readonly string[] {
  const shares = runs.map(({ frames, dropped }) => dropped / Math.max(1, frames));
  const worst = Math.max(...shares);
  const frames = runs.reduce((sum, run) => sum + run.frames, 0);
  const partial = runs.reduce((sum, run) => sum + run.partial, 0);
  return [
    what,
    whole(frames),
    percent(median(shares)),
    percent(worst),
    percent(partial / Math.max(1, frames)),
    whole(Math.max(...runs.map(({ longestTask }) => longestTask))),
    verdict(runs.length > 0 && worst < targets.droppedShare),
  ];
}

/** The results as Markdown. */
export function report(machine: Omit<Environment, 'threads'>, scale: WorkspaceScale, measured: Measured): string {
  const { openings, verdicts, chartUpdates, chartFrames, scrolling, main, rendererPeak, rendererHeap } = measured;
  const head = ['', 'times', 'median, ms', 'worst, ms', 'limit, ms', 'held'];
  const parts = Object.entries(main);
  const slow = parts.flatMap(([part, { slow: calls }]) => calls.slice(0, 3).map((call) => ({ part, ...call })));
  return `# The user interface at scale

${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB.toFixed(0)} GiB; load average at the start ${machine.load.toFixed(2)}${machine.load > 0.5 ? ' (NOT QUIET)' : ''}. Node ${machine.node}, Chromium ${measured.browser} (headless, software rendering); ${machine.date}.

Workspace: ${whole(scale.pairs)} pairs, ${whole(scale.documents)} documents (one of ${whole(scale.longest)} characters), ${scale.runs} runs of ${whole(scale.steps)} steps with ${metricsOfStep} metrics each (${whole(scale.runs * scale.steps * metricsOfStep)} values).

## Opening a page: from the click to its content painted, after a reload

${table(
  head,
  openings.map(({ page, first }) => times(page, first, targets.openMilliseconds)),
)}

The same when it was open before:

${table(
  head,
  openings.map(({ page, again }) => times(page, again, targets.openMilliseconds)),
)}

## Answers

${table(head, [
  times('from the verdict key to the next pair painted', verdicts, targets.verdictMilliseconds),
  times('from a step stored in main to its value painted, 4 times a second', chartUpdates, targets.chartMilliseconds),
])}

While the charts ran: ${percent(chartFrames.dropped / Math.max(1, chartFrames.frames))} of ${whole(chartFrames.frames)} frames dropped, longest task of the renderer's main thread ${whole(chartFrames.longestTask)} ms, ${whole(chartFrames.mainCpu / Math.max(1, chartUpdates.length))} ms of its processor time an update.

## Scrolling, 2,400 pixels a second

${table(['', 'frames', 'dropped, median', 'dropped, worst', 'main thread late', 'longest task, ms', 'under 5%'], scrolling.map(scrollRow))}

## Main

${table(
  [
    'while',
    'statements',
    'delay p99, ms',
    'delay max, ms',
    'longest stretch, ms',
    'its processor time, ms',
    'waited for a core, ms',
    'longest without that wait, ms',
    'under 50 ms',
  ],
  parts.map(([part, { statements, delay, longestStretch, longestOwn }]) => [
    part,
    whole(statements),
    delay.p99.toFixed(1),
    delay.max.toFixed(1),
    longestStretch.milliseconds.toFixed(1),
    longestStretch.cpu.toFixed(1),
    longestStretch.waited.toFixed(1),
    longestOwn.toFixed(1),
    verdict(longestOwn < targets.blockedMilliseconds),
  ]),
)}

${slow.length === 0 ? 'Nothing took longer than 8 ms.' : `What took longest:\n\n${slow.map(({ part, what, milliseconds, cpu, waited }) => `- ${part}: ${milliseconds.toFixed(0)} ms (processor ${cpu.toFixed(0)} ms, waited for a core ${waited.toFixed(0)} ms): \`${what.replaceAll('`', "'")}\``).join('\n')}`}

## Memory

Renderer: ${mebibytes(rendererPeak)} resident at most (limit ${mebibytes(targets.rendererBytes)}: ${verdict(rendererPeak < targets.rendererBytes)}), ${mebibytes(rendererHeap)} of JavaScript's heap in use at the end. Main: ${mebibytes(Math.max(...parts.map(([, { rss }]) => rss)))}.
`;
}
