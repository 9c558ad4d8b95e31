// What workspaces of tests are filled with; usable outside of vitest, too.
import type { NewDocument } from '../../../src/shared/documents.ts';
import type { Provenance } from '../../../src/shared/pairs.ts';
import type { Workspace } from '../../../src/main/workspace/workspace.ts';

export function document(text: string, title = 'A text'): NewDocument {
  return {
    ...{ title, text, sourcePath: `${title}.txt`, sourceLine: null, importer: 'txt' },
    ...{ bytes: Buffer.byteLength(text), characters: [...text].length },
  };
}

/** Imports the texts and returns the ids. */
export function addDocuments(workspace: Workspace, texts: readonly string[]): readonly number[] {
  const sink = workspace.documents.startImport();
  for (const text of texts) sink.add(document(text));
  return sink.commit();
}

const greedy = { temperature: 0, topP: 1, topK: 0, maxNewTokens: 14 };
export const provenance: Provenance = {
  modelFingerprint: 'model-a',
  template: { name: 'harbour', sha256: 'a'.repeat(64) },
  sampling: { question: { temperature: 0.7, topP: 0.9, topK: 0, maxNewTokens: 10 }, chosen: greedy, rejected: greedy },
  prompt: '{chunk}\nAsk a question about the text above.',
  separator: '\n\n',
  longRopeTheta: null,
};

/** The text of a small document, for `addTwoPairs`. */
export const shipText = (i: number): string => `The ship ${i} sailed at dawn. The crew of ${i} slept.`;

/** Cuts a document of `shipText` into two chunks and adds a pair for each: a tiny random model writes no answers that end. */
export function addTwoPairs(workspace: Workspace, documentId: number, i: number, made: Provenance): void {
  const text = shipText(i);
  const cut = text.indexOf('. ') + 2;
  const chunking = workspace.chunks.chunking({ maxTokens: 32 });
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
  workspace.pairs.addSamples([{ documentId, jobId: null, context: 'document', provenance: made, turns }]);
}

/** Documents with two chunks and two pairs each. */
export function addPairs({ workspace }: { readonly workspace: Workspace }, documents: number): void {
  const ids = addDocuments(
    workspace,
    Array.from({ length: documents }, (_, i) => shipText(i)),
  );
  for (const [i, documentId] of ids.entries()) addTwoPairs(workspace, documentId, i, provenance);
}
