import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { UserError } from '../../../src/shared/errors.ts';
import type { NewPair, NewSample } from '../../../src/shared/pairs.ts';
import { openWorkspace } from '../../../src/main/workspace/workspace.ts';
import type { OpenOptions, Workspace } from '../../../src/main/workspace/workspace.ts';
import { addDocuments, provenance } from './sample-texts.ts';

export { addDocuments, document, provenance } from './sample-texts.ts';

const folders: string[] = [];
const opened: Workspace[] = [];

afterEach(() => {
  for (const workspace of opened.splice(0)) workspace.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'longhand-workspace-'));
  folders.push(folder);
  return folder;
}

/** A workspace that is closed after the test. */
export function open(folder = temporaryFolder(), options: OpenOptions = {}): Workspace {
  const workspace = openWorkspace(folder, { create: true, ...options });
  opened.push(workspace);
  return workspace;
}

/** A document of two chunks ("One. " and "Two.") with its ids. */
export function addChunkedDocument(workspace: Workspace, text = 'One. Two.') {
  const [documentId = 0] = addDocuments(workspace, [text]);
  const cut = text.indexOf(' ') + 1;
  const chunkIds = workspace.chunks.add(documentId, workspace.chunks.chunking({ maxTokens: 2 }), [
    { index: 0, start: 0, end: cut, tokens: 2 },
    { index: 1, start: cut, end: text.length, tokens: 2 },
  ]);
  return { documentId, chunkIds };
}

export function pair(chunkId: number, name: string, flags: readonly string[] = []): NewPair {
  return {
    chunkId,
    question: `${name}?`,
    chosen: `${name} short`,
    rejected: `${name} long`,
    seed: 7,
    flags: [...flags],
  };
}

export function sampleOf(documentId: number, turns: readonly NewPair[], extra: Partial<NewSample> = {}): NewSample {
  return { documentId, jobId: null, context: 'document', provenance, turns: [...turns], ...extra };
}

/** A workspace with one document and two pairs in one sample. */
export function withPairs(workspace: Workspace) {
  const { documentId, chunkIds } = addChunkedDocument(workspace);
  const [first = 0, second = 0] = chunkIds;
  const turns = [pair(second, 'b', ['identical']), pair(first, 'a')];
  const [sample] = workspace.pairs.addSamples([sampleOf(documentId, turns)]);
  if (sample === undefined) throw new Error('no sample');
  return { documentId, chunkIds, sampleId: sample.sampleId, pairIds: sample.pairIds };
}

/** The UserError that `action` throws. */
export function userError(action: () => unknown): UserError {
  let thrown: unknown;
  try {
    action();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(UserError);
  return thrown as UserError;
}
