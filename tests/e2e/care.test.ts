import { copyFileSync, existsSync, mkdirSync, readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seriousFindings } from './axe.ts';
import { chromiumOrSkipReason } from './chromium.ts';
import { callFrom } from './in-page.ts';
import { pictures, startApp } from './start-app.ts';
import type { App } from './start-app.ts';

const chromium = chromiumOrSkipReason();
const documents = join(import.meta.dirname, '..', '..', 'resources', 'demo', 'documents', 'train');
let app: App;
let page: Page;

const importInto = async (name: string, numbers: readonly number[]): Promise<void> => {
  const folder = join(app.folder, name);
  mkdirSync(folder);
  for (const number of numbers) {
    const file = `harbour-${String(number).padStart(3, '0')}.txt`;
    copyFileSync(join(documents, file), join(folder, file));
  }
  await page.goto(`${app.origin}/#/documents`);
  await page.getByLabel('Import a file or a folder').fill(folder);
  await page.getByRole('button', { name: 'Import' }).click();
  await page.getByText(`Last import: ${numbers.length} documents`).waitFor();
};
const documentsHere = async (): Promise<number | undefined> =>
  (await callFrom<{ documents: number } | null>(page, 'workspaces.current', {}))?.documents;

describe.skipIf('reason' in chromium)(
  `care of a workspace${'reason' in chromium ? ` (${chromium.reason})` : ''}`,
  { timeout: 60_000 },
  () => {
    beforeAll(async () => {
      app = await startApp('path' in chromium ? chromium.path : '');
      page = app.page;
      await page.getByLabel('Open or create a workspace').fill(join(app.folder, 'harbour'));
      await page.getByRole('button', { name: 'Create' }).click();
      await page.getByRole('button', { name: /^Workspace\s*harbour$/ }).waitFor();
    });

    afterAll(async () => {
      await app.close();
    });

    it('backs up, goes back to the copy after a question, and says where the former database is', async () => {
      await importInto('first', [1, 2, 3]);
      await page.goto(`${app.origin}/#/system`);
      const care = page.getByRole('region', { name: 'Workspace care' });
      await care.getByRole('button', { name: 'Back up now' }).click();
      await care.getByText(/^Backed up at .*B\.$/).waitFor();
      await care.getByRole('cell', { name: 'asked for' }).waitFor();
      await importInto('second', [4, 5]);
      expect(await documentsHere()).toBe(5);

      await page.goto(`${app.origin}/#/system`);
      const row = care.getByRole('row').filter({ hasText: 'asked for' });
      await row.getByRole('button', { name: /^Restore the backup of/ }).click();
      await page.getByText(/The present one is kept beside it/).waitFor();
      await page.waitForTimeout(300); // what fades in is there
      await page.screenshot({ path: join(pictures, 'care-restore-light.png') });
      await page.keyboard.press('Escape');
      expect(await documentsHere()).toBe(5);
      await row.getByRole('button', { name: /^Restore the backup of/ }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Restore', exact: true }).click();
      await care.getByText(/the former database is .*workspace-replaced-\d{8}T\d{6}Z\.db/).waitFor();
      await expect.poll(documentsHere).toBe(3);
      expect(readdirSync(join(app.folder, 'harbour')).some((name) => name.startsWith('workspace-replaced-'))).toBe(
        true,
      );
    });

    it('checks, compacts and exports everything, and tells what came of it', async () => {
      const care = page.getByRole('region', { name: 'Workspace care' });
      await care.getByRole('button', { name: 'Check everything' }).click();
      await care.getByText(/looked at: all is well\./).waitFor();
      await care.getByRole('button', { name: 'Compact', exact: true }).click();
      await care.getByText(/^Compacted: .* gained, .* before, .* now\.$/).waitFor();
      await care.getByLabel('Empty or new folder').fill(join(app.folder, 'first'));
      await care.getByRole('button', { name: 'Export', exact: true }).click();
      await care.getByText(/holds other files/).waitFor();
      await care.getByLabel('Empty or new folder').fill(join(app.folder, 'all of it'));
      await care.getByRole('button', { name: 'Export', exact: true }).click();
      await care.getByText(/files and adapters written to/).waitFor();
      expect(existsSync(join(app.folder, 'all of it', 'documents.jsonl'))).toBe(true);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await care.scrollIntoViewIfNeeded();
        await page.screenshot({ path: join(pictures, `care-${colorScheme}.png`) });
        expect(await seriousFindings(page)).toEqual([]);
      }
      await page.emulateMedia({ colorScheme: 'light' });
    });

    it('shows whose works it is packed with, with the text of each licence', async () => {
      const licences = page.getByRole('region', { name: 'Licences' });
      await licences.getByRole('button', { name: 'Show them' }).click();
      await licences.getByLabel('Filter Packages').fill('onnxruntime-node');
      await licences.getByRole('cell', { name: 'onnxruntime-node' }).click();
      await licences
        .getByRole('group', { name: 'Licence of onnxruntime-node' })
        .getByText(/Microsoft Corporation/)
        .waitFor();
      await licences.getByLabel('Filter Packages').fill('');
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme });
        await licences.scrollIntoViewIfNeeded();
        await page.screenshot({ path: join(pictures, `licences-${colorScheme}.png`) });
        expect(await seriousFindings(page)).toEqual([]);
      }
    });

    it('a damaged workspace is put back from Home', async () => {
      await page.goto(`${app.origin}/#/home`);
      await page.getByLabel('Open another workspace').fill(join(app.folder, 'other'));
      await page.getByRole('button', { name: 'Create' }).click();
      await page.getByRole('button', { name: /^Workspace\s*other$/ }).waitFor();
      truncateSync(join(app.folder, 'harbour', 'workspace.db'), 6000);
      await page.getByLabel('Open another workspace').fill(join(app.folder, 'harbour'));
      await page.getByRole('button', { name: 'Open', exact: true }).click();
      await page.getByText(/workspace\.db is damaged/).waitFor();
      await page.getByText('The newest copy is').waitFor();
      const back = page.getByRole('region', { name: 'Backups of the damaged workspace' });
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: join(pictures, `damaged-${colorScheme}.png`) });
        expect(await seriousFindings(page)).toEqual([]);
      }
      await back.getByRole('row').filter({ hasText: 'asked for' }).getByRole('button').click();
      await page.getByRole('dialog').getByRole('button', { name: 'Restore', exact: true }).click();
      await page.getByRole('button', { name: /^Workspace\s*harbour$/ }).waitFor();
      expect(await documentsHere()).toBe(3);
    });
  },
);
