import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seriousFindings } from './axe.ts';
import { chromiumOrSkipReason } from './chromium.ts';
import { callFrom, until } from './in-page.ts';
import { pictures, startApp } from './start-app.ts';
import type { App } from './start-app.ts';

const chromium = chromiumOrSkipReason();
const resources = join(import.meta.dirname, '..', '..', 'resources', 'demo');
let app: App;

const visit = async (page: Page, name: string): Promise<void> => {
  await page.goto(`${app.origin}/#/${name}`);
};

/** A call as the page itself makes it. */
const call = <T>(name: string, input: unknown): Promise<T> => callFrom<T>(app.page, name, input);

interface Job {
  readonly id: number;
  readonly kind: string;
  readonly status: string;
  readonly runId: number | null;
  readonly progress: { readonly phase: string; readonly done: number } | null;
}
const jobs = (): Promise<Job[]> => call<Job[]>('jobs.list', {});
const settled = (kind: string): Promise<void> =>
  until(`${kind} to end`, async () => {
    const job = (await jobs()).find((candidate) => candidate.kind === kind);
    return job !== undefined && !['waiting', 'running', 'pausing'].includes(job.status);
  });

describe.skipIf('reason' in chromium)(
  `the application in Chromium${'reason' in chromium ? ` (${chromium.reason})` : ''}`,
  { timeout: 180_000 },
  () => {
    beforeAll(async () => {
      app = await startApp('path' in chromium ? chromium.path : '');
      mkdirSync(join(app.folder, 'documents'));
      for (let i = 1; i <= 12; i++) {
        const name = `harbour-${String(i).padStart(3, '0')}.txt`;
        copyFileSync(join(resources, 'documents', 'train', name), join(app.folder, 'documents', name));
      }
      writeFileSync(
        join(app.folder, 'documents', 'markup.txt'),
        'The pier <img src=x onerror="window.hacked=1"><script>window.hacked=2</script> was closed. ' +
          'Mara met Tom. '.repeat(30),
      );
    });

    afterAll(async () => {
      await app.close();
    });

    it('starts without a workspace and says what to do', async () => {
      await app.page.getByRole('heading', { name: 'Home' }).waitFor();
      await visit(app.page, 'documents');
      await app.page.getByText('No workspace is open').waitFor();
    });

    it('a path outside what was granted is refused at the field', async () => {
      await visit(app.page, 'home');
      await app.page.getByLabel('Open or create a workspace').fill('/etc/longhand');
      await app.page.getByRole('button', { name: 'Create' }).click();
      await app.page.getByRole('alert').getByText('outside the folders').waitFor();
    });

    it('creates a workspace, adds a model, imports documents', async () => {
      await app.page.getByLabel('Open or create a workspace').fill(join(app.folder, 'workspace'));
      await app.page.getByRole('button', { name: 'Create' }).click();
      await app.page.getByText('import documents').waitFor();
      await visit(app.page, 'models');
      await app.page.getByLabel('Model folder').fill(join(resources, 'base-model'));
      await app.page.getByRole('button', { name: 'Add' }).click();
      await app.page.getByText('713,856').waitFor();
      await visit(app.page, 'documents');
      await app.page.getByLabel('Import a file or a folder').fill(join(app.folder, 'documents'));
      await app.page.getByRole('button', { name: 'Import' }).click();
      await app.page.getByText('Last import: 13 documents').waitFor();
    });

    it('shows markup in a document as text', async () => {
      await app.page.getByRole('cell', { name: 'markup', exact: true }).click();
      await app.page.getByText('<script>window.hacked=2</script>').waitFor();
      expect(await app.page.evaluate(() => 'hacked' in window)).toBe(false);
    });

    it('generates pairs with the settings of the demo', async () => {
      await visit(app.page, 'generate');
      await app.page.getByRole('combobox', { name: 'Settings' }).click();
      await app.page.getByRole('option', { name: /Demo/ }).click();
      await app.page.getByText('Ask a question about the text above.').first().waitFor();
      await app.page.getByRole('button', { name: 'Generate pairs' }).click();
      await settled('generate');
      await app.page.getByRole('cell', { name: 'finished' }).first().waitFor();
    });

    it('audits twenty pairs by keyboard alone; each is stored before the next shows', async () => {
      await app.page.keyboard.press('g');
      await app.page.keyboard.press('p');
      await app.page.getByRole('heading', { name: 'Pairs' }).waitFor();
      const shown = app.page.getByText(/^Instruction, .*pair #/);
      for (let i = 0; i < 20; i++) {
        await shown.waitFor();
        const before = await shown.textContent();
        await app.page.keyboard.press(['1', '2', '3', '4', '5', 's'][i % 6] ?? '1');
        await until('the next pair', async () => (await shown.textContent()) !== before);
        const counts = await call<{ all: number; unreviewed: number }>('pairs.counts', {});
        // A skipped pair is a review too.
        expect(counts.all - counts.unreviewed).toBe(i + 1);
      }
      await app.page.keyboard.press('z');
      await until('the undo', async () => {
        const counts = await call<{ all: number; unreviewed: number }>('pairs.counts', {});
        return counts.all - counts.unreviewed === 19;
      });
    });

    it('blind mode hides which answer is which', async () => {
      const blind = app.page.getByRole('switch', { name: 'Blind' });
      await blind.setChecked(true, { force: true });
      await app.page.getByRole('heading', { name: 'A', exact: true }).waitFor();
      expect(await app.page.getByRole('heading', { name: /chosen|rejected/ }).count()).toBe(0);
      await blind.setChecked(false, { force: true });
    });

    it('an edit replaces the answer and can be undone', async () => {
      await app.page.keyboard.press('e');
      await app.page.getByLabel('chosen').fill('An answer that a person wrote.');
      await app.page.getByRole('button', { name: 'Save' }).click();
      await app.page.getByText('An answer that a person wrote.').first().waitFor();
    });

    it('trains with live charts, survives a reload, pauses and resumes', async () => {
      await visit(app.page, 'train');
      await app.page.getByLabel('Batch size').fill('1');
      await app.page.getByLabel('Epochs').fill('4');
      await app.page.getByText('Fits', { exact: true }).waitFor();
      await app.page.getByRole('button', { name: 'Start' }).click();
      await until('training', async () => (await jobs()).some((job) => job.kind === 'train' && job.runId !== null));
      await visit(app.page, 'runs/1');
      await app.page.getByRole('figure', { name: 'Loss' }).waitFor();
      await app.page.reload();
      await app.page.getByRole('figure', { name: 'Rewards' }).waitFor();
      const pause = app.page.getByRole('region', { name: 'Progress' }).getByRole('button', { name: 'Pause' });
      if (await pause.isVisible()) {
        await pause.click();
        await until('the pause', async () =>
          (await jobs()).some((job) => job.kind === 'train' && job.status === 'paused'),
        );
        await app.page.getByRole('status', { name: 'Jobs' }).getByRole('button', { name: 'Resume' }).click();
      }
      await settled('train');
      await app.page.getByText(/finished, step/).waitFor();
      interface Metrics {
        readonly rows: readonly { readonly step: number; readonly key: string }[];
      }
      const { rows } = await call<Metrics>('runs.metrics', { id: 1 });
      const steps = rows.filter((row) => row.key === 'loss').map((row) => row.step);
      expect(steps).toEqual(Array.from({ length: steps.length }, (_, i) => i + 1));
    });

    it('charts show one step in all of them, zoom together by dragging, and are saved as PNG, SVG and CSV', async () => {
      await visit(app.page, 'runs/1');
      const rewards = app.page.getByRole('figure', { name: 'Rewards', exact: true });
      const layer = rewards.getByRole('slider');
      await layer.focus();
      await app.page.keyboard.press('ArrowLeft');
      await app.page.keyboard.press('ArrowLeft');
      const steps = await app.page
        .getByRole('figure')
        .getByRole('slider')
        .evaluateAll((sliders) => sliders.map((slider) => slider.getAttribute('aria-valuetext')?.split(':')[0]));
      expect(steps.length).toBeGreaterThan(5);
      expect(new Set(steps).size).toBe(1);
      expect(steps[0]).toMatch(/^step \d+$/);

      const box = await layer.boundingBox();
      if (box === null) throw new Error('the chart is not shown');
      const loss = app.page.getByRole('figure', { name: 'Loss', exact: true }).getByRole('slider');
      const whole = await loss.getAttribute('aria-valuemax');
      await app.page.mouse.move(box.x + 0.2 * box.width, box.y + 50);
      await app.page.mouse.down();
      await app.page.mouse.move(box.x + 0.6 * box.width, box.y + 50, { steps: 5 });
      await app.page.mouse.up();
      await until('the zoom', async () => Number(await loss.getAttribute('aria-valuemax')) < Number(whole));
      await app.page.getByRole('button', { name: 'Whole range' }).click();
      await until('the whole range', async () => (await loss.getAttribute('aria-valuemax')) === whole);

      for (const [kind, start] of [
        ['PNG', '\x89PNG'],
        ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"'],
        ['CSV', 'step,chosen,rejected,margins\n1,'],
      ] as const) {
        await rewards.getByRole('button', { name: 'Save Rewards' }).click();
        const [file] = await Promise.all([
          app.page.waitForEvent('download'),
          app.page.getByRole('menuitem', { name: kind }).click(),
        ]);
        const path = join(app.folder, file.suggestedFilename());
        await file.saveAs(path);
        expect(readFileSync(path, 'latin1').slice(0, start.length)).toBe(start);
      }
      // Colours must have been resolved: a variable means nothing outside the page.
      expect(readFileSync(join(app.folder, 'rewards.svg'), 'utf8')).not.toContain('var(--');
    });

    it('an engine killed in the middle is told in words, and the run goes on', async () => {
      await call('runs.start', {
        modelDir: join(resources, 'base-model'),
        config: {
          objective: 'sft',
          learningRate: 1e-4,
          batchSize: 1,
          epochs: null,
          maxSteps: 60,
          maxLength: 1024,
          checkpointEvery: 5,
          heldOutFraction: 0,
          turnsPerSample: 1,
        },
        name: 'killed',
      });
      await until('training', async () =>
        (await jobs()).some(
          (job) => job.status === 'running' && job.progress?.phase === 'train' && job.progress.done > 8,
        ),
      );
      const children = execFileSync('pgrep', ['-P', String(app.pid), '-f', 'engine/process'])
        .toString()
        .trim()
        .split('\n');
      for (const pid of children) process.kill(Number(pid), 'SIGKILL');
      await until('the failure', async () => (await jobs())[0]?.status === 'failed');
      const bar = app.page.getByRole('status', { name: 'Jobs' });
      await bar
        .getByText(/engine/i)
        .first()
        .waitFor();
      await bar.getByRole('button', { name: 'Resume' }).click();
      await until('the end', async () => (await jobs())[0]?.status === 'finished');
      interface Run {
        readonly run: { readonly status: string; readonly lastStep: number };
      }
      expect((await call<Run>('runs.get', { id: 2 })).run).toMatchObject({ status: 'finished', lastStep: 60 });
    });

    it('evaluates base and run, side by side', async () => {
      await visit(app.page, 'evaluate');
      // The base model is chosen from the start.
      await app.page.getByRole('combobox', { name: 'What' }).click();
      await app.page.getByRole('option', { name: /^run 1:/ }).click();
      await app.page.keyboard.press('Escape');
      await app.page.getByRole('checkbox', { name: /^closed/ }).check();
      await app.page.getByRole('button', { name: 'Evaluate', exact: true }).click();
      await until('two evaluations', async () => {
        const done = (await jobs()).filter(({ kind, status }) => kind === 'evaluate' && status === 'finished');
        return done.length === 2;
      });
      const table = app.page.getByRole('table', { name: 'Results' });
      await table.getByRole('columnheader', { name: /^run 1/ }).waitFor();
      await table.getByRole('link').first().click();
      await app.page.getByRole('table', { name: 'Answers' }).waitFor();
    });

    it('exports the merged model', async () => {
      await visit(app.page, 'runs/1');
      await app.page.getByLabel('Folder to write (new)').fill(join(app.folder, 'merged'));
      await app.page.getByRole('button', { name: 'Merged model' }).click();
      await until(
        'the export',
        async () =>
          existsSync(join(app.folder, 'merged', 'model.safetensors')) && (await jobs())[0]?.status === 'finished',
      );
    });

    it('the command palette goes anywhere', async () => {
      await app.page.keyboard.press('Control+k');
      await app.page.getByPlaceholder('What do you want to do?').fill('system');
      await app.page.keyboard.press('Enter');
      await app.page.getByRole('heading', { name: 'System' }).waitFor();
    });

    it('every page in light and dark: pictures are taken, axe finds nothing serious, and no page complains', async () => {
      const found: string[] = [];
      for (const scheme of ['light', 'dark'] as const) {
        await app.page.emulateMedia({ colorScheme: scheme });
        for (const name of [
          'home',
          'models',
          'documents',
          'generate',
          'pairs',
          'train',
          'runs',
          'runs/1',
          'evaluate',
          'system',
        ]) {
          await visit(app.page, name);
          await app.page.getByRole('heading', { level: 1 }).waitFor();
          await app.page.waitForTimeout(400);
          await app.page.screenshot({ path: join(pictures, `${name.replace('/', '-')}-${scheme}.png`) });
          const serious = await seriousFindings(app.page);
          found.push(...serious.map((text) => `${name} ${scheme} ${text}`));
        }
      }
      expect(found).toEqual([]);
      expect(app.complaints.filter((text) => !/status of 400/.test(text))).toEqual([]);
    });
  },
);
