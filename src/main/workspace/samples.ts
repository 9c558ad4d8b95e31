import { UserError } from '../../shared/errors.ts';
import { chunkJoiner } from '../../shared/pairs.ts';
import type { Provenance, Sample, SampleTurn } from '../../shared/pairs.ts';
import { pageRequestSchema } from '../../shared/paging.ts';
import type { Page, PageRequest } from '../../shared/paging.ts';
import type { SnapshotPair } from '../../shared/runs.ts';
import { pairHash } from './content-hash.ts';
import type { RepositoryContext } from './events.ts';
import { idOfCursor, pageOf } from './page-cursor.ts';

interface StoredTurn {
  readonly pairId: number;
  readonly revision: number;
  readonly turn: number;
  readonly chunkText: string;
  readonly question: string;
  readonly chosen: string;
  readonly rejected: string;
  readonly seed: number;
  readonly flags: string;
  readonly sha256: string;
  readonly edit: string | null;
}

/** Samples with all their texts, for training and export: a long text and its turns. */
export function sampleRepository({ database }: RepositoryContext) {
  const sampleIds = database.prepare<[number, number], { id: number }>(
    'SELECT id FROM samples WHERE id > ? ORDER BY id LIMIT ?',
  );
  const head = database.prepare<
    [number],
    {
      documentId: number;
      documentTitle: string;
      context: 'document' | 'chunks';
      contextSha256: string;
      provenance: string;
    }
  >(`
    SELECT s.document_id AS documentId, d.title AS documentTitle, s.context, s.context_sha256 AS contextSha256,
      v.content AS provenance
    FROM samples s JOIN documents d ON d.id = s.document_id JOIN provenances v ON v.id = s.provenance_id
    WHERE s.id = ?`);
  const documentText = database.prepare<[number], { text: string }>(
    'SELECT t.text FROM documents d JOIN texts t ON t.sha256 = d.sha256 WHERE d.id = ?',
  );
  const chunkTexts = database.prepare<[number], { text: string }>(`
    SELECT c.text FROM sample_chunks s JOIN chunks c ON c.id = s.chunk_id WHERE s.sample_id = ? ORDER BY s.position`);
  const turnColumns = `p.turn, c.text AS chunkText, p.question, p.chosen, p.rejected, p.seed, p.flags,
    coalesce(r.sha256, p.sha256) AS sha256, r.edit`;
  const turns = database.prepare<[number], StoredTurn>(`
    SELECT p.id AS pairId, s.revision, ${turnColumns}
    FROM pairs p JOIN pair_states s ON s.pair_id = p.id JOIN chunks c ON c.id = p.chunk_id
      LEFT JOIN reviews r ON r.id = s.revision
    WHERE p.sample_id = ? ORDER BY p.turn`);
  const turnInRevision = database.prepare<[number, number], StoredTurn & { sampleId: number }>(`
    SELECT p.id AS pairId, p.sample_id AS sampleId, coalesce(r.id, 0) AS revision, ${turnColumns}
    FROM pairs p JOIN chunks c ON c.id = p.chunk_id
      LEFT JOIN reviews r ON r.id = ? AND r.pair_id = p.id AND r.edit IS NOT NULL
    WHERE p.id = ?`);

  const toTurn = ({ edit, flags, ...turn }: StoredTurn): SampleTurn => ({
    ...turn,
    ...(edit === null ? {} : (JSON.parse(edit) as Pick<SampleTurn, 'question' | 'chosen' | 'rejected'>)),
    flags: JSON.parse(flags) as string[],
  });
  const build = (id: number, sampleTurns: readonly SampleTurn[]): Sample => {
    const found = head.get(id);
    if (found === undefined) throw new UserError('not_found', `There is no sample ${id} in this workspace.`);
    const context =
      found.context === 'document'
        ? (documentText.get(found.documentId)?.text ?? '')
        : chunkTexts
            .all(id)
            .map((chunk) => chunk.text)
            .join(chunkJoiner);
    const provenance = JSON.parse(found.provenance) as Provenance;
    const { contextSha256 } = found;
    const exchange = ({ chosen: worse, rejected: better, ...turn }: SampleTurn): SampleTurn => {
      const { chunkText, question } = turn;
      const texts = {
        contextSha256,
        chunkText,
        separator: provenance.separator,
        question,
        chosen: better,
        rejected: worse,
      };
      return { ...turn, chosen: better, rejected: worse, sha256: pairHash(texts) };
    };
    return {
      ...{ id, documentId: found.documentId, documentTitle: found.documentTitle, context },
      provenance,
      turns: sampleTurns.map((turn) => (turn.swapped ? exchange(turn) : turn)),
    };
  };

  return {
    /** One sample with the present texts of its turns. Errors: `not_found`. */
    get(id: number): Sample {
      return build(id, turns.all(id).map(toTurn));
    },

    /** Ids of all samples, oldest first. */
    ids(request: PageRequest = {}): Page<number> {
      const { limit, cursor } = pageRequestSchema.parse(request);
      const { rows, next } = pageOf(sampleIds.all(idOfCursor(cursor), limit + 1), limit, (row) => row.id);
      return { rows: rows.map((row) => row.id), next };
    },

    /**
     * The sample of one or more of its pairs, exactly in the given revisions and order, answers exchanged where it says so,
     * other turns left out: what a run's data snapshot means. All pairs must be of one sample. Errors: `not_found`.
     */
    ofPairs(pairs: readonly SnapshotPair[]): Sample {
      const found = pairs.map(({ pairId, revision, swapped }) => {
        const turn = turnInRevision.get(revision, pairId);
        if (turn === undefined || turn.revision !== revision) {
          throw new UserError('not_found', `There is no pair ${pairId} in revision ${revision} in this workspace.`);
        }
        return { turn, swapped };
      });
      const sampleId = found[0]?.turn.sampleId;
      if (sampleId === undefined || found.some(({ turn }) => turn.sampleId !== sampleId)) {
        throw new Error('the pairs are not of one sample');
      }
      return build(
        sampleId,
        found.map(({ turn: { sampleId: _, ...turn }, swapped }) => ({
          ...toTurn(turn),
          ...(swapped ? { swapped } : {}),
        })),
      );
    },
  };
}
