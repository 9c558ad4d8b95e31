import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumOrSkipReason } from './chromium.ts';
import { pictures, startApp } from './start-app.ts';
import type { App } from './start-app.ts';

const chromium = chromiumOrSkipReason();
const resources = join(import.meta.dirname, '..', '..', 'resources', 'demo');
let app: App;
let page: Page;

describe.skipIf('reason' in chromium)(
  `the frame around the pages${'reason' in chromium ? ` (${chromium.reason})` : ''}`,
  { timeout: 60_000 },
  () => {
    beforeAll(async () => {
      app = await startApp('path' in chromium ? chromium.path : '');
      page = app.page;
    });

    afterAll(async () => {
      await app.close();
    });

    it('another browser with the used token, or without one, gets nothing', async () => {
      const stranger = await app.browser.newContext();
      const other = await stranger.newPage();
      for (const address of [app.address, app.origin, `${app.origin}/?token=guess`]) {
        const response = await other.goto(address);
        expect([address, response?.status()]).toEqual([address, 401]);
      }
      await stranger.close();
    });

    it('a page of another origin cannot call it', async () => {
      const stranger = await app.browser.newContext();
      const other = await stranger.newPage();
      await other.goto('about:blank');
      const answer = await other.evaluate(async (origin) => {
        try {
          return (await fetch(`${origin}/api/jobs.list`, { method: 'POST', body: '{}' })).status;
        } catch {
          return 'blocked';
        }
      }, app.origin);
      expect(answer).toBe('blocked');
      await stranger.close();
    });

    it('goes from page to page by keys', async () => {
      for (const [key, title] of [
        ['m', 'Models'],
        ['s', 'System'],
        ['h', 'Home'],
      ] as const) {
        await page.keyboard.press('g');
        await page.keyboard.press(key);
        await page.getByRole('link', { name: title, exact: true }).and(page.locator('[aria-current=page]')).waitFor();
      }
    });

    it('says so where there is no such page', async () => {
      await page.goto(`${app.origin}/#/nowhere`);
      await page.getByText('There is no such page').waitFor();
      await page.goto(`${app.origin}/#/home`);
    });

    it('a key can be changed, is refused where it is taken, and is kept over a reload', async () => {
      await page.keyboard.press('?');
      const dialog = page.getByRole('dialog', { name: 'Keys' });
      const button = dialog.getByRole('button', { name: 'Change the key of "Go to System"' });
      await button.click();
      await page.keyboard.press('?');
      await dialog.getByText('That key is taken by "Keys of this page".').waitFor();
      await button.click();
      await page.keyboard.press('y');
      await button.getByText('Y', { exact: true }).waitFor();
      await page.screenshot({ path: join(pictures, 'keys-light.png') });
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'hidden' });
      await page.reload();
      await page.getByRole('heading', { name: 'Home' }).waitFor();
      await page.keyboard.press('y');
      await page.getByRole('heading', { name: 'System' }).waitFor();
    });

    it('the palette finds commands by typing and shows their keys', async () => {
      await page.keyboard.press('Control+k');
      await page.getByPlaceholder('What do you want to do?').fill('models');
      await page.screenshot({ path: join(pictures, 'palette-light.png') });
      await page.keyboard.press('Enter');
      await page.getByText('No workspace is open').waitFor();
    });

    it('keys do nothing while one types', async () => {
      await page.goto(`${app.origin}/#/home`);
      await page.getByLabel('Open or create a workspace').fill('');
      await page.getByLabel('Open or create a workspace').press('y');
      expect(await page.getByLabel('Open or create a workspace').inputValue()).toBe('y');
      await page.getByLabel('Open or create a workspace').fill(join(app.folder, 'harbour'));
      await page.getByRole('button', { name: 'Create' }).click();
      await page.getByRole('button', { name: /^Workspace\s*harbour$/ }).waitFor();
    });

    it('the drawer has every job with its log', async () => {
      await page.goto(`${app.origin}/#/documents`);
      await page.getByLabel('Import a file or a folder').fill(join(resources, 'documents', 'train', 'harbour-001.txt'));
      await page.getByRole('button', { name: 'Import' }).click();
      await page.getByText('Last import').waitFor();
      await page.locator('h1').click();
      await page.keyboard.press('g');
      await page.keyboard.press('j');
      const drawer = page.getByRole('dialog', { name: 'Jobs' });
      await drawer.getByText(/finished/).waitFor();
      await drawer.getByRole('button', { name: 'Log', exact: true }).click();
      await drawer
        .getByRole('log')
        .getByText(/1 imported/)
        .waitFor();
      await page.screenshot({ path: join(pictures, 'jobs-light.png') });
      await page.keyboard.press('Escape');
      await drawer.waitFor({ state: 'hidden' });
    });

    it('a table sorts, filters and resizes, and remembers it', async () => {
      await page.goto(`${app.origin}/#/models`);
      await page.getByLabel('Model folder').fill(join(resources, 'base-model'));
      await page.getByRole('button', { name: 'Add' }).click();
      await page.getByText('713,856').waitFor();
      await page.goto(`${app.origin}/#/system`);
      const table = page.getByRole('table', { name: 'Events' });
      await page.getByLabel('Filter Events').fill('documents_imported');
      await page.getByText(/^1 of \d+$/).waitFor();
      await page.getByLabel('Filter Events').fill('no such event');
      await page.getByText('Nothing fits').waitFor();
      await page.getByLabel('Filter Events').fill('');
      await table.getByRole('button', { name: 'Kind' }).click();
      const edge = table.getByRole('separator', { name: 'Width of Kind' });
      await edge.focus();
      await page.keyboard.press('ArrowRight');
      expect(await edge.getAttribute('aria-valuenow')).toBe('186');
      const box = await edge.boundingBox();
      if (box === null) throw new Error('the edge is not to be seen');
      await page.mouse.move(box.x + 2, box.y + 4);
      await page.mouse.down();
      await page.mouse.move(box.x + 42, box.y + 4, { steps: 4 });
      await page.mouse.up();
      expect(await edge.getAttribute('aria-valuenow')).toBe('226');
      await page.reload();
      await table.getByRole('columnheader', { name: /Kind/ }).and(page.locator('[aria-sort=ascending]')).waitFor();
      expect(await edge.getAttribute('aria-valuenow')).toBe('226');
    });
  },
);
