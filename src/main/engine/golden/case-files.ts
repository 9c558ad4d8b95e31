import { access, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';
import { readJsonFile } from '../model/json-file.ts';
import { openSafetensors, readTensor } from '../model/safetensors.ts';
import type { FileTensor, RecordedErrors } from './comparison.ts';

/** Any of them makes a folder a case, so that a case with a missing file is noticed. */
const CASE_FILES = ['inputs.json', 'expected.json', 'tensors.safetensors'];

/** Model texts that begin so name the real model, which does not lie beside the cases. */
const REAL_MODEL = 'SmolLM2-135M-Instruct';

export interface CaseFolder {
  /** Path below the folder that was asked for, or the folder's own name. */
  readonly name: string;
  readonly folder: string;
}

/** A case as read from its folder, before its inputs are looked at. */
export interface CaseFiles extends CaseFolder {
  readonly inputs: unknown;
  readonly expected: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, FileTensor>;
  readonly recorded: RecordedErrors;
}

/**
 * Every case at or below a folder, by name.
 * @throws UserError not_found where the folder does not exist or holds none
 */
export async function findCases(root: string): Promise<CaseFolder[]> {
  const absolute = path.resolve(root);
  const found: CaseFolder[] = [];
  const visit = async (folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true });
    if (entries.some((entry) => CASE_FILES.includes(entry.name))) {
      found.push({ name: path.relative(absolute, folder) || path.basename(folder), folder });
    }
    for (const entry of entries) if (entry.isDirectory()) await visit(path.join(folder, entry.name));
  };
  const isFolder = await stat(absolute).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (isFolder) await visit(absolute);
  if (found.length > 0) return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  throw new UserError('not_found', isFolder ? `${root} holds no golden case.` : `${root} is not a folder.`, {
    hint: 'A case is a folder with inputs.json, expected.json and tensors.safetensors; give its path or one above it.',
    place: { file: root },
  });
}

const tensorError = z.object({ max_abs: z.number().optional(), rel_l2: z.number().optional() });
type TensorError = z.infer<typeof tensorError>;
const expectedSchema = z.looseObject({
  fp64: z.record(z.string(), z.unknown()).optional(),
  fp32: z.record(z.string(), z.unknown()).optional(),
  // By kind of scalar in LongPO cases, by tensor in forward cases.
  fp32_error: z.record(z.string(), z.union([z.number(), tensorError])).optional(),
  fp32_tensor_error: z.record(z.string(), tensorError).optional(),
});

/** @throws UserError that names the file (and field) that is missing or damaged */
export async function readCase(folder: CaseFolder): Promise<CaseFiles> {
  const file = (name: string): string => path.join(folder.folder, name);
  const inputs = await readJsonFile(file('inputs.json'), z.unknown());
  const expected = await readJsonFile(file('expected.json'), expectedSchema);
  const scalars: Record<string, number> = {};
  const errors: Record<string, TensorError> = {
    ...expected.fp32_tensor_error,
  };
  for (const [name, value] of Object.entries(expected.fp32_error ?? {})) {
    if (typeof value === 'number') scalars[name] = value;
    else errors[name] = value;
  }
  const tensors = new Map<string, FileTensor>();
  const opened = await openSafetensors(file('tensors.safetensors'));
  for (const [name, { shape }] of opened.tensors) tensors.set(name, { shape, data: await readTensor(opened, name) });
  return { ...folder, inputs, expected, tensors, recorded: { scalars, tensors: errors } };
}

/** Where a case's model lies; undefined for the real model when no folder of it was given. */
export async function findModel(
  folder: string,
  model: string,
  realModel: string | undefined,
): Promise<string | undefined> {
  return model.startsWith(REAL_MODEL) ? realModel : findAbove(folder, model, 'model');
}

/**
 * A path of a case's inputs, relative to the golden root: the nearest folder above the case where it exists.
 * @throws UserError not_found
 */
export async function findAbove(folder: string, relative: string, field: string): Promise<string> {
  for (let root = path.resolve(folder); ; root = path.dirname(root)) {
    const candidate = path.join(root, relative);
    const exists = await access(candidate).then(
      () => true,
      () => false,
    );
    if (exists) return candidate;
    if (root === path.dirname(root)) break;
  }
  throw new UserError(
    'not_found',
    `"${field}" of ${path.join(folder, 'inputs.json')} is ${relative}, which is in no folder above it.`,
    {
      hint: 'Keep the cases in a folder with their models and adapters, as the golden root is laid out.',
      place: { file: path.join(folder, 'inputs.json'), field },
    },
  );
}
