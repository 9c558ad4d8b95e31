import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

const FIXTURES = path.join(import.meta.dirname, '../../../fixtures');

export const GOLDEN = path.join(FIXTURES, 'golden');
export const TOKENIZERS = path.join(FIXTURES, 'tokenizers');
export const CHAT_TEMPLATES = path.join(FIXTURES, 'chat-templates');

/** A JSON fixture; the caller states its shape. */
export function readJson<T>(...parts: string[]): T {
  return JSON.parse(readFileSync(path.join(...parts), 'utf8')) as T;
}

/** A temporary model folder with the given files (strings as they are, anything else as JSON); removed after the test. */
export function modelFolder(files: Readonly<Record<string, unknown>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'longhand-text-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(path.join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}
