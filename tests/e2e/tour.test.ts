import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tourStops } from '../../src/renderer/tour/stops.ts';
import { seriousFindings } from './axe.ts';
import { chromiumOrSkipReason } from './chromium.ts';
import { pictures, startApp } from './start-app.ts';
import type { App } from './start-app.ts';

const chromium = chromiumOrSkipReason();
let app: App;
let page: Page;

const bar = () => page.getByRole('region', { name: 'Tour' });
const stored = (): unknown =>
  (JSON.parse(readFileSync(join(app.folder, 'settings', 'settings.json'), 'utf8')) as Record<string, unknown>)[
    'tour.place'
  ];

describe.skipIf('reason' in chromium)(
  `the tour of the first start${'reason' in chromium ? ` (${chromium.reason})` : ''}`,
  { timeout: 60_000 },
  () => {
    beforeAll(async () => {
      app = await startApp('path' in chromium ? chromium.path : '', { firstStart: true });
      page = app.page;
    });

    afterAll(async () => {
      await app.close();
    });

    it('goes through its stops with Enter alone, opens the page of each, and is over after the last; axe finds nothing serious', async () => {
      const found: string[] = [];
      await bar().waitFor();
      for (const [i, { title, page: place }] of tourStops.entries()) {
        await bar()
          .getByText(`${i + 1} of ${tourStops.length}`)
          .waitFor();
        expect(await bar().locator('strong').textContent()).toBe(title);
        expect(new URL(page.url()).hash.replace('#/', '') || 'home').toBe(place);
        for (const scheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme: scheme });
          await page.screenshot({ path: join(pictures, `tour-${i + 1}-${scheme}.png`) });
          found.push(...(await seriousFindings(page)).map((text) => `${title} ${scheme} ${text}`));
        }
        await page.keyboard.press('Enter');
      }
      await bar().waitFor({ state: 'detached' });
      await expect.poll(stored).toBe('over');
      expect(found).toEqual([]);
    });

    it('does not come again', async () => {
      await page.goto(`${app.origin}/#/home`);
      await page.reload();
      await page.getByRole('heading', { name: 'Home' }).waitFor();
      await page.waitForTimeout(300);
      expect(await bar().count()).toBe(0);
    });

    it('is there again by the palette, goes on where it was after a reload, and Esc ends it', async () => {
      await page.keyboard.press('Control+k');
      await page.getByPlaceholder('What do you want to do?').fill('tour');
      await page.keyboard.press('Enter');
      await bar().getByText('1 of 5').waitFor();
      await bar().getByRole('button', { name: 'Next: The demo' }).click();
      await bar().getByText('2 of 5').waitFor();
      await expect.poll(stored).toBe(1);
      await page.reload();
      await bar().getByText('2 of 5').waitFor();
      await bar().getByRole('button', { name: 'Back' }).click();
      await bar().getByText('1 of 5').waitFor();
      await bar().getByRole('button', { name: 'Skip the tour' }).focus();
      await page.keyboard.press('Escape');
      await bar().waitFor({ state: 'detached' });
      await expect.poll(stored).toBe('over');
      expect(app.complaints).toEqual([]);
    });
  },
);
