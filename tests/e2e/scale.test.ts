import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generatedWorkspace } from '../../bench/ui/generate-workspace.ts';
import { chromiumOrSkipReason } from './chromium.ts';
import { startApp } from './start-app.ts';
import type { App } from './start-app.ts';

// What keeps long lists and long runs light, counted and not timed: elements on the page, calls and bytes.

const chromium = chromiumOrSkipReason();
let app: App;

const open = async (page: string): Promise<void> => {
  await app.page.goto(`${app.origin}/#/${page}`);
};

/** Elements below the first that fits the selector. */
const elements = (selector: string): Promise<number> =>
  app.page.evaluate((wanted) => document.querySelector(wanted)?.querySelectorAll('*').length ?? -1, selector);

/** Scrolls to a share of the whole, and gives the list two frames to follow. */
const scrollTo = (selector: string, share: number): Promise<void> =>
  app.page.evaluate(
    async ([wanted, part]) => {
      const box = document.querySelector(wanted);
      if (box === null) throw new Error(`${wanted} is not on the page`);
      box.scrollTop = part * box.scrollHeight;
      for (let frame = 0; frame < 2; frame++) await new Promise((resolve) => requestAnimationFrame(resolve));
    },
    [selector, share] as const,
  );

describe.skipIf('reason' in chromium)(
  `a large workspace in Chromium${'reason' in chromium ? ` (${chromium.reason})` : ''}`,
  { timeout: 120_000 },
  () => {
    beforeAll(async () => {
      app = await startApp('path' in chromium ? chromium.path : '');
      const scale = { seed: 5, documents: 100, longest: 400_000, pairs: 2000, runs: 60, steps: 1500 };
      const folder = await generatedWorkspace(join(app.folder, 'cache'), scale);
      await app.page.evaluate(async (workspace) => {
        await fetch('/api/workspaces.open', {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ folder: workspace, create: false }),
        });
      }, folder);
    });

    afterAll(async () => {
      await app.close();
    });

    it.each([
      { what: 'two thousand pairs', page: 'pairs', list: '[role="listbox"][aria-label="Queue"]', most: 400 },
      { what: 'a document of 400,000 characters', page: 'documents/1', list: '[aria-label="Text"]', most: 200 },
      { what: 'sixty runs', page: 'runs', list: '.data-table .scroller', most: 900 },
    ])('$what: only what is in sight exists, wherever the list is scrolled to', async ({ page, list, most }) => {
      await open(page);
      await app.page.locator(list).first().waitFor();
      await app.page.waitForFunction((wanted) => (document.querySelector(wanted)?.textContent.length ?? 0) > 100, list);
      for (const share of [0, 0.3, 0.7, 1]) {
        await scrollTo(list, share);
        const count = await elements(list);
        expect(count).toBeGreaterThan(5);
        expect(count).toBeLessThan(most);
      }
    });

    it('charts of a run: few elements, and a first answer of a bounded size before the history', async () => {
      const answers: { readonly name: string; readonly bytes: number }[] = [];
      app.page.on('response', (response) => {
        const name = /\/api\/(runs\.(?:overview|metrics))$/.exec(response.url())?.[1];
        if (name === undefined) return;
        const noted = ({ length }: Buffer): void => void answers.push({ name, bytes: length });
        // What is under way when the page closes is nobody's answer.
        void response.body().then(noted, () => undefined);
      });
      await open('runs/3');
      await app.page.locator('figure[aria-label="Loss"] path.curve').first().waitFor();
      await expect.poll(() => answers.length).toBeGreaterThan(1);
      expect(answers[0]?.name).toBe('runs.overview');
      expect(answers[0]?.bytes).toBeLessThan(40_000);
      expect(await elements('figure[aria-label="Loss"]')).toBeLessThan(120);
      expect(app.complaints).toEqual([]);
    });
  },
);
