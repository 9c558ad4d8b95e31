import { newDocumentSchema } from '../../shared/documents.ts';
import type { ImportProblem, NewDocument } from '../../shared/documents.ts';
import { UserError } from '../../shared/errors.ts';
import { importKinds } from '../../shared/import-kinds.ts';
import { tooLarge } from './read-whole.ts';
import { FileProblem } from './reader.ts';
import type { FoundDocument, ReadOptions, Source } from './reader.ts';
import { readers } from './readers.ts';

/**
 * The documents of one source, ready to be stored, and what had to be left out. Never throws for what a file holds: a
 * damaged file ends with a problem, after the documents that came before the damage.
 */
export async function* readSource(source: Source, options: ReadOptions): AsyncGenerator<NewDocument | ImportProblem> {
  const { path, importer } = source;
  let found = 0;
  try {
    const read = await readers[importer]();
    for await (const item of read(source, options)) {
      found += 1;
      yield 'reason' in item ? item : (problemOf(item, source, options) ?? documentOf(item, source));
    }
  } catch (error) {
    found += 1;
    yield problemOfError(error, source);
  }
  if (found === 0)
    yield { path, line: null, kind: 'empty', reason: importer === 'jsonl' ? 'has no line' : 'has no document' };
}

function problemOf(
  { content, line }: FoundDocument,
  { path, importer }: Source,
  { maxBytes }: ReadOptions,
): ImportProblem | undefined {
  if (!content.ok) {
    const hint =
      content.reason === 'is not valid UTF-8' && importKinds[importer].options.includes('encoding')
        ? '; say windows-1252 or latin-1 if it is one of them'
        : '';
    // Inside a row the content's own lines mean nothing: the file's line is the one to name.
    return { path, line: line ?? content.line, kind: 'wrong_encoding', reason: content.reason + hint };
  }
  if (content.text.trim() === '') return { path, line, kind: 'empty', reason: 'has no text' };
  const bytes = Buffer.byteLength(content.text);
  return bytes > maxBytes ? { path, line, kind: 'too_large', reason: tooLarge(bytes, maxBytes) } : undefined;
}

function documentOf({ title, line, content }: FoundDocument, { path, importer }: Source): NewDocument {
  const text = content.ok ? content.text : '';
  let characters = 0;
  for (let index = 0; index < text.length; characters++) index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
  const bytes = Buffer.byteLength(text);
  return newDocumentSchema.parse({ title, text, sourcePath: path, sourceLine: line, importer, bytes, characters });
}

function problemOfError(error: unknown, { path, importer }: Source): ImportProblem {
  if (error instanceof FileProblem) return { path, line: error.line, kind: error.kind, reason: error.message };
  if (error instanceof UserError) {
    // Its sentence starts with the file and the line, which the problem names itself.
    const line = error.place.line ?? null;
    const start = line === null ? path : `${path}, line ${line}`;
    const said = error.message.startsWith(`${start} `) ? error.message.slice(start.length + 1) : error.message;
    const hint = error.hint === undefined ? '' : `. ${error.hint.replace(/\.$/, '')}`;
    return { path, line, kind: 'unreadable', reason: said.replace(/\.$/, '') + hint };
  }
  const detail = error instanceof Error ? error.message : String(error);
  const reason = `cannot be read as ${importKinds[importer].label}: ${detail.slice(0, 300).toWellFormed()}`;
  return { path, line: null, kind: 'unreadable', reason };
}
