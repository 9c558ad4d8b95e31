import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, CDPSession, Page } from 'playwright-core';
import type { HostAnswer, HostRequest, LiveUpdate } from './host.ts';
import { changesSeen, followText, installBench, respond, textOf } from './in-page.ts';
import type { Response } from './in-page.ts';
import { longWorks } from './long-works.ts';
import { lossLegend, scenes, shownAnswer } from './scenes.ts';
import type { Scene } from './scenes.ts';
import { frames } from './trace.ts';
import type { FrameCount } from './trace.ts';
import type { ThreadReport } from './watch-thread.ts';

export interface Opening {
  readonly page: string;
  /** From the click to the content painted, in milliseconds: after a reload, and when it was open before. */
  readonly first: readonly number[];
  readonly again: readonly number[];
}

export interface Scrolling {
  readonly what: string;
  readonly runs: readonly FrameCount[];
}

export interface Measured {
  readonly openings: readonly Opening[];
  /** From the key to the next pair painted. */
  readonly verdicts: readonly number[];
  /** From a step stored in main to the value painted, four times a second. */
  readonly chartUpdates: readonly number[];
  readonly chartFrames: FrameCount;
  readonly scrolling: readonly Scrolling[];
  /** Main, part by part. */
  readonly main: Readonly<Record<string, ThreadReport>>;
  /** Highest resident memory of the renderer's process, and its heap in use at the end, in bytes. */
  readonly rendererPeak: number;
  readonly rendererHeap: number;
  readonly browser: string;
}

export interface MeasureOptions {
  readonly workspace: string;
  readonly chromium: string;
  readonly repeats: number;
  readonly log: (line: string) => void;
}

const viewport = { width: 1280, height: 800 };
const waitFor = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
const span = ({ acted, painted }: Response): number => painted - acted;

class Host {
  readonly #child: ChildProcess;
  /** A folder of its own, which a window may use too. */
  readonly scratch = mkdtempSync(join(tmpdir(), 'longhand-ui-bench-'));

  constructor(workspace: string) {
    this.#child = fork(join(import.meta.dirname, 'host.ts'), [workspace, this.scratch], {
      // Values that are no numbers stay what they are.
      serialization: 'advanced',
    });
  }

  /** The next thing that the host says. */
  answer<Kind extends HostAnswer>(): Promise<Kind> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null): void => {
        reject(new Error(`the host ended with ${code}`));
      };
      this.#child.once('message', (value) => {
        this.#child.off('exit', ended);
        resolve(value as Kind); // each request has its kind of answer
      });
      this.#child.once('exit', ended);
    });
  }

  ask<Kind extends HostAnswer>(request: HostRequest): Promise<Kind> {
    const answer = this.answer<Kind>();
    this.#child.send(request);
    return answer;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

/** Starts the host on the workspace, drives Chromium and measures each figure `repeats` times. */
export async function measure({ workspace, chromium: program, repeats, log }: MeasureOptions): Promise<Measured> {
  const host = new Host(workspace);
  let browser: Browser | undefined;
  try {
    const { address } = await host.answer<{ address: string }>();
    browser = await chromium.launch({
      executablePath: program,
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
    });
    const page = await (await browser.newContext({ viewport, colorScheme: 'light' })).newPage();
    page.on('pageerror', (error) => {
      log(`page error: ${error.message}`);
    });
    await installBench(page);
    await page.goto(address);
    const at = new Visitor(page, new URL(address).origin);

    const main: Record<string, ThreadReport> = {};
    const part = async <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
      await host.ask<ThreadReport>({ kind: 'report' });
      const result = await work();
      main[name] = await host.ask<ThreadReport>({ kind: 'report' });
      log(`${name}: done`);
      return result;
    };

    const openings = await part('opening pages', () => measureOpenings(at, repeats, log));
    const verdicts = await part('verdicts', () => measureVerdicts(at, 2 * repeats));
    const live = await part('live charts', () => measureCharts(at, browser as Browser, host, 4 * repeats));
    const scrolling = await part('scrolling', () => measureScrolling(at, browser as Browser, repeats));
    await at.go('home');
    for (const { name, run } of longWorks(page, host.scratch)) await part(name, run);
    return {
      openings,
      verdicts,
      chartUpdates: live.updates,
      chartFrames: live.frames,
      scrolling,
      main,
      ...(await rendererMemory(browser, page)),
      browser: browser.version(),
    };
  } finally {
    await browser?.close();
    await host.close();
  }
}

/** Goes to a page of the application. */
class Visitor {
  readonly page: Page;
  readonly #origin: string;

  constructor(page: Page, origin: string) {
    this.page = page;
    this.#origin = origin;
  }

  /** Loads everything anew at a page; answers kept before are gone. */
  async reload(name: string): Promise<void> {
    await this.page.goto('about:blank');
    await this.page.goto(`${this.#origin}/#/${name}`);
    await this.page.locator('.main h1, .main h2').first().waitFor();
    await waitFor(600);
  }

  async go(name: string): Promise<void> {
    await this.page.goto(`${this.#origin}/#/${name}`);
    await this.page.locator('.main h1, .main h2').first().waitFor();
    await waitFor(400);
  }
}

async function measureOpenings(at: Visitor, repeats: number, log: MeasureOptions['log']): Promise<readonly Opening[]> {
  const openings: Opening[] = [];
  for (const scene of scenes) {
    const [first, again]: [number[], number[]] = [[], []];
    // What does not come counts as missed; the other figures are still worth having.
    const missed = (error: unknown): number => {
      log(`${scene.name}: ${error instanceof Error ? error.message : String(error)}`);
      return Infinity;
    };
    for (let i = 0; i < repeats; i++) {
      await at.reload(scene.from ?? 'home');
      first.push(await open(at, scene).catch(missed));
      await at.go(scene.from ?? 'home');
      again.push(await open(at, scene).catch(missed));
      if (first.includes(Infinity)) break;
    }
    openings.push({ page: scene.name, first, again });
    log(`${scene.name}: ${first.map(Math.round).join(' ')} | ${again.map(Math.round).join(' ')}`);
  }
  return openings;
}

const open = async (at: Visitor, { click, wanted }: Scene): Promise<number> =>
  span(await respond(at.page, () => at.page.locator(click).first().click(), wanted));

async function measureVerdicts(at: Visitor, count: number): Promise<readonly number[]> {
  await at.go('pairs');
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const before = /\d+/.exec((await textOf(at.page, shownAnswer)) ?? '')?.[0] ?? '';
    const next = { ...shownAnswer, text: `Answer (?!${before} )\\d+ from the chunk` };
    const key = ['1', '3', '4', '1', '2'][i % 5] ?? '1';
    times.push(span(await respond(at.page, () => at.page.keyboard.press(key), [next])));
    await waitFor(300);
  }
  return times;
}

const liveRun = 50;

async function measureCharts(
  at: Visitor,
  browser: Browser,
  host: Host,
  updates: number,
): Promise<{ readonly updates: readonly number[]; readonly frames: FrameCount }> {
  await at.go(`runs/${liveRun}`);
  await at.page.locator('figure[aria-label="Loss"] path.curve').first().waitFor();
  await waitFor(3000);
  await followText(at.page, lossLegend);
  let stored: readonly LiveUpdate[] = [];
  const counted = await frames(browser, at.page, async () => {
    stored = await host.ask<readonly LiveUpdate[]>({ kind: 'live', runId: liveRun, updates });
    await waitFor(500);
  });
  const seen = await changesSeen(at.page);
  // Each update changes the value in the legend; what is drawn together with a later one counts until then.
  const times = stored.flatMap(({ at: from }) => {
    const shown = seen.find(({ at: time }) => time > from);
    return shown === undefined ? [] : [shown.at - from];
  });
  if (times.length < updates / 2) throw new Error(`only ${times.length} of ${updates} updates were drawn`);
  return { updates: times, frames: counted };
}

/** A place to scroll: what is scrolled is under the middle of the element. */
const scrolls: readonly { readonly what: string; readonly page: string; readonly over: string }[] = [
  { what: 'pairs list (20,000)', page: 'pairs', over: '[role="listbox"][aria-label="Queue"]' },
  { what: 'document of 2M characters', page: 'documents/1', over: '[aria-label="Text"]' },
  { what: 'documents table (2,000)', page: 'documents/2', over: '.main table.data' },
  { what: 'runs table (50)', page: 'runs', over: 'table[aria-label="Runs"]' },
];

async function measureScrolling(at: Visitor, browser: Browser, repeats: number): Promise<readonly Scrolling[]> {
  const results: Scrolling[] = [];
  for (const { what, page: name, over } of scrolls) {
    await at.go(name);
    const target = at.page.locator(over).first();
    const box = await target.boundingBox({ timeout: 10_000 }).catch(() => null);
    if (box === null) {
      results.push({ what: `${what}: not found on the page`, runs: [] });
      continue;
    }
    const cdp = await at.page.context().newCDPSession(at.page);
    const runs: FrameCount[] = [];
    for (let i = 0; i < repeats; i++) {
      runs.push(
        await frames(browser, at.page, () =>
          scroll(cdp, box.x + box.width / 2, Math.min(box.y + 120, viewport.height - 100), i % 2 === 0 ? 1 : -1),
        ),
      );
    }
    await cdp.detach();
    results.push({ what, runs });
  }
  return results;
}

/** Two seconds of scrolling as fast as a person turns a wheel without rest: 2,400 pixels a second. */
async function scroll(cdp: CDPSession, x: number, y: number, direction: 1 | -1): Promise<void> {
  await cdp.send('Input.synthesizeScrollGesture', {
    ...{ x: Math.round(x), y: Math.round(y), yDistance: -4800 * direction, speed: 2400 },
    ...{ gestureSourceType: 'mouse' as const, preventFling: true },
  });
}

async function rendererMemory(browser: Browser, page: Page): Promise<Pick<Measured, 'rendererPeak' | 'rendererHeap'>> {
  const whole = await browser.newBrowserCDPSession();
  const { processInfo } = await whole.send('SystemInfo.getProcessInfo');
  const peak = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) => Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0) * 1024);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  const { metrics } = await cdp.send('Performance.getMetrics');
  return {
    rendererPeak: Math.max(...peak),
    rendererHeap: metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? 0,
  };
}
