import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { BuiltInSet, ItemDocument, ItemPair, TaskSize } from '../../shared/api/evaluations.ts';
import { UserError } from '../../shared/errors.ts';
import { choiceFormSchema, choiceNames } from '../../shared/evaluation-tasks.ts';
import type { EvaluationTask, EvaluationTaskInput } from '../../shared/evaluation-tasks.ts';
import { publishedFormNames, publishedForms } from '../../shared/published-forms.ts';
import { klDetailSchema } from '../../shared/evaluation-details.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { ServiceContext } from './context.ts';
import { demoFolder } from './demo-folder.ts';
import type { JobOptions } from './engine-client.ts';
import { storedTask } from './evaluations.ts';
import { choiceSetPaths, publishedSetPath } from './own-sets.ts';

type FileTask = Extract<EvaluationTaskInput, { readonly path: string }>;

const demo = ['short', 'long', 'closed'].map((name): Omit<BuiltInSet, 'items'> & { readonly task: FileTask } => ({
  ...{ family: 'Demo', label: name },
  task: {
    ...{ kind: 'questions', name: `demo ${name}`, separator: '\n', maxNewTokens: 14 },
    path: join(demoFolder, 'documents', 'eval', `${name}.jsonl`),
  },
}));
const choices = choiceFormSchema.options.map((form): (typeof demo)[number] => ({
  ...{ family: 'Multiple choice', label: choiceNames[form] },
  task: { kind: 'multiple_choice', form, name: `small ${choiceNames[form]} form`, path: choiceSetPaths(form).path },
}));
const published = publishedFormNames.map((form): (typeof demo)[number] => {
  const [family = '', ...rest] = publishedForms[form].label.split(' ');
  const task = { kind: 'published', form, name: `small ${publishedForms[form].label} form` } as const;
  return { family, label: rest.join(' '), task: { ...task, path: publishedSetPath(form) } };
});

let counted: Promise<readonly BuiltInSet[]> | undefined;

/** The sets that come with Longhand, each as a task that can be asked at once; their files are counted once. */
export function builtInSets(): Promise<readonly BuiltInSet[]> {
  counted ??= Promise.all(
    [...demo, ...choices, ...published].map(async (set) => ({ ...set, items: await itemsIn(set.task.path) })),
  );
  return counted;
}

/** Lines of a file, or entries of a JSON list. */
async function itemsIn(path: string): Promise<number> {
  const text = await readFile(path, 'utf8');
  return path.endsWith('.json') ? (JSON.parse(text) as unknown[]).length : text.trimEnd().split('\n').length;
}

/**
 * Reads a task's files as the evaluation would, and says how large its set is.
 * Errors: those of the files, naming file, line and field; `not_found` for the model.
 */
export function checkTask(
  { engine }: Pick<ServiceContext, 'engine'>,
  modelDir: string,
  task: EvaluationTask,
  options: JobOptions = {},
): Promise<TaskSize> {
  return engine.run('checkTask', { modelDir: resolve(modelDir), task }, {}, options);
}

/**
 * What an item of a stored evaluation was asked about, read or made again.
 * Errors: `not_found`; `conflict` where the set is no longer what was measured; those of the files.
 */
export async function itemDocument(context: ServiceContext, id: number, index: number): Promise<ItemDocument> {
  const { workspace } = context;
  const [item] = workspace.evaluations.items(id, { cursor: String(index), limit: 1 }).rows;
  if (workspace.evaluations.get(id).kind === 'kl') {
    return { text: '', evidence: [], found: 'none', pairs: itemPairs(workspace, item?.detail) };
  }
  const { task, modelDir } = await storedTask(context, id);
  const document = await context.engine.run('itemDocument', { modelDir, task, index }, {});
  const length = inputLength(item?.detail);
  if (length === null || length === document.text.length) return document;
  throw new UserError(
    'conflict',
    `Item ${index + 1} cannot be made again as it was asked: it comes out otherwise now.`,
    {
      hint: 'Another version of Longhand or another tokenizer made it. Evaluate again to see its text.',
    },
  );
}

/** The pairs of an item on held-out pairs, in the revisions that it read. Errors: `not_found` */
function itemPairs(workspace: Workspace, detail: unknown): ItemPair[] {
  const { pairs = [] } = klDetailSchema.safeParse(detail).data ?? {};
  return pairs.flatMap((pair) =>
    workspace.samples.ofPairs([pair]).turns.map(({ pairId, question, chosen, rejected }) => ({
      ...{ pairId, question, chosen, rejected },
    })),
  );
}

/** Characters of what was asked, where the item says so. */
function inputLength(detail: unknown): number | null {
  if (typeof detail !== 'object' || detail === null || !('inputLength' in detail)) return null;
  return typeof detail.inputLength === 'number' ? detail.inputLength : null;
}
