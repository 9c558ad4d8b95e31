import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorkspace } from '../../src/main/workspace/workspace.ts';
import type { Verdict } from '../../src/shared/pairs.ts';
import { addTwoPairs, shipText } from '../main/workspace/sample-texts.ts';
import { seriousFindings } from './axe.ts';
import { chromiumOrSkipReason } from './chromium.ts';
import { pictures, startApp } from './start-app.ts';
import type { App } from './start-app.ts';

const chromium = chromiumOrSkipReason();
let app: App;
let page: Page;

const greedy = { temperature: 0, topP: 1, topK: 0, maxNewTokens: 14 };
const provenance = {
  modelFingerprint: 'model-a',
  template: { name: 'harbour', sha256: 'a'.repeat(64) },
  sampling: { question: greedy, chosen: greedy, rejected: greedy },
  prompt: '{chunk}\nAsk a question about the text above.',
  separator: '\n\n',
  longRopeTheta: null,
};

/** Ann's verdicts on the pairs 1 to 5; Bob gives his in the browser. */
const annVerdicts: readonly Verdict[] = ['both_good', 'both_good', 'both_bad', 'both_bad', 'broken_instruction'];

/** A workspace with twelve pairs on six documents, of which Ann judged five. */
function makeHome(folder: string): void {
  const workspace = openWorkspace(folder, { create: true });
  try {
    const texts = Array.from({ length: 6 }, (_, i) => shipText(i));
    const sink = workspace.documents.startImport();
    for (const [i, text] of texts.entries()) {
      sink.add({
        ...{ title: `Log ${i}`, text, sourcePath: '', sourceLine: null, importer: i < 4 ? 'txt' : 'md' },
        ...{ bytes: text.length, characters: text.length },
      });
    }
    for (const [i, documentId] of sink.commit().entries()) addTwoPairs(workspace, documentId, i, provenance);
    for (const [i, verdict] of annVerdicts.entries()) {
      workspace.reviews.append({ pairId: i + 1, reviewer: 'ann', verdict, blind: true, milliseconds: 4000 });
    }
  } finally {
    workspace.close();
  }
}

const visit = async (name: string): Promise<void> => {
  await page.goto(`${app.origin}/#/${name}`);
};

const shot = async (name: string): Promise<void> => {
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.screenshot({ path: join(pictures, `${name}-${scheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: 'light' });
};

const openInHome = async (folder: string): Promise<void> => {
  await visit('home');
  await page.getByLabel(/^Open (or create a|another) workspace$/).fill(folder);
  await page.getByRole('button', { name: 'Open', exact: true }).first().click();
};

const reviewerName = 'Name of bob here';

describe.skipIf('reason' in chromium)(
  `an audit in two places${'reason' in chromium ? ` (${chromium.reason})` : ''}`,
  { timeout: 90_000 },
  () => {
    const home = (): string => join(app.folder, 'home');
    const away = (): string => join(app.folder, 'away');
    const bundle = (): string => join(app.folder, 'audit.bundle.jsonl');
    const verdictFile = (): string => join(app.folder, 'bob.verdicts.jsonl');
    const found: string[] = [];

    beforeAll(async () => {
      app = await startApp('path' in chromium ? chromium.path : '');
      page = app.page;
      makeHome(home());
    });

    afterAll(async () => {
      await app.close();
    });

    it('shows the label errors of one reviewer with the warnings that belong to them', async () => {
      await openInHome(home());
      await page.getByRole('button', { name: /^Workspace\s*home$/ }).waitFor();
      await visit('agreement');
      const panel = page.getByRole('region', { name: 'Label error rate' });
      // Wilson for 5 of 5: the lower bound is n / (n + z^2) = 5 / 8.8415 = 56.6%.
      await panel.getByText('100.0% [56.6%, 100.0%]').waitFor();
      const warnings = page.getByRole('region', { name: 'Before quoting these figures' });
      await warnings.getByText('How the pairs were drawn was not recorded').waitFor();
      await warnings.getByText('The sample is small: 5 pairs').waitFor();
      found.push(...(await seriousFindings(page)));
      await shot('agreement-labels');
    });

    it('saves the figures as CSV', async () => {
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Save as CSV' }).click(),
      ]);
      await file.saveAs(join(app.folder, 'rates.csv'));
      const [header, all] = readFileSync(join(app.folder, 'rates.csv'), 'utf8').split('\n');
      expect(header).toMatch(/^by,group,pairs,error_rate,error_low,error_high,/);
      expect(all).toMatch(/^all,all reviewed pairs,5,1,0\.56551\d*,1,0,0,0\.43448\d*,0,0,2,2,1$/);
    });

    it('exports a bundle; a name that belongs to another file is refused in words', async () => {
      await visit('agreement/bundles');
      const form = page.getByRole('region', { name: 'Export a review bundle' });
      await form.getByText('12 of 12 pairs that fit go along').waitFor();
      await form.getByLabel('Order').getByText('as generated').click();
      await form.getByRole('switch', { name: /^Blind/ }).setChecked(false, { force: true });
      await form.getByLabel('Pairs at most').fill('5');
      await form.getByLabel('Note for the annotator').fill('Look at the times of day.');
      await form.getByLabel('Bundle to write').fill('/etc/audit.jsonl');
      await form.getByRole('button', { name: 'Export bundle' }).click();
      await form.getByRole('alert').getByText('outside the folders').waitFor();
      await form.getByLabel('Bundle to write').fill(join(app.folder, 'rates.csv'));
      await form.getByRole('button', { name: 'Export bundle' }).click();
      await form.getByText('is not a review bundle; it was not replaced').waitFor();
      await form.getByLabel('Bundle to write').fill(bundle());
      await form.getByRole('button', { name: 'Export bundle' }).click();
      await form.getByText('5 pairs (').waitFor();
      expect(existsSync(bundle())).toBe(true);
      found.push(...(await seriousFindings(page)));
      await shot('agreement-bundles');
    });

    it('opens the bundle in a workspace of its own, which begins with the review', async () => {
      await visit('home');
      await page.getByLabel('Review bundle', { exact: true }).fill(join(app.folder, 'rates.csv'));
      await page.getByLabel('Folder for the audit (new or empty)').fill(away());
      await page.getByRole('button', { name: 'Open bundle' }).click();
      await page.getByText('is not a review bundle.').first().waitFor();
      await page.getByLabel('Review bundle', { exact: true }).fill(bundle());
      await page.getByRole('button', { name: 'Open bundle' }).click();
      await page.getByRole('heading', { name: 'Pairs' }).waitFor();
      await page.getByRole('button', { name: /^Workspace\s*away$/ }).waitFor();
    });

    it('five pairs are judged there by keys', async () => {
      await page.getByLabel('Reviewer', { exact: true }).fill('bob');
      await page.getByLabel('Reviewer', { exact: true }).press('Enter');
      // Both good, both good, both bad, both good, broken: Bob differs from Ann on the fourth pair only.
      for (const [i, key] of ['3', '3', '4', '3', '5'].entries()) {
        await page.getByRole('region', { name: `Pair #${i + 1}`, exact: true }).waitFor();
        await page.keyboard.press(key);
      }
      await page.getByText('5 of 5 reviewed').waitFor();
    });

    it('the verdicts leave as a file', async () => {
      await visit('agreement/bundles');
      const panel = page.getByRole('region', { name: 'This audit' });
      await panel.getByText('5 of 5 pairs').waitFor();
      await panel.getByText('Look at the times of day.').waitFor();
      await panel.getByLabel('Verdict file to write').fill(verdictFile());
      await panel.getByRole('button', { name: 'Export verdicts' }).click();
      await panel.getByText('5 reviews written to').waitFor();
      found.push(...(await seriousFindings(page)));
      await shot('agreement-audit');
    });

    it('they come home: a preview, a conflict with a choice, the import', async () => {
      await openInHome(home());
      await page.getByRole('button', { name: /^Workspace\s*home$/ }).waitFor();
      await visit('agreement/bundles');
      const form = page.getByRole('region', { name: 'Import verdicts' });
      await form.getByLabel('Verdict file', { exact: true }).fill(verdictFile());
      await form.getByRole('button', { name: 'Preview' }).click();
      await form.getByText('There are no conflicts.').waitFor();
      // As if Bob had called himself Ann: five verdicts of the same reviewer.
      await form.getByLabel(reviewerName).fill('ann');
      await form.getByLabel(reviewerName).press('Tab');
      const kinds = form.getByRole('table', { name: 'Kinds of conflicts' });
      await kinds.getByText('The reviewer has a verdict on it here already').waitFor();
      await form.getByText('5 left out').waitFor();
      await form.getByRole('table', { name: 'Conflicts', exact: true }).getByText('left out').first().waitFor();
      found.push(...(await seriousFindings(page)));
      await shot('agreement-import');
      await kinds.getByText('import', { exact: true }).click();
      await form.getByText('0 left out').waitFor();
      await form.getByLabel(reviewerName).fill('bob');
      await form.getByLabel(reviewerName).press('Tab');
      await form.getByText('There are no conflicts.').waitFor();
      await form.getByRole('button', { name: 'Import 5 reviews' }).click();
      await form.getByText('5 reviews imported, 0 left out.').waitFor();
      await form.getByRole('button', { name: 'Preview' }).click();
      await form.getByText('There is nothing new to import.').waitFor();
    });

    it('kappa of the two is the one computed by hand, and the disagreement opens its pair', async () => {
      await visit('agreement/annotators');
      // Agreement 4/5; by chance (2*3 + 2*1 + 1*1)/25 = 0.36; kappa = (0.8 - 0.36)/(1 - 0.36) = 0.6875.
      const panel = page.getByRole('region', { name: "Cohen's kappa" });
      await panel.getByText(/^0\.68[78] \[/).waitFor();
      await panel.getByText('80.0%').waitFor();
      const matrix = page.getByRole('table', { name: 'Confusion matrix of verdicts' });
      expect(await matrix.getByRole('row').nth(4).getByRole('cell').allTextContents()).toEqual([
        '0',
        '0',
        '1',
        '1',
        '0',
        '2',
      ]);
      found.push(...(await seriousFindings(page)));
      await shot('agreement-annotators');
      const list = page.getByRole('table', { name: 'Disagreements' });
      await list.getByText('both good').waitFor();
      await list.getByRole('link', { name: '#4' }).click();
      await page.getByRole('heading', { name: 'Pairs' }).waitFor();
      expect(page.url()).toContain('#/pairs/4');
    });

    it('axe finds nothing serious, and no page complains', () => {
      expect(found).toEqual([]);
      expect(app.complaints.filter((text) => !/status of 4/.test(text))).toEqual([]);
    });
  },
);
