import type { ChunkRow, NewChunk } from '../../shared/documents.ts';
import { pageRequestSchema } from '../../shared/paging.ts';
import type { Page, PageRequest } from '../../shared/paging.ts';
import { canonicalJson, sha256 } from './content-hash.ts';
import type { RepositoryContext } from './events.ts';
import { idOfCursor, pageOf } from './page-cursor.ts';

const columns = `c.id, c.document_id AS documentId, c.chunking_id AS chunkingId, c.position AS "index",
  c.start_offset AS start, c.end_offset AS "end", c.tokens, c.text`;

/** Chunks of documents, for each way of cutting them. */
export function chunkRepository({ database, now }: RepositoryContext) {
  const findChunking = database.prepare<[string], { id: number }>('SELECT id FROM chunkings WHERE sha256 = ?');
  const addChunking = database.prepare<[string, string, number]>(
    'INSERT INTO chunkings (sha256, config, created_at) VALUES (?, ?, ?)',
  );
  const textOf = database.prepare<[number], { text: string }>(
    'SELECT t.text FROM documents d JOIN texts t ON t.sha256 = d.sha256 WHERE d.id = ?',
  );
  const insert = database.prepare<[number, number, number, number, number, number, string]>(`
    INSERT INTO chunks (document_id, chunking_id, position, start_offset, end_offset, tokens, text)
    VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const byId = database.prepare<[number], ChunkRow>(`SELECT ${columns} FROM chunks c WHERE c.id = ?`);
  const ofDocument = database.prepare<[number, number, number, number], ChunkRow>(`
    SELECT ${columns} FROM chunks c
    WHERE c.document_id = ? AND c.chunking_id = ? AND c.position >= ? ORDER BY c.position LIMIT ?`);

  const siblings = database.prepare<[number], { chunks: number }>(`
    SELECT count(*) AS chunks FROM chunks c
    JOIN chunks o ON o.document_id = c.document_id AND o.chunking_id = c.chunking_id WHERE c.id = ?`);
  const outline = database.prepare<[number], Omit<ChunkRow, 'text'>>(`
    SELECT ${columns.replace(', c.text', '')} FROM chunks c
    WHERE c.document_id = ? ORDER BY c.chunking_id DESC, c.position`);

  return {
    /** Where the chunks of a document are, for every way it was cut, the latest first; without their texts. */
    outline(documentId: number): readonly Omit<ChunkRow, 'text'>[] {
      return outline.all(documentId);
    },

    /** The number of a way of cutting (options, tokenizer and all that decides the chunks), made at its first use. */
    chunking(config: unknown): number {
      const content = canonicalJson(config);
      const hash = sha256(content);
      return findChunking.get(hash)?.id ?? Number(addChunking.run(hash, content, now()).lastInsertRowid);
    },

    /** Stores the chunks of one document under one way of cutting, all or nothing; returns their ids in order. */
    add: database.transaction((documentId: number, chunkingId: number, chunks: readonly NewChunk[]): number[] => {
      const text = textOf.get(documentId)?.text;
      if (text === undefined) throw new Error(`there is no document ${documentId}`);
      return chunks.map(({ index, start, end, tokens }) => {
        if (end > text.length) throw new Error(`chunk ${index} ends beyond document ${documentId}`);
        const added = insert.run(documentId, chunkingId, index, start, end, tokens, text.slice(start, end));
        return Number(added.lastInsertRowid);
      });
    }),

    get(id: number): ChunkRow | undefined {
      return byId.get(id);
    },

    /** Number of chunks that the chunk's document was cut into, itself included. */
    siblings(id: number): number {
      return siblings.get(id)?.chunks ?? 0;
    },

    /** Chunks of a document in document order. */
    ofDocument(documentId: number, chunkingId: number, request: PageRequest = {}): Page<ChunkRow> {
      const { limit, cursor } = pageRequestSchema.parse(request);
      const rows = ofDocument.all(documentId, chunkingId, idOfCursor(cursor), limit + 1);
      const { rows: page, next } = pageOf(rows, limit, (row) => row.index + 1);
      return { rows: page, next };
    },
  };
}
