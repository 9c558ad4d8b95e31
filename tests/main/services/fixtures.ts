import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
import { openContext } from '../../../src/main/services/context.ts';
import type { ServiceContext } from '../../../src/main/services/context.ts';
import { allRunMetrics } from '../../../src/main/services/runs.ts';
import { metrics } from '../../../src/shared/metrics.ts';
import { addDocuments, provenance } from '../workspace/fixtures.ts';

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

/** Documents with two chunks and two pairs each, written here: a tiny random model writes no answers that end. */
export function addPairs({ workspace }: ServiceContext, documents: number): void {
  const texts = Array.from({ length: documents }, (_, i) => `The ship ${i} sailed at dawn. The crew of ${i} slept.`);
  const ids = addDocuments(workspace, texts);
  const chunking = workspace.chunks.chunking({ maxTokens: 32 });
  for (const [i, documentId] of ids.entries()) {
    const text = texts[i] ?? '';
    const cut = text.indexOf('. ') + 2;
    const [first = 0, second = 0] = workspace.chunks.add(documentId, chunking, [
      { index: 0, start: 0, end: cut, tokens: 8 },
      { index: 1, start: cut, end: text.length, tokens: 8 },
    ]);
    const turn = (chunkId: number, question: string, chosen: string, rejected: string) => ({
      ...{ chunkId, question, chosen, rejected, seed: 0, flags: [] },
    });
    const turns = [
      turn(first, `When did the ship ${i} sail?`, 'At dawn.', 'At noon.'),
      turn(second, `What did the crew of ${i} do?`, 'It slept.', 'It sailed.'),
    ];
    workspace.pairs.addSamples([{ documentId, jobId: null, context: 'document', provenance, turns }]);
  }
}

/** The metrics that may not differ between two equal runs. */
export function exactRows(context: ServiceContext, runId: number) {
  return allRunMetrics(context, runId).filter((row) => metrics[row.key].deterministic);
}
