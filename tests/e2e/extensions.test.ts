import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumOrSkipReason } from './chromium.ts';
import { callFrom } from './in-page.ts';
import { pictures, startApp } from './start-app.ts';
import type { App } from './start-app.ts';
import { synthesisPresets } from '../../src/shared/synthesis-config.ts';

const chromium = chromiumOrSkipReason();
const resources = join(import.meta.dirname, '..', '..', 'resources', 'demo');
const stage = {
  length: 1024,
  synthesis: synthesisPresets.demo,
  train: { maxSteps: 2, batchSize: 1, heldOutFraction: 0, trainable: { kind: 'lora', rank: 4 } },
};
const stages = [
  {
    ...stage,
    ropeTheta: 20_000,
    evaluations: [
      {
        ...{ kind: 'questions', name: 'short questions', maxNewTokens: 8, limit: 4 },
        path: join(resources, 'documents', 'eval', 'short.jsonl'),
      },
    ],
  },
  { ...stage, ropeTheta: 40_000 },
];
let app: App;

describe.skipIf('reason' in chromium)(
  `an extension plan${'reason' in chromium ? ` (${chromium.reason})` : ''}`,
  { timeout: 180_000 },
  () => {
    beforeAll(async () => {
      app = await startApp('path' in chromium ? chromium.path : '');
    });
    afterAll(async () => {
      await app.close();
    });

    it('is started from the page and shows its stages with their runs and evaluations', async () => {
      const { page, folder } = app;
      const call = (name: string, input: unknown): Promise<unknown> => callFrom(page, name, input);
      mkdirSync(join(folder, 'documents'));
      for (const name of ['harbour-001.txt', 'harbour-002.txt']) {
        copyFileSync(join(resources, 'documents', 'train', name), join(folder, 'documents', name));
      }
      await call('workspaces.open', { folder: join(folder, 'workspace'), create: true });
      await call('documents.import', { paths: [join(folder, 'documents')] });
      await page.goto(`${app.origin}/#/runs`);
      await page.getByText('Extension plans').click();
      await page.getByText('New plan').click();
      await page.screenshot({ path: join(pictures, 'extension-form-light.png') });
      await page.getByLabel('Model of the first stage').fill(join(resources, 'base-model'));
      await page.getByLabel('Stages (JSON)').fill('[');
      await page.getByText('This is no JSON list.').waitFor();
      expect(await page.getByRole('button', { name: 'Start the plan' }).isDisabled()).toBe(true);
      await page.getByLabel('Stages (JSON)').fill(JSON.stringify(stages));
      await page.getByRole('button', { name: 'Start the plan' }).click();
      const plan = page.getByRole('group', { name: 'Plan 1' });
      await plan.getByText('finished', { exact: true }).waitFor({ timeout: 150_000 });
      expect(await plan.getByRole('link', { name: /^Run \d$/ }).count()).toBe(2);
      await plan.getByText(/short questions/).waitFor();
      for (const scheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.screenshot({ path: join(pictures, `extension-plan-${scheme}.png`) });
      }
      expect(app.complaints).toEqual([]);
    });
  },
);
