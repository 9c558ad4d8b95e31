import { basename, join, sep } from 'node:path';
import type { ImportProblem } from '../../shared/documents.ts';
import { decodeText } from './decode-text.ts';
import { readWhole, tooLarge } from './read-whole.ts';
import { FileProblem } from './reader.ts';
import type { FoundDocument, ReadOptions, Source } from './reader.ts';

/**
 * Reads a file of source code as one document (title: its name), or the members of a folder joined in their order: each
 * under a line `===== path =====`, as many to a document as fit into `joinedCharacters`. A longer file is a document of
 * its own, up to `maxBytes`. Binary files and files in another encoding are left out, each with its problem.
 */
export async function* readCode(source: Source, options: ReadOptions): AsyncGenerator<FoundDocument | ImportProblem> {
  const { path, members } = source;
  if (members !== null) {
    yield* joinMembers(path, members, options);
    return;
  }
  yield { title: basename(path), line: null, content: { ok: true, text: await readCodeText(path, options) } };
}

async function* joinMembers(
  folder: string,
  members: readonly string[],
  options: ReadOptions,
): AsyncGenerator<FoundDocument | ImportProblem> {
  let part = 0;
  let pieces: string[] = [];
  let length = 0;
  const document = (last: boolean): FoundDocument => {
    part += 1;
    const title = last && part === 1 ? basename(folder) : `${basename(folder)}, part ${part}`;
    const text = pieces.join('\n');
    pieces = [];
    length = 0;
    return { title, line: null, content: { ok: true, text } };
  };
  for (const member of members) {
    const path = join(folder, member);
    let text: string;
    try {
      text = await readCodeText(path, options);
    } catch (error) {
      yield problemOf(path, error);
      continue;
    }
    if (text.trim() === '') continue;
    const piece = `===== ${member.split(sep).join('/')} =====\n\n${text.endsWith('\n') ? text : `${text}\n`}`;
    if (pieces.length > 0 && length + 1 + piece.length > options.joinedCharacters) yield document(false);
    pieces.push(piece);
    length += piece.length + (pieces.length > 1 ? 1 : 0);
  }
  if (pieces.length > 0) yield document(true);
}

async function readCodeText(path: string, { encoding, maxBytes }: ReadOptions): Promise<string> {
  const bytes = await readWhole(path, 2 * maxBytes);
  // UTF-16 has NUL bytes too, and a byte order mark.
  const marked = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (!marked && bytes.includes(0)) throw new FileProblem('unsupported', 'is a binary file');
  const decoded = decodeText(bytes, encoding);
  if (!decoded.ok) throw new FileProblem('wrong_encoding', decoded.reason, decoded.line);
  const size = Buffer.byteLength(decoded.text);
  if (size > maxBytes) throw new FileProblem('too_large', tooLarge(size, maxBytes));
  return decoded.text;
}

function problemOf(path: string, error: unknown): ImportProblem {
  if (error instanceof FileProblem) return { path, line: error.line, kind: error.kind, reason: error.message };
  const reason = `cannot be read (${error instanceof Error ? error.message : String(error)})`;
  return { path, line: null, kind: 'unreadable', reason };
}
