import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { ErrorCode } from '../../../../src/shared/errors.ts';
import { UserError } from '../../../../src/shared/errors.ts';

export const GOLDEN = join(import.meta.dirname, '../../../fixtures/golden');
export const MODEL_NAMES = [
  'llama',
  'llama_rope_llama3',
  'llama_rope_linear',
  'llama_rope_yarn',
  'mistral',
  'qwen2',
  'qwen3',
];
export const ADAPTER_NAMES = ['llama', 'mistral', 'qwen2', 'qwen3'];

export type Json = Record<string, unknown>;

export const goldenModel = (name: string): string => join(GOLDEN, 'models', name);
export const goldenAdapter = (name: string): string => join(GOLDEN, 'adapters', name);
export const readJson = (path: string): Json => JSON.parse(readFileSync(path, 'utf8')) as Json;

/** An empty folder that goes away with the test. */
export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'longhand-model-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A copy of a folder whose JSON file has some fields changed; undefined removes a field. */
export function changedCopy(source: string, file: string, changes: Json): string {
  const dir = temporaryFolder();
  cpSync(source, dir, { recursive: true });
  writeFileSync(join(dir, file), JSON.stringify({ ...readJson(join(dir, file)), ...changes }));
  return dir;
}

/** Expects a UserError of a code whose sentence contains all the words. */
export async function expectUserError(promise: Promise<unknown>, code: ErrorCode, ...words: string[]): Promise<void> {
  const error: unknown = await promise.then(
    () => new Error('no error'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UserError);
  expect((error as UserError).code).toBe(code);
  for (const word of words) expect((error as UserError).message).toContain(word);
  expect((error as UserError).hint).toBeTruthy();
}
