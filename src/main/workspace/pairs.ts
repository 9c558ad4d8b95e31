import { UserError } from '../../shared/errors.ts';
import { chunkJoiner, pairListRequestSchema } from '../../shared/pairs.ts';
import type {
  NewSample,
  PairDetail,
  PairListRequest,
  PairQueueCounts,
  PairRow,
  Provenance,
} from '../../shared/pairs.ts';
import type { Page } from '../../shared/paging.ts';
import { canonicalJson, pairHash, sha256 } from './content-hash.ts';
import type { RepositoryContext } from './events.ts';
import { containing, idOfCursor, pageOf } from './page-cursor.ts';

/** A pair's columns and its texts in the revision `r` (a row of reviews, or NULL = as generated). */
const columns = `p.id, p.sample_id AS sampleId, p.document_id AS documentId, p.chunk_id AS chunkId,
  (SELECT c.position FROM chunks c WHERE c.id = p.chunk_id) AS chunkIndex, p.turn, p.seed, p.flags,
  coalesce(r.sha256, p.sha256) AS sha256, p.created_at AS createdAt, p.question, p.chosen, p.rejected, r.edit,
  s.verdict, s.disagreement, s.revision, s.archived_at AS archivedAt`;
const source = `pair_states s JOIN pairs p ON p.id = s.pair_id LEFT JOIN reviews r ON r.id = s.revision`;

interface Texts {
  readonly question: string;
  readonly chosen: string;
  readonly rejected: string;
}

type Stored = Omit<PairRow, 'flags' | 'disagreement'> & {
  readonly flags: string;
  readonly disagreement: number;
  readonly edit: string | null;
};

function toRow({ edit, flags, disagreement, ...row }: Stored): PairRow {
  const texts = edit === null ? {} : (JSON.parse(edit) as Texts);
  return { ...row, ...texts, flags: JSON.parse(flags) as string[], disagreement: disagreement === 1 };
}

/** Samples and their pairs, as they were generated, and where each pair stands after its reviews. */
export function pairRepository({ database, now, events }: RepositoryContext) {
  const findProvenance = database.prepare<[string], { id: number }>('SELECT id FROM provenances WHERE sha256 = ?');
  const addProvenance = database.prepare<[string, string]>('INSERT INTO provenances (sha256, content) VALUES (?, ?)');
  const documentHash = database.prepare<[number], { sha256: string }>('SELECT sha256 FROM documents WHERE id = ?');
  const chunkText = database.prepare<[number, number], { text: string }>(
    'SELECT text FROM chunks WHERE id = ? AND document_id = ?',
  );
  const addSample = database.prepare<[number, number | null, number, string, string, number]>(`
    INSERT INTO samples (document_id, job_id, provenance_id, context, context_sha256, created_at)
    VALUES (?, ?, ?, ?, ?, ?)`);
  const addSampleChunk = database.prepare<[number, number, number]>(
    'INSERT INTO sample_chunks (sample_id, position, chunk_id) VALUES (?, ?, ?)',
  );
  const addPair = database.prepare<
    [number, number, number, number, number, string, string, number, string, string, string]
  >(`
    INSERT INTO pairs (sample_id, turn, document_id, chunk_id, seed, flags, sha256, created_at, question, chosen, rejected)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const addState = database.prepare<[number, number]>('INSERT INTO pair_states (pair_id, flagged) VALUES (?, ?)');

  const list = database.prepare<
    [
      {
        after: number;
        limit: number;
        archived: number;
        queue: string;
        verdict: string | null;
        flag: string | null;
        documentId: number | null;
        jobId: number | null;
        pattern: string | null;
      },
    ],
    Stored
  >(`
    SELECT ${columns} FROM ${source}
    WHERE s.pair_id > @after AND (s.archived_at IS NOT NULL) = @archived
      AND CASE @queue
        WHEN 'unreviewed' THEN s.verdict IS NULL WHEN 'done' THEN s.verdict IS NOT NULL
        WHEN 'disagreement' THEN s.disagreement = 1 WHEN 'flagged' THEN s.flagged = 1 ELSE 1 END
      AND (@verdict IS NULL OR s.verdict = @verdict)
      AND (@documentId IS NULL OR p.document_id = @documentId)
      AND (@flag IS NULL OR EXISTS (SELECT 1 FROM json_each(p.flags) f WHERE f.value = @flag))
      AND (@jobId IS NULL OR EXISTS (SELECT 1 FROM samples m WHERE m.id = p.sample_id AND m.job_id = @jobId))
      AND (@pattern IS NULL OR p.question LIKE @pattern ESCAPE '\\' OR p.chosen LIKE @pattern ESCAPE '\\'
        OR p.rejected LIKE @pattern ESCAPE '\\' OR r.edit LIKE @pattern ESCAPE '\\')
    ORDER BY s.pair_id LIMIT @limit`);
  const latest = database.prepare<[{ jobId: number | null; limit: number }], Stored & { documentTitle: string }>(`
    SELECT ${columns}, d.title AS documentTitle FROM ${source} JOIN documents d ON d.id = p.document_id
    WHERE @jobId IS NULL OR EXISTS (SELECT 1 FROM samples m WHERE m.id = p.sample_id AND m.job_id = @jobId)
    ORDER BY p.id DESC LIMIT @limit`);
  const detail = database.prepare<
    [number],
    Stored & {
      documentTitle: string;
      chunkText: string;
      chunkStart: number;
      chunkEnd: number;
      turns: number;
      provenance: string;
    }
  >(`
    SELECT ${columns}, d.title AS documentTitle, c.text AS chunkText, c.start_offset AS chunkStart,
      c.end_offset AS chunkEnd, (SELECT count(*) FROM pairs o WHERE o.sample_id = p.sample_id) AS turns,
      v.content AS provenance
    FROM ${source} JOIN documents d ON d.id = p.document_id JOIN chunks c ON c.id = p.chunk_id
      JOIN samples m ON m.id = p.sample_id JOIN provenances v ON v.id = m.provenance_id
    WHERE p.id = ?`);
  const counts = database.prepare<[], PairQueueCounts>(`
    SELECT count(*) AS "all", coalesce(sum(verdict IS NULL), 0) AS unreviewed,
      coalesce(sum(disagreement), 0) AS disagreement, coalesce(sum(flagged), 0) AS flagged,
      coalesce(sum(verdict IS NOT NULL), 0) AS done
    FROM pair_states WHERE archived_at IS NULL`);
  const setArchived = database.prepare<[number | null, number]>(
    'UPDATE pair_states SET archived_at = ? WHERE pair_id = ?',
  );

  const provenanceId = (provenance: Provenance): number => {
    const content = canonicalJson(provenance);
    const hash = sha256(content);
    return findProvenance.get(hash)?.id ?? Number(addProvenance.run(hash, content).lastInsertRowid);
  };
  const textOfChunk = (chunkId: number, documentId: number): string => {
    const chunk = chunkText.get(chunkId, documentId);
    if (chunk === undefined) throw new Error(`document ${documentId} has no chunk ${chunkId}`);
    return chunk.text;
  };

  const ofSample = database.prepare<[number], { id: number; turn: number; question: string }>(`
    SELECT p.id, p.turn, coalesce(r.edit ->> 'question', p.question) AS question
    FROM pairs p JOIN pair_states s ON s.pair_id = p.id LEFT JOIN reviews r ON r.id = s.revision
    WHERE p.sample_id = ? ORDER BY p.turn`);

  const insertSample = (sample: NewSample): { sampleId: number; pairIds: number[] } => {
    const { documentId, context, provenance } = sample;
    const chunkIds = context === 'document' ? [] : context.chunkIds;
    const contextSha256 =
      context === 'document'
        ? documentHash.get(documentId)?.sha256
        : sha256(chunkIds.map((id) => textOfChunk(id, documentId)).join(chunkJoiner));
    if (contextSha256 === undefined) throw new Error(`there is no document ${documentId}`);
    const kind = context === 'document' ? 'document' : 'chunks';
    const createdAt = now();
    const added = addSample.run(documentId, sample.jobId, provenanceId(provenance), kind, contextSha256, createdAt);
    const sampleId = Number(added.lastInsertRowid);
    chunkIds.forEach((id, position) => addSampleChunk.run(sampleId, position, id));
    const pairIds = sample.turns.map(({ chunkId, question, chosen, rejected, seed, flags }, turn) => {
      const { separator } = provenance;
      const text = textOfChunk(chunkId, documentId);
      const hash = pairHash({ contextSha256, chunkText: text, separator, question, chosen, rejected });
      const pair = addPair.run(
        ...([sampleId, turn, documentId, chunkId, seed, JSON.stringify(flags)] as const),
        ...([hash, createdAt, question, chosen, rejected] as const),
      );
      const pairId = Number(pair.lastInsertRowid);
      addState.run(pairId, Number(flags.length > 0));
      return pairId;
    });
    return { sampleId, pairIds };
  };

  return {
    /**
     * Adds samples with their pairs, all or nothing; the turns' order is theirs in the sample. Returns the new ids.
     * Chunks must belong to the sample's document, else it throws (a defect of the caller).
     */
    addSamples: database.transaction(
      (samples: readonly NewSample[]): { readonly sampleId: number; readonly pairIds: readonly number[] }[] =>
        samples.map(insertSample),
    ),

    /** Pairs in the order they were made, with their texts as edited. */
    list(request: PairListRequest = {}): Page<PairRow> {
      const filter = pairListRequestSchema.parse(request);
      const rows = list.all({
        after: idOfCursor(filter.cursor),
        limit: filter.limit + 1,
        archived: Number(filter.archived),
        queue: filter.queue,
        verdict: filter.verdict ?? null,
        flag: filter.flag ?? null,
        documentId: filter.documentId ?? null,
        jobId: filter.jobId ?? null,
        pattern: filter.search === undefined ? null : containing(filter.search),
      });
      return pageOf(rows.map(toRow), filter.limit, (row) => row.id);
    },

    /** The pairs that were made last, of one generation or of all, newest first. */
    latest(jobId: number | null, limit: number): readonly (PairRow & { readonly documentTitle: string })[] {
      return latest.all({ jobId, limit }).map(({ documentTitle, ...row }) => ({ ...toRow(row), documentTitle }));
    },

    /** One pair with all that the audit page shows. Errors: `not_found`. */
    detail(id: number): PairDetail {
      const stored = detail.get(id);
      if (stored === undefined) throw new UserError('not_found', `There is no pair ${id} in this workspace.`);
      const { documentTitle, chunkText: text, chunkStart, chunkEnd, turns, provenance, ...row } = stored;
      const { question, chosen, rejected } = stored;
      return {
        ...toRow(row),
        ...{ documentTitle, chunkText: text, chunkStart, chunkEnd, turns },
        generated: { question, chosen, rejected },
        provenance: JSON.parse(provenance) as Provenance,
      };
    },

    /** The turns of a sample in their order, with the questions as edited. */
    ofSample(sampleId: number): readonly { readonly id: number; readonly turn: number; readonly question: string }[] {
      return ofSample.all(sampleId);
    },

    /** How many pairs wait in each queue, archived ones left out. */
    queueCounts(): PairQueueCounts {
      return counts.get() ?? { all: 0, unreviewed: 0, disagreement: 0, flagged: 0, done: 0 };
    },

    /** Puts pairs away or back; nothing is deleted. */
    setArchived: database.transaction((ids: readonly number[], archived: boolean): void => {
      const at = archived ? now() : null;
      for (const id of ids) setArchived.run(at, id);
      events.add(archived ? 'pairs_archived' : 'pairs_restored', '', { ids });
    }),
  };
}
