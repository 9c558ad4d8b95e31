import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumOrSkipReason } from './chromium.ts';
import { seriousFindings } from './axe.ts';
import { startApp } from './start-app.ts';
import type { App } from './start-app.ts';

const chromium = chromiumOrSkipReason();
const resources = join(import.meta.dirname, '..', '..', 'resources', 'demo');
let app: App;
let page: Page;

/** A text of about 300,000 tokens of the demo's tokenizer, one line of it unlike all others. */
function longText(): string {
  const lines = Array.from({ length: 24_000 }, (_, i) => `${i + 1}: The pier was mended by Mara on Tuesday.`);
  lines[12_345] = '12346: The lighthouse keeper hid the brass key.';
  return lines.join('\n');
}

const visit = async (name: string): Promise<void> => {
  await page.goto(`${app.origin}/#/${name}`);
};

describe.skipIf('reason' in chromium)(
  `models, documents, generate, system${'reason' in chromium ? ` (${chromium.reason})` : ''}`,
  { timeout: 60_000 },
  () => {
    beforeAll(async () => {
      app = await startApp('path' in chromium ? chromium.path : '');
      page = app.page;
      // The tour for newcomers has a test of its own.
      await page.evaluate(() =>
        fetch('/api/settings.set', {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ key: 'tour.place', value: 'over' }),
        }),
      );
      await page.getByLabel('Open or create a workspace').fill(join(app.folder, 'workspace'));
      await page.getByRole('button', { name: 'Create' }).click();
      await page.getByRole('button', { name: /^Workspace\s*workspace$/ }).waitFor();
      const documents = join(app.folder, 'documents');
      mkdirSync(documents);
      for (let i = 1; i <= 40; i++) {
        const name = `harbour-${String(i).padStart(3, '0')}.txt`;
        copyFileSync(join(resources, 'documents', 'train', name), join(documents, name));
      }
      writeFileSync(join(documents, 'damaged.docx'), 'PK\x03\x04 this is no archive');
    });

    afterAll(async () => {
      await app.close();
    });

    it('a model that cannot be used is described with its problems, and is not added', async () => {
      const broken = join(app.folder, 'broken-model');
      mkdirSync(broken);
      for (const name of ['config.json', 'model.safetensors']) {
        copyFileSync(join(resources, 'base-model', name), join(broken, name));
      }
      await visit('models');
      await page.getByLabel('Model folder').fill(broken);
      await page.getByRole('button', { name: 'Add' }).click();
      await page.getByRole('heading', { name: 'broken-model, not added' }).waitFor();
      await page
        .getByRole('alert')
        .getByText(/tokenizer\.json/)
        .first()
        .waitFor();
    });

    it('a model shows its chat template on an example, and the longest pair that fits into a memory', async () => {
      await page.getByLabel('Model folder').fill(join(resources, 'base-model'));
      await page.getByRole('button', { name: 'Add' }).click();
      const panel = page.getByRole('region', { name: 'Model base-model' });
      await panel.getByText('What is this text about?').waitFor();
      await page.getByRole('figure', { name: 'Memory by length' }).waitFor();
      const fits = panel.getByText(/The longest pair that fits has/);
      const before = await fits.textContent();
      await panel.getByLabel('Memory in GiB').fill('1');
      await expect.poll(() => fits.textContent()).not.toBe(before);
      await panel.getByText('CUDA', { exact: true }).click();
      await panel.getByText('80.0 GiB').first().waitFor();
    });

    it('an import tells of the damaged file and takes the others', async () => {
      await visit('documents');
      await page.getByLabel('Import a file or a folder').fill(join(app.folder, 'documents'));
      await page.getByRole('button', { name: 'Import' }).click();
      await page.getByText(/Last import: 40 documents/).waitFor();
      await page.getByText('damaged.docx').first().waitFor();
    });

    it('finds a place in a document of 300,000 tokens; only what is in sight is on the page', async () => {
      writeFileSync(join(app.folder, 'long.txt'), longText());
      await page.getByLabel('Import a file or a folder').fill(join(app.folder, 'long.txt'));
      await page.getByRole('button', { name: 'Import' }).click();
      await page.getByPlaceholder('Title, kind or source').fill('long.txt'); // the path of every file may have "long" in it
      await page.getByRole('cell', { name: 'long', exact: true }).click();
      await page.getByText('1: The pier was mended').first().waitFor();
      await page.getByPlaceholder(/^Find in this document/).fill('brass key');
      await page.keyboard.press('Enter');
      await page.getByText('12346: The lighthouse keeper hid the').waitFor();
      expect((await page.locator('main').textContent())?.length).toBeLessThan(100_000);
      await page.getByPlaceholder('Title, kind or source').fill('');
    });

    it('a template is edited with a preview, and what is wrong is told at its field', async () => {
      await visit('generate');
      await page.getByRole('combobox', { name: 'Settings' }).click();
      await page.getByRole('option', { name: /Demo/ }).click();
      const instruction = page.getByLabel('Instruction', { exact: true });
      await instruction.fill('Read this:\n{chunk}\nNow ask.');
      const request = page.getByRole('region', { name: 'Request' });
      await request.getByText('Now ask.').waitFor();
      await instruction.fill('Ask.');
      await page.getByText(/lacks the place \{chunk\}/).waitFor();
      await expect.poll(() => page.getByRole('button', { name: 'Generate pairs' }).isDisabled()).toBe(true);
      await page.getByRole('combobox', { name: 'Start from' }).click();
      await page.getByRole('option', { name: 'Demo model', exact: true }).click();
      await page.getByLabel('Question temperature').fill('warm');
      await page.getByText('write a number, such as 0.1 or 1e-4').waitFor();
      await page.getByLabel('Question temperature').fill('0.7');
    });

    it('a generation is paused, resumed and cancelled on its page; its pairs come as they are made', async () => {
      await page.getByLabel('Max tokens', { exact: true }).fill('40');
      await page.getByText(/^Batches/).click();
      await page.getByLabel('Documents per group').fill('1');
      await page.getByRole('button', { name: 'Generate pairs' }).click();
      const panel = page.getByRole('region', { name: /^Generation / });
      await panel.getByRole('button', { name: 'Pause' }).click();
      await panel.getByText('paused').waitFor();
      await panel.getByRole('button', { name: 'Resume' }).click();
      await panel.getByRole('list', { name: 'Newest pairs' }).getByRole('listitem').first().waitFor();
      await panel.getByRole('button', { name: 'Cancel' }).click();
      await panel.getByText('cancelled').waitFor();
      // What was stored stays, and a chunk that was cut can be chosen for the preview.
      await page.getByText(/^chunk \d+ of \d+$/).waitFor();
    });

    it('the self-test runs, and diagnostics are copied', async () => {
      await app.page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: app.origin });
      await visit('system');
      await page.getByRole('heading', { name: /NVIDIA cards: CUDA can/ }).waitFor();
      await page.getByRole('button', { name: 'Run self-test' }).click();
      await page.getByRole('table', { name: 'Checks of the self-test' }).waitFor();
      await page.getByText('Copy diagnostics').click();
      await page.getByText('Copied', { exact: true }).waitFor();
    });

    it('the demo is started on Home and shows what it does', async () => {
      await visit('home');
      await page.getByRole('button', { name: 'Run the demo' }).click();
      const demo = page.getByRole('region', { name: 'Demo' });
      await demo.getByRole('list', { name: 'Newest pairs' }).getByRole('listitem').first().waitFor();
      await demo.getByRole('button', { name: 'Stop' }).click();
      await demo.getByText(/stopped; what it made/).waitFor();
    });

    it('axe finds nothing serious on these pages with what is on them, light and dark', async () => {
      const found: string[] = [];
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        for (const name of ['home', 'models', 'documents', 'generate', 'agreement', 'compare', 'system']) {
          await visit(name);
          await page.getByRole('heading', { level: 1 }).waitFor();
          await page.waitForTimeout(300); // what fades in is there
          found.push(...(await seriousFindings(page)).map((text) => `${name}, ${colorScheme}: ${text}`));
        }
      }
      expect(found).toEqual([]);
    });
  },
);
