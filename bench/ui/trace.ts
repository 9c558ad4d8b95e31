import type { Browser, Page } from 'playwright-core';

export interface FrameCount {
  /** Frames that had something new to show. */
  readonly frames: number;
  /** Of these, frames that were not shown in time. */
  readonly dropped: number;
  /** Shown by the compositor without the main thread's part, which came later. */
  readonly partial: number;
  /** Longest task of the renderer's main thread, in milliseconds, and the processor time of it. */
  readonly longestTask: number;
  readonly longestTaskCpu: number;
  /** Processor time of the renderer's main thread in all tasks, in milliseconds. */
  readonly mainCpu: number;
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: {
    readonly name?: string;
    readonly chrome_frame_reporter?: { readonly state?: string; readonly affects_smoothness?: boolean };
    readonly frame_reporter?: { readonly state?: string; readonly affects_smoothness?: boolean };
  };
}

const categories = ['cc', 'benchmark', 'toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'];

/** Chromium's own account of the frames while `action` goes on (its PipelineReporter), and of the main thread's tasks. */
export async function frames(browser: Browser, page: Page, action: () => Promise<void>): Promise<FrameCount> {
  await browser.startTracing(page, { categories });
  await action();
  const { traceEvents: events } = JSON.parse((await browser.stopTracing()).toString()) as {
    traceEvents: readonly TraceEvent[];
  };
  let [shown, dropped, partial] = [0, 0, 0];
  for (const { name, ph, args } of events) {
    if (name !== 'PipelineReporter' || ph === 'e') continue;
    const { state, affects_smoothness: felt } = args?.chrome_frame_reporter ?? args?.frame_reporter ?? {};
    if (state === 'STATE_DROPPED' && felt === true) dropped += 1;
    else if (state === 'STATE_PRESENTED_PARTIAL') partial += 1;
    else if (state === 'STATE_PRESENTED_ALL') shown += 1;
  }
  const mains = new Set(
    events
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = events.filter(
    ({ name, ph, pid, tid }) => name === 'RunTask' && ph === 'X' && mains.has(`${pid} ${tid}`),
  );
  const inMilliseconds = (microseconds: number | undefined): number => (microseconds ?? 0) / 1000;
  const longest = tasks.reduce<TraceEvent | undefined>(
    (best, task) => ((task.dur ?? 0) > (best?.dur ?? 0) ? task : best),
    undefined,
  );
  return {
    frames: shown + partial + dropped,
    dropped,
    partial,
    longestTask: inMilliseconds(longest?.dur),
    longestTaskCpu: inMilliseconds(longest?.tdur),
    mainCpu: tasks.reduce((sum, { tdur }) => sum + inMilliseconds(tdur), 0),
  };
}
