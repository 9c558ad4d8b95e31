import type { Page } from 'playwright-core';

/** What must be on the screen: at least `count` elements that fit the selector, and text in one of them. */
export interface Content {
  readonly selector: string;
  /** A regular expression; left out: any text. */
  readonly text?: string;
  readonly count?: number;
}

/** Milliseconds since 1970 (with fractions) of what a person did, and of the frame that showed the answer. */
export interface Response {
  readonly acted: number;
  readonly painted: number;
}

interface Bench {
  acted: number;
  /** Resolves with the time of the first frame after the content is there. */
  painted(wanted: readonly Content[]): Promise<number>;
  textOf(content: Content): string | null;
  /** Times of frames in which the text differed from that of the frame before. */
  follow(content: Content): void;
  changes: { readonly at: number; readonly text: string }[];
}
declare global {
  interface Window {
    bench: Bench;
  }
}

/** Runs in the page before its own scripts: notes when a key or button goes down and when content is painted. */
function install(): void {
  const absolute = (time: number): number => performance.timeOrigin + time;
  const find = ({ selector, text, count = 1 }: Content): Element | undefined => {
    const pattern = text === undefined ? undefined : new RegExp(text);
    const found = [...document.querySelectorAll(selector)].filter(
      (element) => pattern === undefined || pattern.test(element.textContent),
    );
    return found.length >= count ? found[0] : undefined;
  };
  // After the frame in which this is called was drawn.
  const afterPaint = (): Promise<number> =>
    new Promise((resolve) => {
      requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => {
          resolve(absolute(performance.now()));
        };
        channel.port2.postMessage(null);
      });
    });
  const bench: Bench = {
    acted: 0,
    changes: [],
    textOf(content) {
      const pattern = content.text === undefined ? undefined : new RegExp(content.text);
      const text = find(content)?.textContent ?? null;
      return text === null || pattern === undefined ? text : (pattern.exec(text)?.[0] ?? null);
    },
    async painted(wanted) {
      while (!wanted.every((content) => find(content) !== undefined)) {
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      return afterPaint();
    },
    follow(content) {
      let before = bench.textOf(content);
      bench.changes = [];
      const look = (): void => {
        const text = bench.textOf(content);
        if (text !== before && text !== null) {
          before = text;
          void afterPaint().then((at) => bench.changes.push({ at, text }));
        }
      };
      const target = document.querySelector(content.selector);
      if (target !== null) {
        new MutationObserver(look).observe(target, { subtree: true, childList: true, characterData: true });
      }
    },
  };
  window.bench = bench;
  for (const type of ['keydown', 'pointerdown'] as const) {
    window.addEventListener(
      type,
      (event) => {
        bench.acted = absolute(event.timeStamp);
      },
      { capture: true },
    );
  }
}

export async function installBench(page: Page): Promise<void> {
  await page.addInitScript(install);
}

/** Does something and waits until the content that it brings is painted. */
export async function respond(page: Page, act: () => Promise<void>, wanted: readonly Content[]): Promise<Response> {
  await act();
  return page.evaluate(async (contents) => {
    const limit = new Promise<number>((_, reject) =>
      setTimeout(() => {
        reject(new Error(`not painted within 20 s: ${JSON.stringify(contents)}`));
      }, 20_000),
    );
    const painted = await Promise.race([window.bench.painted(contents), limit]);
    return { acted: window.bench.acted, painted };
  }, wanted);
}

export async function textOf(page: Page, content: Content): Promise<string | null> {
  return page.evaluate((wanted) => window.bench.textOf(wanted), content);
}

export async function followText(page: Page, content: Content): Promise<void> {
  await page.evaluate((wanted) => {
    window.bench.follow(wanted);
  }, content);
}

export async function changesSeen(page: Page): Promise<readonly { readonly at: number; readonly text: string }[]> {
  return page.evaluate(() => window.bench.changes);
}
