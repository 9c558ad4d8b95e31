import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seriousFindings } from './axe.ts';
import { chromiumOrSkipReason } from './chromium.ts';
import { demoFiles, demoModel, harbourWorkspace, idleIn } from './harbour.ts';
import { callFrom, until } from './in-page.ts';
import { pictures, startApp } from './start-app.ts';
import type { App } from './start-app.ts';

const chromium = chromiumOrSkipReason();
let app: App;
let page: Page;

const visit = (name: string): Promise<unknown> => page.goto(`${app.origin}/#/${name}`);

/** A call as the page itself makes it. */
const call = <T>(name: string, input: unknown): Promise<T> => callFrom<T>(page, name, input);

interface Job {
  readonly id: number;
  readonly kind: string;
  readonly status: string;
  readonly runId: number | null;
  readonly earlier: boolean;
  readonly progress: { readonly phase: string; readonly done: number } | null;
}
const jobs = (): Promise<Job[]> => call<Job[]>('jobs.list', {});
const idle = (): Promise<void> => idleIn(app);

interface Row {
  readonly step: number;
  readonly key: string;
  readonly value: number;
}
const losses = async (id: number): Promise<Row[]> =>
  (await call<{ rows: Row[] }>('runs.metrics', { id })).rows.filter(({ key }) => key === 'loss');

const saved = async (choose: () => Promise<unknown>): Promise<{ readonly name: string; readonly path: string }> => {
  const [file] = await Promise.all([page.waitForEvent('download'), choose()]);
  const path = join(app.folder, file.suggestedFilename());
  await file.saveAs(path);
  return { name: file.suggestedFilename(), path };
};

describe.skipIf('reason' in chromium)(
  `train, follow, continue, evaluate and compare${'reason' in chromium ? ` (${chromium.reason})` : ''}`,
  { timeout: 180_000 },
  () => {
    beforeAll(async () => {
      app = await startApp('path' in chromium ? chromium.path : '');
      page = app.page;
      await harbourWorkspace(app, 10);
    });

    afterAll(async () => {
      await app.close();
    });

    it('marks wrong input at its field, and nothing that was typed is lost', async () => {
      await visit('train');
      const rate = page.getByLabel('Learning rate');
      await rate.fill('fast');
      await page.getByText('write a number, such as 0.1 or 1e-4').waitFor();
      expect(await rate.getAttribute('aria-invalid')).toBe('true');
      expect(await page.getByRole('button', { name: 'Start' }).isDisabled()).toBe(true);
      expect(await rate.inputValue()).toBe('fast');
      await rate.fill('2e-4');
      await page.getByLabel('Max length').fill('64');
      await page
        .getByText(/more than the limit of 64/)
        .first()
        .waitFor();
      expect(await page.getByLabel('Max length').getAttribute('aria-invalid')).toBe('true');
      await page.getByLabel('Max length').fill('1024');
      await page.getByText('Fits', { exact: true }).waitFor();
    });

    it('tries the longest example and shows peak memory, seconds a step and the whole time', async () => {
      await page.getByRole('button', { name: 'Try it' }).click();
      const result = page.getByRole('region', { name: 'Result of the dry run' });
      await result.getByText('Peak memory').waitFor();
      await result.getByText('Whole run').waitFor();
      await page.screenshot({ path: join(pictures, 'train-dry-run-light.png'), fullPage: true });
    });

    it('trains with live charts, survives a reload in the middle, pauses and resumes', async () => {
      await page.getByLabel('Batch size').fill('1');
      await page.getByLabel('Epochs').fill('6');
      await page.getByLabel('Checkpoint every').fill('10');
      await page.getByLabel('Keep checkpoints').fill('20');
      await page.getByLabel('Name', { exact: true }).fill('first');
      await page.getByText('preset: 8').waitFor();
      await page.getByRole('button', { name: 'Start' }).click();
      await page.waitForURL(/#\/runs\/1$/);
      await page.getByRole('figure', { name: 'Loss', exact: true }).waitFor();
      const progress = page.getByRole('region', { name: 'Progress' });
      const pause = progress.getByRole('button', { name: 'Pause' });
      const finished = page.getByText(/^finished, step/);
      await page.reload();
      await page.getByRole('figure', { name: 'Rewards', exact: true }).waitFor();
      await pause.or(finished).first().waitFor();
      // On a fast machine the run may be over by now.
      await pause.click({ timeout: 2000 }).catch(() => undefined);
      const resume = progress.getByRole('button', { name: 'Resume' });
      await resume.or(finished).first().waitFor();
      if (await resume.isVisible()) {
        await progress.getByText(/^Paused/).waitFor();
        const before = (await losses(1)).length;
        await resume.click();
        await until('more steps', async () => (await losses(1)).length > before);
      }
      await idle();
      await finished.waitFor();
      const steps = (await losses(1)).map(({ step }) => step);
      expect(steps).toEqual(Array.from({ length: steps.length }, (_, i) => i + 1));
    });

    it('a click pins a step, and every chart and the table show the values there', async () => {
      const chart = page.getByRole('figure', { name: 'Loss', exact: true });
      const box = await chart.getByRole('slider').boundingBox();
      if (box === null) throw new Error('the chart is not shown');
      await page.mouse.click(box.x + box.width / 2, box.y + 40);
      const pinned = page.getByRole('region', { name: 'Pinned values' });
      const title = (await pinned.getByRole('heading').textContent()) ?? '';
      const step = Number(/\d+/.exec(title)?.[0]);
      const at = (await losses(1)).find((row) => row.step === step);
      await pinned.locator(`button[title="Copy ${at?.value}"]`).first().waitFor();
      await pinned.getByText('kl/short_to_long_k3/chosen').waitFor();
      expect(await page.locator('.pin-line').count()).toBeGreaterThan(6);
      await pinned.getByRole('button', { name: 'Unpin' }).click();
      await pinned.waitFor({ state: 'hidden' });
    });

    it('saves all charts as one picture and all metrics as CSV', async () => {
      for (const [item, start, name] of [
        ['All charts as SVG', '<svg xmlns="http://www.w3.org/2000/svg"', 'run-1-charts.svg'],
        ['All charts as PNG', '\x89PNG', 'run-1-charts.png'],
        ['All metrics as CSV', 'step,', 'run-1-metrics.csv'],
      ] as const) {
        await page.getByRole('button', { name: 'Save all' }).click();
        const file = await saved(() => page.getByRole('menuitem', { name: item }).click());
        expect(file.name).toBe(name);
        expect(readFileSync(file.path, 'latin1').slice(0, start.length)).toBe(start);
      }
      const svg = readFileSync(join(app.folder, 'run-1-charts.svg'), 'utf8');
      expect(svg).not.toContain('var(--');
      expect(svg).toContain('Rewards');
      const lines = readFileSync(join(app.folder, 'run-1-metrics.csv'), 'utf8').trimEnd().split('\n');
      const column = lines[0]?.split(',').indexOf('loss') ?? -1;
      const values = lines
        .slice(1)
        .flatMap((line) => line.split(',')[column] ?? '')
        .filter((text) => text !== '');
      expect(values.map(Number)).toEqual((await losses(1)).map(({ value }) => value));
    });

    it('continues from a checkpoint as a new run with the same numbers', async () => {
      await page.getByRole('button', { name: 'Continue from here: step 20', exact: true }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Epochs', { exact: true }).fill('0.1');
      expect(await dialog.getByLabel('Batch size', { exact: true }).isDisabled()).toBe(true);
      await dialog
        .getByText(/place in the data mean nothing/)
        .first()
        .waitFor();
      await dialog.getByRole('button', { name: 'Start the new run' }).click();
      await dialog
        .getByText(/would end at step/)
        .waitFor({ timeout: 20_000 })
        .catch(async () => {
          // The job says so, since it is worked out where the pairs are read.
          await page
            .getByText(/would end at step/)
            .first()
            .waitFor();
        });
      await page.keyboard.press('Escape');
      await idle();
      expect((await call<{ rows: unknown[] }>('runs.list', {})).rows).toHaveLength(1);
      await page.getByRole('button', { name: 'Continue from here: step 20', exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Start the new run' }).click();
      await until('the new run', async () => (await call<{ rows: unknown[] }>('runs.list', {})).rows.length === 2);
      await idle();
      expect(await losses(2)).toEqual((await losses(1)).filter(({ step }) => step > 20));
      await visit('runs/2');
      await page.getByText('goes on from').waitFor();
    });

    it('evaluates the base and a checkpoint that a link names', async () => {
      await visit('evaluate');
      await page.getByRole('checkbox', { name: /^closed/ }).check();
      await page.getByRole('button', { name: 'Evaluate', exact: true }).click();
      await until('the job', async () => (await jobs()).some(({ kind }) => kind === 'evaluate'));
      await idle();
      await visit('runs/1');
      await page.getByRole('link', { name: 'Evaluate step 20', exact: true }).click();
      await page.locator('.mantine-Pill-label', { hasText: 'run 1 at step 20' }).waitFor();
      await page.getByRole('checkbox', { name: /^closed/ }).check();
      await page.getByRole('button', { name: 'Evaluate', exact: true }).click();
      await until('two evaluations', async () => (await jobs()).filter(({ kind }) => kind === 'evaluate').length === 2);
      await idle();
      await page.getByRole('table', { name: 'Results' }).getByRole('link').nth(2).click();
      const table = page.getByRole('table', { name: 'Answers' });
      await table.getByRole('columnheader', { name: /run 1 at step 20/ }).waitFor();
      const all = Number(await table.getAttribute('aria-rowcount'));
      await page.getByLabel('Filter Answers').fill('heron');
      await until('the search', async () => Number(await table.getAttribute('aria-rowcount')) < all);
      await page.getByLabel('Filter Answers').fill('');
      await table.getByRole('row').nth(1).click();
      await page.getByRole('region', { name: 'Item 1', exact: true }).getByText('Expected').waitFor();
      // Only the rows in sight exist.
      expect(await table.getByRole('row').count()).toBeLessThan(60);
      await page.reload();
      await table.waitFor();
    });

    it('compares runs from the address, with a legend that toggles, differences, evaluations and CSV', async () => {
      await call('evaluations.start', {
        source: { kind: 'run', runId: 2 },
        tasks: [
          {
            kind: 'questions',
            name: 'demo closed',
            path: join(demoFiles, 'documents', 'eval', 'closed.jsonl'),
            separator: '\n',
            maxNewTokens: 14,
          },
        ],
      });
      await idle();
      await visit('runs/1');
      await page.getByRole('figure', { name: 'Loss', exact: true }).waitFor();
      await page.locator('h1').click();
      await page.keyboard.press('c');
      await page.waitForURL(/#\/compare\?runs=1$/);
      await page.locator('h1').click();
      await page.keyboard.press('a');
      await page.keyboard.type('from step');
      await page.getByRole('option', { name: /^2: / }).waitFor();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.waitForURL(/#\/compare\?runs=1,2$/);
      await page.keyboard.press('Escape');
      await page.reload();
      const loss = page.getByRole('figure', { name: 'Loss', exact: true });
      await loss.getByText('run 2').waitFor();
      const settings = page.getByRole('table', { name: 'Settings side by side' });
      await settings.getByRole('cell', { name: 'run 1, step 20' }).waitFor();
      expect(await settings.getByRole('row').count()).toBe(2);
      const evaluations = page.getByRole('table', { name: 'Evaluations side by side' });
      await evaluations
        .getByText(/better, \d+ worse/)
        .first()
        .waitFor();
      await page.getByRole('button', { name: 'Save all' }).click();
      const file = await saved(() => page.getByRole('menuitem', { name: 'All curves as CSV' }).click());
      expect(readFileSync(file.path, 'utf8')).toMatch(/^step,run 1 loss,run 2 loss,/);
      await page.getByRole('group', { name: 'Legend' }).getByRole('button', { name: /run 2/ }).click();
      await loss.getByText('run 2').waitFor({ state: 'hidden' });
      await page.getByRole('group', { name: 'Legend' }).getByRole('button', { name: /run 2/ }).click();
    });

    it('an adapter is exported from a chosen checkpoint', async () => {
      await call('runs.start', {
        modelDir: demoModel,
        config: {
          objective: 'sft',
          learningRate: 1e-3,
          batchSize: 4,
          epochs: null,
          maxSteps: 4,
          maxLength: 1024,
          checkpointEvery: 2,
          trainable: { kind: 'lora', rank: 4 },
          heldOutFraction: 0.2,
          evalEvery: 2,
        },
        name: 'adapter',
      });
      await idle();
      await visit('runs/3');
      await page.getByLabel('Folder to write (new)').fill(join(app.folder, 'adapter'));
      await page.getByRole('button', { name: 'Adapter (PEFT)' }).click();
      await until('the export', () =>
        Promise.resolve(existsSync(join(app.folder, 'adapter', 'adapter_model.safetensors'))),
      );
      await idle();
    });

    it('what was left unfinished is in the list of jobs after the workspace was opened again', async () => {
      const config = {
        objective: 'sft',
        learningRate: 1e-4,
        batchSize: 1,
        epochs: null,
        maxSteps: 80,
        maxLength: 1024,
        checkpointEvery: 5,
        heldOutFraction: 0,
        turnsPerSample: 1,
      };
      const { jobId } = await call<{ jobId: number }>('runs.start', {
        modelDir: demoModel,
        config,
        name: 'left behind',
      });
      await until('training', async () =>
        (await jobs()).some(({ id, progress }) => id === jobId && progress?.phase === 'train' && progress.done > 6),
      );
      await call('workspaces.close', {});
      await call('workspaces.open', { folder: join(app.folder, 'workspace') });
      await visit('home');
      await page.reload();
      const bar = page.getByRole('status', { name: 'Jobs' });
      await bar.getByText('left behind').waitFor();
      await bar.getByRole('button', { name: 'All jobs' }).click();
      const drawer = page.getByRole('dialog', { name: 'Jobs' });
      await drawer.getByText('left unfinished before the last start').waitFor();
      await page.screenshot({ path: join(pictures, 'jobs-left-light.png') });
      await drawer.getByRole('button', { name: 'Resume' }).click();
      await idle();
      await page.keyboard.press('Escape');
      const steps = (await losses(4)).map(({ step }) => step);
      expect(steps).toEqual(Array.from({ length: 80 }, (_, i) => i + 1));
    });

    it('every page in light and dark: pictures are taken, axe finds nothing serious, and no page complains', async () => {
      const found: string[] = [];
      const rows = await call<{ rows: { id: number; runId: number | null }[] }>('evaluations.list', {});
      const [base, run] = [rows.rows.find(({ runId }) => runId === null), rows.rows.find(({ runId }) => runId === 1)];
      for (const scheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        for (const [name, address] of [
          ['train', 'train'],
          ['runs', 'runs'],
          ['run', 'runs/1'],
          ['run-lora', 'runs/3'],
          ['compare-empty', 'compare'],
          ['compare', 'compare?runs=1,2,3'],
          ['evaluate-answers', `evaluate?ids=${base?.id},${run?.id}`],
        ] as const) {
          await visit(address);
          await page.getByRole('heading', { level: 1 }).waitFor();
          await page.locator('.mantine-Notification-root').first().waitFor({ state: 'detached' });
          await page.waitForTimeout(600);
          await page.screenshot({ path: join(pictures, `${name}-${scheme}.png`) });
          const height = await page.locator('.main').evaluate((main) => main.scrollHeight);
          if (height > 800) {
            await page.setViewportSize({ width: 1280, height });
            await page.waitForTimeout(200);
            await page.screenshot({ path: join(pictures, `${name}-whole-${scheme}.png`) });
            await page.setViewportSize({ width: 1280, height: 800 });
          }
          const serious = await seriousFindings(page);
          found.push(...serious.map((text) => `${name} ${scheme} ${text}`));
        }
      }
      expect(found).toEqual([]);
      expect(app.complaints.filter((text) => !/status of 40[09]/.test(text))).toEqual([]);
    });
  },
);
