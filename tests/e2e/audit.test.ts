import { join } from 'node:path';
import type { Page, Response } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAuditWorkspace, markup } from './audit-workspace.ts';
import { seriousFindings } from './axe.ts';
import { chromiumOrSkipReason } from './chromium.ts';
import { callFrom } from './in-page.ts';
import { pictures, startApp } from './start-app.ts';
import type { App } from './start-app.ts';

const chromium = chromiumOrSkipReason();
let app: App;
let page: Page;

/** A call as another window makes it. */
const call = <T>(name: string, input: unknown): Promise<T> => callFrom<T>(page, name, input);

interface Counts {
  readonly all: number;
  readonly unreviewed: number;
}
interface Detail {
  readonly chosen: string;
  readonly rejected: string;
  readonly verdict: string | null;
  readonly revision: number;
}
const detail = (id: number): Promise<Detail> => call<Detail>('pairs.detail', { id });
const reviewed = async (): Promise<number> => {
  const { all, unreviewed } = await call<Counts>('pairs.counts', {});
  return all - unreviewed;
};
/** The pair that is shown. */
const shown = async (): Promise<number> =>
  Number(/#(\d+)/.exec((await page.getByRole('region', { name: /^Pair #/ }).getAttribute('aria-label')) ?? '')?.[1]);
const shows = (id: number): Promise<void> => page.getByRole('region', { name: `Pair #${id}`, exact: true }).waitFor();
const stored = (what: string | RegExp): Promise<void> =>
  page.getByRole('status', { name: 'Last act' }).getByText(what).waitFor();
const press = (key: string): Promise<void> => page.keyboard.press(key);
const answer = (side: 'A' | 'B') => page.getByRole('region', { name: `Answer ${side}` });

describe.skipIf('reason' in chromium)(
  `the audit in Chromium${'reason' in chromium ? ` (${chromium.reason})` : ''}`,
  { timeout: 90_000 },
  () => {
    beforeAll(async () => {
      app = await startApp('path' in chromium ? chromium.path : '');
      page = app.page;
      page.setDefaultTimeout(20_000);
      const workspace = join(app.folder, 'workspace');
      makeAuditWorkspace(workspace, 15);
      await call('workspaces.open', { folder: workspace });
      await press('g');
      await press('p');
      await shows(1);
    }, 180_000);

    afterAll(async () => {
      await app.close();
    });

    it('shows markup in an answer as text', async () => {
      await answer('A').getByText(markup).waitFor();
      expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
      expect(await page.locator('.pair-view img, .pair-view script').count()).toBe(0);
    });

    it('marks differences and evidence, in the answers and in the chunk, and the chunk in its document', async () => {
      const texts = (selector: string): Promise<string[]> => page.locator(selector).allTextContents();
      expect((await texts('.answers .diff-0')).join('')).toContain('Mara');
      expect((await texts('.answers .evidence-0')).join('')).toContain('seal-catcher Petrel');
      const inChunk = (await texts('.chunk-text .evidence-0')).join('');
      expect(inChunk).toContain('tied the seal-catcher Petrel');
      expect(inChunk).toContain('paid 20 crowns');
      await page.getByRole('img', { name: 'Place in the document: 0% to 33%' }).waitFor();
      await press('v');
      await page.locator('.evidence-0').first().waitFor({ state: 'detached' });
      await press('d');
      await page.locator('.diff-0').first().waitFor({ state: 'detached' });
      await press('v');
      await press('d');
      await page.locator('.answers .diff-0').first().waitFor();
    });

    it('audits twenty pairs by keyboard alone; each is stored before the next shows', async () => {
      for (let i = 0; i < 20; i += 1) {
        const id = await shown();
        expect(id).toBe(i + 1);
        await press(['1', '2', '3', '4', '5', 's'][i % 6] ?? '1');
        await shows(i + 2);
        expect(await reviewed()).toBe(i + 1);
      }
      const verdicts = ['chosen_better', 'rejected_better', 'both_good', 'both_bad', 'broken_instruction', 'skipped'];
      for (const [i, verdict] of verdicts.entries()) expect((await detail(i + 1)).verdict).toBe(verdict);
      await page.getByText('20 of 45 reviewed').waitFor();
      await page.getByText(/pairs a minute, .* left/).waitFor();
    });

    it('the verdicts stay in sight, and a held key gives one verdict only', async () => {
      await page.setViewportSize({ width: 1280, height: 560 });
      await page.mouse.move(700, 300);
      await page.mouse.wheel(0, 4000);
      const box = await page.getByRole('toolbar', { name: 'Verdict' }).boundingBox();
      expect((box?.y ?? 999) + (box?.height ?? 0)).toBeLessThanOrEqual(560);
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.keyboard.down('3');
      await page.keyboard.down('3');
      await page.keyboard.down('3');
      await page.keyboard.up('3');
      await shows(22);
      expect(await reviewed()).toBe(21);
    });

    it('undo goes back, pair by pair', async () => {
      await press('z');
      await stored('Taken back: verdict (pair #21)');
      await shows(21);
      expect((await detail(21)).verdict).toBeNull();
      await press('z');
      await shows(20);
      expect(await reviewed()).toBe(19);
      await press('1');
      await shows(21);
      await press('1');
      await shows(22);
      expect(await reviewed()).toBe(21);
    });

    it('moves without a verdict: next, previous, turns, arrow keys in the list', async () => {
      await press('j');
      await shows(23);
      await press('k');
      await shows(22);
      await press('j');
      await page.getByRole('list', { name: 'Turns' }).getByText('Turn 1 of 2').waitFor();
      await page.getByRole('list', { name: 'Turns' }).getByRole('button').press('Enter');
      await shows(24);
      await page.getByRole('list', { name: 'Turns' }).getByText('Turn 2 of 2').waitFor();
      await page.getByRole('listbox', { name: 'Queue' }).press('ArrowDown');
      await shows(25);
      expect(await reviewed()).toBe(21);
    });

    it('a reload keeps the place and what was set up', async () => {
      await page.getByRole('textbox', { name: 'Reviewer' }).fill('ada');
      await page.getByRole('textbox', { name: 'Reviewer' }).press('Enter');
      await page.getByText('0 of 45 reviewed').waitFor();
      await shows(25);
      await page.reload();
      await shows(25);
      await page.getByText('0 of 45 reviewed').waitFor();
      expect(await page.getByRole('textbox', { name: 'Reviewer' }).inputValue()).toBe('ada');
    });

    it('an edit and a comment by keyboard; the edit shows at once, and both are taken back', async () => {
      await press('e');
      await page.getByLabel('Answer A (chosen)').fill('An answer that a person wrote.');
      await press('Control+Enter');
      await answer('A').getByText('An answer that a person wrote.').waitFor();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      expect((await detail(25)).chosen).toBe('An answer that a person wrote.');
      await press('c');
      await page.getByRole('textbox', { name: 'Comment' }).fill('Is this the right pier?');
      await press('Control+Enter');
      await page.getByText('Is this the right pier?').waitFor();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await press('z');
      await stored('Taken back: comment (pair #25)');
      await press('z');
      await stored('Taken back: edit (pair #25)');
      await answer('A').getByText('An answer that a person wrote.').waitFor({ state: 'detached' });
      expect((await detail(25)).revision).toBe(0);
    });

    it('a failed store keeps the pair, the typed edit and the comment, also over a reload', async () => {
      await page.route('**/api/audit.record', (route) => route.abort());
      await press('1');
      await page.getByText('Not stored. The pair stays as it is.').waitFor();
      expect(await shown()).toBe(25);
      await press('e');
      await page.getByLabel('Answer B (rejected)').fill('Typed and not lost.');
      await press('Control+Enter');
      await page.getByRole('dialog').getByRole('alert').waitFor();
      expect(await page.getByLabel('Answer B (rejected)').inputValue()).toBe('Typed and not lost.');
      await press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await press('c');
      await page.getByRole('textbox', { name: 'Comment' }).fill('Neither is this.');
      await press('Control+Enter');
      await page.getByRole('dialog').getByRole('alert').waitFor();
      await page.unroute('**/api/audit.record');
      await page.reload();
      await shows(25);
      await press('c');
      expect(await page.getByRole('textbox', { name: 'Comment' }).inputValue()).toBe('Neither is this.');
      await press('Control+Enter');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await press('e');
      expect(await page.getByLabel('Answer B (rejected)').inputValue()).toBe('Typed and not lost.');
      await press('Control+Enter');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      expect((await detail(25)).rejected).toBe('Typed and not lost.');
    });

    it('a pair that another window changed is shown anew before it is judged', async () => {
      const blind = null;
      const { sha256: seen } = await call<{ sha256: string }>('audit.pair', { pairId: 25, reviewer: 'bob', blind });
      const edit = { first: 'Bob was quicker.' };
      await call('audit.record', { pairId: 25, reviewer: 'bob', blind, seen, edit, milliseconds: 1 });
      await press('1');
      await page.getByText('was edited since it was shown').waitFor();
      await answer('A').getByText('Bob was quicker.').waitFor();
      await press('1');
      await shows(26);
      expect((await detail(25)).verdict).toBe('chosen_better');
    });

    it('search, filters and a random sample with a seed change the queue', async () => {
      await press('/');
      await page.keyboard.type('year 1807,');
      await press('Enter');
      await page.getByText('0 of 1 reviewed').waitFor();
      await press('/');
      await page.keyboard.press('Control+a');
      await page.keyboard.press('Delete');
      await press('Escape');
      await page.getByText('1 of 45 reviewed').waitFor();
      await press('f');
      await page.getByLabel('Length of the longer answer, characters, at least').fill('100');
      await page.getByText('0 of 1 reviewed').waitFor();
      await page.getByLabel('Length of the longer answer, characters, at most').fill('50');
      await page.getByText('Below the other bound').waitFor();
      await page.getByRole('button', { name: 'Clear all filters' }).click();
      await press('Escape');
      await page.getByText('1 of 45 reviewed').waitFor();
      const ids = (): Promise<string[]> =>
        page.getByRole('listbox', { name: 'Queue' }).getByRole('option').locator('.mono').allTextContents();
      const made = await ids();
      await page.getByRole('combobox', { name: 'Order' }).click();
      await page.getByRole('option', { name: 'random sample' }).click();
      await expect.poll(ids).not.toEqual(made);
      const first = await ids();
      await page.getByLabel('Seed of the random sample').fill('2');
      await expect.poll(ids).not.toEqual(first);
      const id = await shown();
      expect(`#${id}`).toBe((await ids())[0]);
      await page.getByRole('heading', { name: 'Pairs' }).click();
      await press('3');
      await expect.poll(shown, { timeout: 10_000 }).not.toBe(id);
      expect((await detail(id)).verdict).toBe('both_good');
    });

    it('log-ratios of a run: a column, a filter and an order, most suspicious first', async () => {
      const queue = page.getByRole('listbox', { name: 'Queue' });
      await press('f');
      await page.getByRole('combobox', { name: 'Log-ratios of' }).click();
      await page.getByRole('option', { name: '1: the pier' }).click();
      await page.getByLabel('Log-ratio, nats, at most').fill('-20.5');
      await page.getByText('of 5 reviewed').waitFor();
      await press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.getByRole('combobox', { name: 'Order' }).click();
      await page.getByRole('option', { name: 'log-ratio, smallest first' }).click();
      await queue.getByRole('option').first().getByText('-25.00').waitFor();
      expect(await queue.getByRole('option').locator('.mono:first-child').allTextContents()).toEqual(
        [45, 44, 43, 42, 41].map((id) => `#${id}`),
      );
      await page.screenshot({ path: join(pictures, 'audit-log-ratio-light.png') });
      await press('f');
      await page.getByRole('button', { name: 'Clear all filters' }).click();
      await press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.getByText('of 45 reviewed').waitFor();
    });

    it('blind mode: neither the page nor any answer of main tells which is which', async () => {
      const bodies: string[] = [];
      const told: Promise<void>[] = [];
      const listen = (response: Response): void => {
        if (!response.url().includes('/api/')) return;
        // What a reload cut off has reached nobody.
        const text = response.text().catch(() => '');
        told.push(text.then((body) => void bodies.push(`${response.url()} ${body}`)));
      };
      page.on('response', listen);
      await press('b');
      await page.getByRole('heading', { name: 'A', exact: true }).waitFor();
      await page.reload();
      await page.getByRole('heading', { name: 'A', exact: true }).waitFor();
      const seen: [number, string][] = [];
      for (let i = 0; i < 12; i += 1) {
        const id = await shown();
        seen.push([id, (await answer('A').locator('.text').textContent()) ?? '']);
        expect(await page.locator('main').evaluate((main) => main.outerHTML)).not.toMatch(
          /chosen|rejected|not_in_chunk/,
        );
        await press(i % 2 === 0 ? '1' : '2');
        await expect.poll(shown, { timeout: 10_000 }).not.toBe(id);
      }
      await press('z');
      await stored(/Taken back/);
      await press('e');
      await page.getByRole('textbox', { name: 'Answer A' }).waitFor();
      expect(await page.getByRole('dialog').evaluate((dialog) => dialog.outerHTML)).not.toMatch(/chosen|rejected/);
      await press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      page.off('response', listen);
      await Promise.all(told);
      expect(bodies.length).toBeGreaterThan(20);
      expect(bodies.filter((body) => /chosen|rejected/.test(body))).toEqual([]);
      const first = await Promise.all(seen.map(async ([id, text]) => (await detail(id)).chosen === text));
      expect(new Set(first).size).toBe(2);
      // What was said of A and B was stored of the right answer.
      for (const [i, [id]] of seen.slice(0, -1).entries()) {
        expect((await detail(id)).verdict).toBe((i % 2 === 0) === first[i] ? 'chosen_better' : 'rejected_better');
      }
      await page.screenshot({ path: join(pictures, 'audit-blind-light.png') });
    });

    it('a key can be changed, and the bar shows it', async () => {
      await press('?');
      await page.getByRole('button', { name: 'Change the key of "Both are good"' }).click();
      await press('9');
      await press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.getByRole('toolbar', { name: 'Verdict' }).getByRole('button', { name: '9 both good' }).waitFor();
      const id = await shown();
      await press('9');
      await expect.poll(shown, { timeout: 10_000 }).not.toBe(id);
      expect((await detail(id)).verdict).toBe('both_good');
    });

    it('the chunk opens in the reader, and the way back leads to the pair', async () => {
      const id = await shown();
      await press('o');
      await page.getByRole('heading', { name: 'Documents' }).waitFor();
      await page.goBack();
      await shows(id);
    });

    it('the end of a queue is said, and an empty one says what to do', async () => {
      await call('settings.set', { key: 'audit.blind', value: false });
      await page.getByRole('textbox', { name: 'Reviewer' }).fill('eve');
      await page.getByRole('textbox', { name: 'Reviewer' }).press('Enter');
      await press('/');
      await page.keyboard.type('year 1807,');
      await press('Enter');
      await page.getByText('0 of 1 reviewed').waitFor();
      await press('1');
      await page.getByText('Everything is reviewed').waitFor();
      await press('z');
      await page.getByRole('region', { name: /^Pair #/ }).waitFor();
      await press('/');
      await page.keyboard.type('nowhere at all');
      await press('Enter');
      await page.getByRole('button', { name: 'Clear search and filters' }).click();
      await page.getByText('0 of 45 reviewed').waitFor();
    });

    it('axe finds nothing serious, in light and dark; pictures are taken', async () => {
      const found: string[] = [];
      await call('settings.set', { key: 'audit.blind', value: false });
      // With the keys that the guide names.
      await call('settings.set', { key: 'keymap', value: {} });
      await page.goto(`${app.origin}/#/pairs/24`);
      await page.reload();
      await shows(24);
      for (const scheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.waitForTimeout(300);
        await page.screenshot({ path: join(pictures, `audit-${scheme}.png`) });
        found.push(...(await seriousFindings(page)).map((text) => `${scheme} ${text}`));
        await press('f');
        await page.getByRole('dialog', { name: 'Filters' }).waitFor();
        await page.waitForTimeout(300);
        await page.screenshot({ path: join(pictures, `audit-filters-${scheme}.png`) });
        found.push(...(await seriousFindings(page)).map((text) => `filters ${scheme} ${text}`));
        await press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        await press('e');
        await page.getByRole('textbox', { name: 'Instruction' }).waitFor();
        await page.waitForTimeout(300);
        await page.screenshot({ path: join(pictures, `audit-edit-${scheme}.png`) });
        await press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
      }
      expect(found).toEqual([]);
      const expected = /status of (400|409)|ERR_FAILED|blocked by client/;
      expect(app.complaints.filter((text) => !expected.test(text))).toEqual([]);
    });
  },
);
