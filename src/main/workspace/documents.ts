import { UserError } from '../../shared/errors.ts';
import { documentListRequestSchema } from '../../shared/documents.ts';
import type { DocumentListRequest, DocumentListRow, DocumentRow, NewDocument } from '../../shared/documents.ts';
import type { Page } from '../../shared/paging.ts';
import { sha256 } from './content-hash.ts';
import type { RepositoryContext } from './events.ts';
import { containing, idOfCursor, pageOf } from './page-cursor.ts';
import { guarded } from './sqlite-errors.ts';

/** An import in progress. Nothing of it is visible before `commit`, and nothing is left of it after `abort`. */
export interface DocumentImport {
  /** Takes one document; `duplicate` if its text is in the workspace or came before in this import. */
  add(document: NewDocument): 'added' | 'duplicate';
  /** Makes all documents visible in one transaction; returns their ids in order. */
  commit(): readonly number[];
  abort(): void;
}

const columns = `d.id, d.sha256, d.title, d.source_path AS sourcePath, d.source_line AS sourceLine, d.importer, d.bytes,
  d.characters, d.imported_at AS importedAt, d.archived_at AS archivedAt`;

/** Texts of an import that are written together: one write to the disk for many small documents. */
const importBatchBytes = 1024 * 1024;

/** Documents: content-addressed by the SHA-256 of their normalised text. */
export function documentRepository({ database, now, events }: RepositoryContext) {
  const insertText = database.prepare<[string, string]>('INSERT OR IGNORE INTO texts (sha256, text) VALUES (?, ?)');
  const dropOrphans = database.prepare(`
    DELETE FROM texts WHERE id IN (
      SELECT t.id FROM texts t LEFT JOIN documents d ON d.sha256 = t.sha256 WHERE d.id IS NULL)`);
  const insert = database.prepare<[Omit<NewDocument, 'text'> & { sha256: string; importedAt: number }]>(`
    INSERT INTO documents (sha256, title, source_path, source_line, importer, bytes, characters, imported_at)
    VALUES (@sha256, @title, @sourcePath, @sourceLine, @importer, @bytes, @characters, @importedAt)`);
  const isKnown = database.prepare<[string], { id: number }>('SELECT id FROM documents WHERE sha256 = ?');
  const byId = database.prepare<[number], DocumentRow>(`SELECT ${columns} FROM documents d WHERE d.id = ?`);
  const textOf = database.prepare<[number], { text: string }>(
    'SELECT t.text FROM documents d JOIN texts t ON t.sha256 = d.sha256 WHERE d.id = ?',
  );
  const list = database.prepare<
    [{ after: number; limit: number; pattern: string | null; model: string; archived: number }],
    DocumentListRow
  >(`
    SELECT ${columns}, k.tokens, (SELECT count(*) FROM pairs p WHERE p.document_id = d.id) AS pairs
    FROM documents d LEFT JOIN document_tokens k ON k.document_id = d.id AND k.model_fingerprint = @model
    WHERE d.id > @after AND (d.archived_at IS NOT NULL) = @archived
      AND (@pattern IS NULL OR d.title LIKE @pattern ESCAPE '\\' OR d.source_path LIKE @pattern ESCAPE '\\')
    ORDER BY d.id LIMIT @limit`);
  const counts = database.prepare<[], { documents: number; bytes: number }>(
    'SELECT count(*) AS documents, coalesce(sum(bytes), 0) AS bytes FROM documents WHERE archived_at IS NULL',
  );
  const setTokens = database.prepare<[number, string, number]>(`
    INSERT INTO document_tokens (document_id, model_fingerprint, tokens) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET tokens = excluded.tokens`);
  const uncounted = database.prepare<[string, number], { id: number }>(`
    SELECT id FROM documents d WHERE archived_at IS NULL AND NOT EXISTS (
      SELECT 1 FROM document_tokens k WHERE k.document_id = d.id AND k.model_fingerprint = ?)
    ORDER BY id LIMIT ?`);
  const lengths = database.prepare<[string, number, number], { id: number; tokens: number }>(`
    SELECT d.id, k.tokens FROM documents d JOIN document_tokens k ON k.document_id = d.id AND k.model_fingerprint = ?
    WHERE d.archived_at IS NULL AND d.id > ? ORDER BY d.id LIMIT ?`);
  const setArchived = database.prepare<[number | null, number]>('UPDATE documents SET archived_at = ? WHERE id = ?');

  let importRunning = false;
  /** Texts never change; finding out the length of a long one means reading it. */
  const textLengths = new Map<number, number>();

  return {
    /**
     * Starts an import. Texts are written ahead in small batches; the rows that make them documents follow in one
     * transaction, so other work goes on meanwhile and a crash leaves nothing visible.
     * Errors: `conflict` while another import runs.
     */
    startImport(): DocumentImport {
      if (importRunning) {
        throw new UserError('conflict', 'Another import into this workspace is running.', {
          hint: 'Wait until it has ended.',
        });
      }
      importRunning = true;
      const taken = new Map<string, Omit<NewDocument, 'text'>>();
      const waiting: { hash: string; text: string }[] = [];
      let waitingBytes = 0;
      const writeWaiting = database.transaction(() => {
        for (const { hash, text } of waiting) insertText.run(hash, text);
      });
      const flush = () => {
        writeWaiting();
        waiting.length = 0;
        waitingBytes = 0;
      };
      const end = () => {
        importRunning = false;
        taken.clear();
        waiting.length = 0;
      };
      return guarded(database.name, {
        add(document: NewDocument) {
          if (!importRunning) throw new Error('the import has ended');
          const { text, ...row } = document;
          const hash = sha256(text);
          if (taken.has(hash) || isKnown.get(hash) !== undefined) return 'duplicate';
          taken.set(hash, row);
          waiting.push({ hash, text });
          waitingBytes += document.bytes;
          if (waitingBytes >= importBatchBytes) flush();
          return 'added';
        },
        commit: () => {
          flush();
          const importedAt = now();
          const ids = database.transaction(() => {
            const added: number[] = [];
            for (const [hash, row] of taken) {
              added.push(Number(insert.run({ ...row, sha256: hash, importedAt }).lastInsertRowid));
            }
            events.add('documents_imported', '', { documents: added.length, first: added[0], last: added.at(-1) });
            return added;
          })();
          end();
          return ids;
        },
        abort: () => {
          end();
          try {
            dropOrphans.run();
          } catch {
            // On a full disk this fails too. Nothing can see these texts, and the next opening drops them; the error
            // that led here is the one to report.
          }
        },
      });
    },

    /** Removes what a crashed import left behind; run once at opening. */
    dropOrphanTexts(): number {
      return dropOrphans.run().changes;
    },

    get(id: number): DocumentRow | undefined {
      return byId.get(id);
    },

    /** The normalised text of a document. */
    text(id: number): string | undefined {
      return textOf.get(id)?.text;
    },

    /** Length of a document's text in UTF-16 units, as chunk offsets count; 0 where there is no such document. */
    textLength(id: number): number {
      const known = textLengths.get(id) ?? textOf.get(id)?.text.length;
      if (known === undefined) return 0;
      textLengths.set(id, known);
      return known;
    },

    /** Documents in the order of import. */
    list(request: DocumentListRequest = {}): Page<DocumentListRow> {
      const { limit, cursor, search, modelFingerprint, archived } = documentListRequestSchema.parse(request);
      const rows = list.all({
        after: idOfCursor(cursor),
        limit: limit + 1,
        pattern: search === undefined ? null : containing(search),
        model: modelFingerprint ?? '',
        archived: Number(archived),
      });
      return pageOf(rows, limit, (row) => row.id);
    },

    /** Number of documents and bytes of text, archived ones left out. */
    totals(): { readonly documents: number; readonly bytes: number } {
      return counts.get() ?? { documents: 0, bytes: 0 };
    },

    /** Notes the documents' lengths in tokens of one model's tokenizer. */
    setTokens: database.transaction(
      (modelFingerprint: string, rows: readonly { readonly id: number; readonly tokens: number }[]): void => {
        for (const row of rows) setTokens.run(row.id, modelFingerprint, row.tokens);
      },
    ),

    /** The next documents whose tokens are not counted yet for this model. */
    withoutTokens(modelFingerprint: string, limit: number): readonly number[] {
      return uncounted.all(modelFingerprint, limit).map((row) => row.id);
    },

    /** Lengths in tokens by document id, for the histogram. */
    lengths(modelFingerprint: string, request: { limit?: number; cursor?: string | null } = {}) {
      const { limit, cursor } = documentListRequestSchema.parse(request);
      const rows = lengths.all(modelFingerprint, idOfCursor(cursor), limit + 1);
      return pageOf(rows, limit, (row) => row.id);
    },

    /** Puts documents away or back; nothing is deleted. */
    setArchived: database.transaction((ids: readonly number[], archived: boolean): void => {
      const at = archived ? now() : null;
      for (const id of ids) setArchived.run(at, id);
      events.add(archived ? 'documents_archived' : 'documents_restored', '', { ids });
    }),
  };
}
