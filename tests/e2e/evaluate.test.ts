import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seriousFindings } from './axe.ts';
import { chromiumOrSkipReason } from './chromium.ts';
import { makeEvaluationsWorkspace } from './evaluations-workspace.ts';
import { demoFiles, demoModel, harbourWorkspace, idleIn } from './harbour.ts';
import { judgedSetPaths } from '../../src/main/services/own-sets.ts';
import { callFrom, until } from './in-page.ts';
import { pictures, startApp } from './start-app.ts';
import type { App } from './start-app.ts';

const chromium = chromiumOrSkipReason();
const longSet = join(demoFiles, 'documents', 'eval', 'long.jsonl');
let app: App;
let page: Page;

const visit = (name: string): Promise<unknown> => page.goto(`${app.origin}/#/${name}`);
const call = <T>(name: string, input: unknown): Promise<T> => callFrom<T>(page, name, input);
const idle = (): Promise<void> => idleIn(app);
const card = (name: string) => page.getByRole('region', { name, exact: true });
const readySet = (name: RegExp) => page.getByRole('checkbox', { name });
const addTask = async (name: RegExp): Promise<void> => {
  await page.getByRole('button', { name: 'Add a task' }).click();
  await page.getByRole('menuitem', { name }).click();
};

/** A page in both schemes: its picture, as the window shows it and as a whole, and what axe finds serious. */
async function look(name: string): Promise<string[]> {
  const found: string[] = [];
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.waitForTimeout(400);
    await page.screenshot({ path: join(pictures, `${name}-${scheme}.png`) });
    const height = await page.locator('.main').evaluate((main) => main.scrollHeight);
    if (height > 800) {
      await page.setViewportSize({ width: 1280, height });
      await page.waitForTimeout(300);
      await page.screenshot({ path: join(pictures, `${name}-whole-${scheme}.png`) });
      await page.setViewportSize({ width: 1280, height: 800 });
    }
    found.push(...(await seriousFindings(page)).map((text) => `${name} ${scheme} ${text}`));
  }
  await page.emulateMedia({ colorScheme: 'light' });
  return found;
}

describe.skipIf('reason' in chromium)(
  `the evaluation lab${'reason' in chromium ? ` (${chromium.reason})` : ''}`,
  { timeout: 180_000 },
  () => {
    beforeAll(async () => {
      app = await startApp('path' in chromium ? chromium.path : '');
      page = app.page;
      await harbourWorkspace(app, 6);
      for (const objective of ['sft', 'dpo', 'longpo']) {
        const config = {
          ...{ objective, learningRate: 5e-4, batchSize: 2, epochs: null, maxSteps: 12, maxLength: 1024 },
          ...{ checkpointEvery: 12, heldOutFraction: 0.2, trainable: { kind: 'full' } },
        };
        await call('runs.start', { modelDir: demoModel, config, name: `harbour ${objective}` });
      }
      await idle();
    }, 180_000);

    afterAll(async () => {
      await app.close();
    });

    it('offers every kind of task, says beside the field what is wrong, and how much there is to read', async () => {
      await visit('evaluate');
      await page.getByText('No evaluations yet').waitFor();
      await addTask(/^Question set/);
      const questions = card('Question set');
      await questions.getByText('name the file').waitFor();
      expect(await page.getByRole('button', { name: 'Evaluate', exact: true }).isDisabled()).toBe(true);
      const broken = join(app.folder, 'broken.jsonl');
      writeFileSync(broken, '{"context":"a","question":"b"}\n');
      await questions.getByLabel('File').fill(broken);
      await questions.getByText(/line 1.*answer|answer.*line 1/).waitFor();
      expect(await questions.getByLabel('File').getAttribute('aria-invalid')).toBe('true');
      await questions.getByLabel('File').fill(longSet);
      await questions.getByLabel('Only the first').fill('48');
      await questions.getByLabel('Between context and question').fill(String.raw`\n`);
      await questions.getByLabel('Longest answer').fill('14');
      await questions
        .getByRole('status')
        .getByText(/^48 items, about [\d.]+K tokens to read$/)
        .waitFor();

      await addTask(/^Needle heat map/);
      const needle = card('Needle heat map');
      expect(await needle.getByLabel('Lengths in tokens').inputValue()).toBe('1K');
      await needle.getByLabel('Lengths in tokens').fill('256, 1K');
      await needle.getByText(/does not fit into 256 tokens/).waitFor();
      await needle.getByLabel('Lengths in tokens').fill('some');
      await needle.getByText('write numbers, such as 20').waitFor();
      await needle.getByLabel('Lengths in tokens').fill('800, 1K');
      await needle.getByLabel('Depths in percent').fill('0, 50, 100');
      await needle.getByLabel('Items').fill('2');
      await needle.getByRole('combobox', { name: 'Prompt' }).click();
      await page.getByRole('option', { name: 'plain text' }).click();
      await needle.getByRole('status').getByText('12 items, at most 9.4K tokens to read').waitFor();

      await addTask(/^Multiple choice/);
      await card('Multiple choice').getByLabel('Worked examples').fill('2');
      await card('Multiple choice').getByText('name the file of the worked examples').waitFor();
      await addTask(/^Judged chat/);
      await card('Judged chat').getByText('name the judge').waitFor();
      await readySet(/^ARC/).check();
      // What it takes stands there before the start; how long is not known of what was never measured.
      const takes = page.getByRole('table', { name: 'What each task takes' });
      await takes.getByRole('row', { name: /^long 48 about [\d.]+K 672 not known yet/ }).waitFor();
      await takes.getByRole('row', { name: /^niah_single_2 12 at most 9.4K 1.5K not known yet/ }).waitFor();
      await takes.getByRole('row', { name: /^small ARC form \d+ about [\d.]+K 0 not known yet/ }).waitFor();
      await page.getByText(/^Time without loading the models: not known yet\./).waitFor();
      expect(await look('evaluate-form')).toEqual([]);
      // What the model has no room for is said beside the set, and nothing can be started with it.
      await page.getByRole('button', { name: 'Remove Multiple choice' }).click();
      await page.getByRole('button', { name: 'Remove Judged chat' }).click();
      const start = page.getByRole('button', { name: 'Evaluate', exact: true });
      expect(await start.isEnabled()).toBe(true);
      await readySet(/^En.Sum/).check();
      await takes.getByText(/answer of 1200 tokens leaves no room/).waitFor();
      expect(await start.isDisabled()).toBe(true);
      await readySet(/^En.Sum/).uncheck();
      // A whole family is ticked at once; every form that has a set of our own is there.
      const family = page.getByRole('group', { name: 'LongBench' });
      await family.getByRole('checkbox', { name: 'LongBench, all' }).check();
      expect(await family.getByRole('checkbox', { checked: true }).count()).toBe(18);
      await takes.getByRole('row', { name: /^small LongBench v2 form 12 about [\d.]+K 1.5K not known yet/ }).waitFor();
      expect(await takes.getByRole('row').count()).toBe(1 + 17 + 3);
      await readySet(/^HotpotQA/).uncheck();
      expect(await family.getByRole('checkbox', { name: 'LongBench, all' }).isChecked()).toBe(false);
      expect(await look('evaluate-sets')).toEqual([]);
      await family.getByRole('checkbox', { name: 'LongBench, all' }).check();
      await family.getByRole('checkbox', { name: 'LongBench, all' }).uncheck();
      expect(await family.getByRole('checkbox', { checked: true }).count()).toBe(0);
      await readySet(/^ARC/).uncheck();
    });

    it('measures several models on the same sets in one go', async () => {
      await page.getByRole('combobox', { name: 'What' }).click();
      for (const run of [1, 2, 3]) await page.getByRole('option', { name: new RegExp(`^run ${run}: harbour`) }).click();
      await page.keyboard.press('Escape');
      await page.getByText('2 tasks on 4 models, one after the other').waitFor();
      await page.getByRole('button', { name: 'Evaluate', exact: true }).click();
      await until(
        'four jobs',
        async () =>
          (await call<{ kind: string }[]>('jobs.list', {})).filter(({ kind }) => kind === 'evaluate').length === 4,
      );
      await idle();
      const { rows } = await call<{ rows: { status: string; items: number }[] }>('evaluations.list', {});
      expect(rows.map(({ status, items }) => [status, items])).toEqual(
        Array.from({ length: 4 }, () => [
          ['finished', 48],
          ['finished', 12],
        ]).flat(),
      );
      await visit('home');
      await visit('evaluate');
      const table = page.getByRole('table', { name: 'Results' });
      await table.getByRole('columnheader', { name: /run 3.*longpo: harbour longpo/ }).waitFor();
      await table.getByRole('cell', { name: '1K tokens' }).waitFor();
      const download = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Save CSV of the results' }).click();
      const path = join(app.folder, 'evaluations.csv');
      await (await download).saveAs(path);
      expect(readFileSync(path, 'utf8')).toMatch(
        /^set,kind,figure,model,value,low,high,items,judge\nlong,questions,accuracy,base,/,
      );
      expect(await look('evaluate-results')).toEqual([]);
    });

    it('tells the time of the same tasks by what they took, and not on a device where nothing was measured', async () => {
      await visit('home');
      await visit('evaluate');
      await page.getByText('New evaluation').click();
      await addTask(/^Question set/);
      const questions = card('Question set');
      await questions.getByLabel('File').fill(longSet);
      await questions.getByLabel('Between context and question').fill(String.raw`\n`);
      await questions.getByLabel('Longest answer').fill('14');
      const row = page.getByRole('table', { name: 'What each task takes' }).getByRole('row', { name: /^long 512/ });
      await row.getByText(/^about [\d.]+ s$/).waitFor();
      await page.getByText(/^Time without loading the models: about [\d.]+ s\.$/).waitFor();
      await row.getByRole('link', { name: /^evaluation \d+$/ }).waitFor();
      // A run of the same model is as fast, and both together take twice as long.
      await page.getByRole('combobox', { name: 'What' }).click();
      await page.getByRole('option', { name: /^run 1: harbour/ }).click();
      await page.keyboard.press('Escape');
      await row.getByText('about 439.8K').waitFor();
      await row.getByText(/^about (\d+ min )?[\d.]+ s$/).waitFor();
      expect(await look('evaluate-estimate')).toEqual([]);
      await page.getByRole('combobox', { name: 'Device' }).click();
      await page.getByRole('option', { name: 'NVIDIA card (CUDA)' }).click();
      await row.getByText('not known yet').waitFor();
      await visit('home');
      await visit('evaluate');
    });

    it('shows paired differences, the items that flipped, and the evidence in sight', async () => {
      await page.getByRole('link', { name: 'Compare all 4 on long' }).click();
      const differences = page.getByRole('table', { name: 'Paired differences' });
      await differences.getByText('baseline', { exact: true }).waitFor();
      await differences
        .getByText(/clear|within chance/)
        .nth(2)
        .waitFor();
      const answers = page.getByRole('table', { name: 'Answers' });
      expect(await answers.getAttribute('aria-rowcount')).toBe('49');
      await page.locator('h1').click();
      await page.keyboard.press('f');
      const flipped = Number(await answers.getAttribute('aria-rowcount')) - 1;
      expect(flipped).toBeGreaterThan(0);
      expect(flipped).toBeLessThan(48);
      await page.keyboard.press('j');
      const selected = answers.locator('tr[aria-selected="true"]');
      const first = await selected.getAttribute('aria-rowindex');
      if (flipped > 1) {
        await page.keyboard.press('j');
        expect(await selected.getAttribute('aria-rowindex')).not.toBe(first);
        await page.keyboard.press('k');
      }
      expect(await selected.getAttribute('aria-rowindex')).toBe(first);
      const item = page.getByRole('region', { name: /^Item \d+$/ });
      await item
        .getByText(/won|lost/)
        .first()
        .waitFor();
      const mark = item.locator('mark.mark-place');
      await mark.waitFor();
      await page.waitForTimeout(300);
      const [place, box] = [
        await mark.first().boundingBox(),
        await item.getByRole('region', { name: 'Text', exact: true }).boundingBox(),
      ];
      if (place === null || box === null) throw new Error('the evidence is not shown');
      expect(place.y).toBeGreaterThanOrEqual(box.y);
      expect(place.y + place.height).toBeLessThanOrEqual(box.y + box.height);
      // The item is in sight without scrolling by hand.
      const whole = await item.boundingBox();
      expect((whole?.y ?? 0) + (whole?.height ?? 0)).toBeLessThanOrEqual(800);
      expect(await look('evaluate-comparison')).toEqual([]);

      const won = differences.getByRole('button', { name: /^\d+ won by/ }).first();
      const number = Number(/^(\d+) won/.exec((await won.getAttribute('aria-label')) ?? '')?.[1]);
      await won.click();
      expect(Number(await answers.getAttribute('aria-rowcount')) - 1).toBe(number);
      await page.getByRole('button', { name: /^Make baseline: run 3/ }).click();
      await differences.getByRole('columnheader', { name: /Difference to run 3/ }).waitFor();
    });

    it('a needle is marked in the text that was made again for it', async () => {
      await visit('evaluate');
      await page.getByRole('link', { name: 'Compare all 4 on niah_single_2' }).click();
      await page.getByRole('figure', { name: /niah_single_2 on base/ }).waitFor();
      await page.locator('h1').click();
      await page.keyboard.press('j');
      const item = page.getByRole('region', { name: 'Item 1', exact: true });
      await item.getByText('The task put it there.').waitFor();
      expect(await item.locator('mark.mark-place').first().textContent()).toMatch(/magic number/);
    });

    it('items without a text have a panel of their own: options, the pair with its figures, what the judge wrote', async () => {
      const sets = await call<{ label: string; task: Record<string, unknown> }[]>('evaluations.builtIn', {});
      const tasks = [
        { ...sets.find(({ label }) => label === 'ARC')?.task, limit: 12 },
        { kind: 'kl', name: 'pairs', samples: [1, 2] },
        {
          kind: 'judged',
          name: 'chat',
          form: 'mt_bench',
          ...judgedSetPaths('mt_bench'),
          judge: demoModel,
          limit: 2,
          maxNewTokens: 8,
          judgeTokens: 8,
        },
      ];
      for (const source of [
        { kind: 'base', modelDir: demoModel },
        { kind: 'run', runId: 3 },
      ]) {
        await call('evaluations.start', { source, tasks });
      }
      await idle();
      const { rows } = await call<{ rows: { id: number; kind: string }[] }>('evaluations.list', {});
      const item = page.getByRole('region', { name: 'Item 1', exact: true });
      const openFirst = async (kind: string): Promise<void> => {
        const ids = rows.filter((row) => row.kind === kind).map(({ id }) => id);
        await visit(`evaluate?ids=${ids.join()}`);
        await page.getByRole('table', { name: 'Paired differences' }).getByText('baseline', { exact: true }).waitFor();
        await page.locator('h1').click();
        await page.keyboard.press('j');
        await item.waitFor();
      };
      await openFirst('multiple_choice');
      const options = item.getByRole('table', { name: 'Options' });
      const right = options.getByRole('row').filter({ has: page.getByText('right', { exact: true }) });
      expect(await right.count()).toBe(1);
      const expected = await item.getByText(/^Expected: /).textContent();
      expect(await right.textContent()).toContain(expected?.replace('Expected: ', ''));
      expect(await options.getByText('chosen', { exact: true }).count()).toBe(2);
      expect(await options.getByText(/-\d+\.\d+/).count()).toBe(8);
      expect(await look('evaluate-options')).toEqual([]);

      await openFirst('kl');
      const figures = item.getByRole('table', { name: 'Figures of the pair' });
      await figures.getByRole('row', { name: /^Exact KL.*chosen/i }).waitFor();
      const pair = item.getByRole('region', { name: /^Pair \d+$/ }).first();
      const question = (await pair.getByText(/asks:/).textContent()) ?? '';
      expect((await pair.getByRole('group', { name: 'Chosen answer' }).textContent())?.length).toBeGreaterThan(10);
      expect(await look('evaluate-pair')).toEqual([]);
      await pair.getByRole('link').click();
      await page.getByRole('heading', { name: 'Pairs' }).waitFor();
      await page
        .getByText(question.replace(/^.*asks: /, '').trim())
        .first()
        .waitFor();

      await openFirst('judged');
      await item.getByRole('group', { name: 'Answer' }).first().waitFor();
      await item
        .getByText(/^(No rating could be read in what base-model wrote|\d+ of 10 by base-model)/)
        .first()
        .waitFor();
      expect(await look('evaluate-judged')).toEqual([]);
    });

    it('base weights in 4 bits: an evaluation is named after them, a generation is asked for with them', async () => {
      const bits = async (): Promise<void> => {
        await page.getByRole('combobox', { name: 'Base weights' }).click();
        await page.getByRole('option', { name: '4 bits' }).click();
      };
      await visit('evaluate');
      await page.getByText('New evaluation').click();
      await bits();
      await readySet(/^ARC/).check();
      await page.getByRole('button', { name: 'Evaluate', exact: true }).click();
      await page.getByRole('columnheader', { name: 'base (4 bits)' }).waitFor({ timeout: 60_000 });
      await idle();
      await visit('generate');
      await bits();
      expect((await seriousFindings(page)).map((text) => `generate ${text}`)).toEqual([]);
      const request = page.waitForRequest(/generations\.start/);
      await page.getByRole('button', { name: 'Generate pairs' }).click();
      expect((await request).postDataJSON()).toMatchObject({ baseBits: '4' });
      await until(
        'the generation',
        async () => (await call<{ kind: string }[]>('jobs.list', {}))[0]?.kind === 'generate',
      );
      const [job] = await call<{ id: number }[]>('jobs.list', {});
      await call('jobs.cancel', { id: job?.id ?? 0 });
      await idle();
    });

    it('heat maps of six lengths and five depths, and ratings that a model gave itself are marked', async () => {
      const folder = join(app.folder, 'large');
      makeEvaluationsWorkspace(folder);
      await call('workspaces.close', {});
      await call('workspaces.open', { folder });
      await visit('home');
      await page.reload();
      await visit('evaluate');
      await page.getByText('self-judged').first().waitFor();
      expect(await page.getByText('self-judged').count()).toBe(2);
      expect(await look('evaluate-large')).toEqual([]);
      await page.getByRole('link', { name: 'Compare all 2 on MT-Bench' }).first().click();
      await page.getByRole('table', { name: 'Paired differences' }).getByText('baseline', { exact: true }).waitFor();
      await page.locator('h1').click();
      await page.keyboard.press('j');
      const chat = page.getByRole('region', { name: 'Item 1', exact: true });
      await chat.getByText('5 of 10 by the-base').first().waitFor();
      await chat
        .getByRole('group', { name: 'Judgement' })
        .getByText(/Rating: \[\[5\]\]/)
        .first()
        .waitFor();
      expect(await look('evaluate-rated')).toEqual([]);
      await page.keyboard.press('j');
      await page
        .getByRole('region', { name: 'Item 2' })
        .getByText(/^No rating could be read/)
        .first()
        .waitFor();
      await page.getByRole('link', { name: 'Compare all 4 on niah_single_2' }).click();
      const figure = page.getByRole('figure', { name: /niah_single_2 on base/ });
      await figure.waitFor();
      for (const kind of ['PNG', 'SVG', 'CSV']) {
        const download = page.waitForEvent('download');
        await figure.getByRole('button', { name: /^Save/ }).click();
        await page.getByRole('menuitem', { name: kind }).click();
        const path = join(app.folder, `heat.${kind.toLowerCase()}`);
        await (await download).saveAs(path);
        if (kind === 'CSV') expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(32);
        copyFileSync(path, join(pictures, `heat-map-saved.${kind.toLowerCase()}`));
      }
      await page.getByRole('table', { name: 'Paired differences' }).getByText('clear').first().waitFor();
      expect(await look('evaluate-heat')).toEqual([]);
      expect(app.complaints.filter((text) => !/status of 40[09]/.test(text))).toEqual([]);
    });
  },
);
