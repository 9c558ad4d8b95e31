import type { NewSample } from '../../src/shared/pairs.ts';
import { openWorkspace } from '../../src/main/workspace/workspace.ts';

const greedy = { temperature: 0, topP: 1, topK: 0, maxNewTokens: 40 };
const provenance = {
  modelFingerprint: 'model-a',
  template: { name: 'harbour', sha256: 'a'.repeat(64) },
  sampling: { question: { temperature: 0.7, topP: 0.9, topK: 0, maxNewTokens: 10 }, chosen: greedy, rejected: greedy },
  prompt: '{chunk}\nAsk a question about the text above.',
  separator: '\n\n',
  longRopeTheta: null,
};

const names = ['Mara', 'Sven', 'Ilse', 'Tom', 'Ruta', 'Olav', 'Ada', 'Jon', 'Kaja', 'Lars', 'Nils', 'Pia'];

/** What no page may run. */
export const markup = '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script>';

/**
 * A workspace with `documents` documents of three chunks each. Of each document there is a pair of one turn and a sample
 * of two turns; the first document's answers contain markup. A run has log-ratios of all: 20 nats less the pair's number. Every third pair has a flag that tells of the chosen side.
 * @returns the numbers of the pairs in the order they were made
 */
export function makeAuditWorkspace(folder: string, documents: number): readonly number[] {
  const workspace = openWorkspace(folder, { create: true });
  try {
    const texts = Array.from({ length: documents }, (_, i) =>
      ['east', 'west', 'north'].map((pier, part) => {
        const name = names[(i + part) % names.length] ?? '';
        const filler = `The ${pier} pier is made of stone and larch. `.repeat(12);
        return `${filler}On day ${i + 1} of the year ${1800 + 7 * i + part}, ${name} tied the seal-catcher Petrel at the ${pier} pier and paid ${20 + i} crowns. ${filler}\n\n`;
      }),
    );
    const sink = workspace.documents.startImport();
    for (const [i, parts] of texts.entries()) {
      const text = parts.join('');
      const title = `harbour-${String(i + 1).padStart(3, '0')}`;
      const size = { bytes: text.length, characters: text.length };
      sink.add({ ...{ title, text, sourcePath: `${title}.txt`, sourceLine: null, importer: 'txt' }, ...size });
    }
    const documentIds = sink.commit();
    const chunking = workspace.chunks.chunking({ maxTokens: 256 });
    const ids = documentIds.flatMap((documentId, i) => {
      const parts = texts[i] ?? [];
      let at = 0;
      const chunks = parts.map((part, index) => ({ index, start: at, end: (at += part.length), tokens: 200 }));
      const chunkIds = workspace.chunks.add(documentId, chunking, chunks);
      const turn = (part: number): NewSample['turns'][number] => {
        const name = names[(i + part) % names.length] ?? '';
        const year = 1800 + 7 * i + part;
        const evil = i === 0 && part === 0 ? ` ${markup}` : '';
        return {
          chunkId: chunkIds[part] ?? 0,
          question: `Who tied the Petrel in the year ${year}, and what was paid?`,
          chosen: `In ${year}, ${name} tied the seal-catcher Petrel and paid ${20 + i} crowns.${evil}`,
          rejected: `In ${year}, someone tied a fishing boat at the pier of stone and paid nothing at all.${evil}`,
          seed: part,
          flags: part === 2 ? ['not_in_chunk'] : [],
        };
      };
      const sample = { documentId, jobId: null, context: 'document' as const, provenance };
      return workspace.pairs
        .addSamples([
          { ...sample, turns: [turn(0)] },
          { ...sample, turns: [turn(1), turn(2)] },
        ])
        .flatMap(({ pairIds }) => pairIds);
    });
    const pairs = ids.map((pairId) => ({ pairId, revision: 0 }));
    const run = { name: 'the pier', config: {}, modelFingerprint: 'model-a', codeVersion: '0' };
    workspace.pairLogps.put(
      workspace.runs.add({ ...run, pairs }),
      // The later a pair, the more suspicious.
      ids.map((pairId) => ({
        ...{
          pairId,
          step: 1,
          policyChosen: -pairId,
          policyRejected: -10,
          referenceChosen: -20,
          referenceRejected: -10,
        },
      })),
    );
    return ids;
  } finally {
    workspace.close();
  }
}
