import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
import { openContext } from '../../../src/main/services/context.ts';
import type { ServiceContext } from '../../../src/main/services/context.ts';
import { allRunMetrics } from '../../../src/main/services/runs.ts';
import { metrics } from '../../../src/shared/metrics.ts';

export { addPairs } from '../workspace/sample-texts.ts';

export const tinyModel = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/golden/models/${name}`, import.meta.url));
export const demoModel = fileURLToPath(new URL('../../../resources/demo/base-model', import.meta.url));
export const demoDocument = (number: number): string =>
  fileURLToPath(
    new URL(`../../../resources/demo/documents/train/harbour-${String(number).padStart(3, '0')}.txt`, import.meta.url),
  );
export const demoQuestions = (name: string): string =>
  fileURLToPath(new URL(`../../../resources/demo/documents/eval/${name}.jsonl`, import.meta.url));

const folders: string[] = [];
const opened: Awaited<ReturnType<typeof openContext>>[] = [];

/** Closes and removes what the tests opened; done after each test. */
export async function closeAll(): Promise<void> {
  for (const context of opened.splice(0)) await context.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}
afterEach(closeAll);

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'longhand-services-'));
  folders.push(folder);
  return folder;
}

/** A workspace and an engine, closed after the test. */
export function open(folder = temporaryFolder()): ServiceContext & { close(): Promise<void> } {
  const context = openContext(folder, { create: true });
  opened.push(context);
  return context;
}

/** The metrics that may not differ between two equal runs. */
export function exactRows(context: ServiceContext, runId: number) {
  return allRunMetrics(context, runId).filter((row) => metrics[row.key].deterministic);
}
