import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BuiltInSet, ItemDocument, TaskSize } from '../../shared/api/evaluations.ts';
import { UserError } from '../../shared/errors.ts';
import { choiceFormSchema, choiceNames } from '../../shared/evaluation-tasks.ts';
import type { EvaluationTask, EvaluationTaskInput } from '../../shared/evaluation-tasks.ts';
import { publishedForms } from '../../shared/published-forms.ts';
import type { ServiceContext } from './context.ts';
import { demoFolder } from './demo-folder.ts';
import type { JobOptions } from './engine-client.ts';
import { storedTask } from './evaluations.ts';
import { choiceSetPaths, publishedSetPath } from './own-sets.ts';

/** The sets that come with Longhand, each as a task that can be asked at once. */
export function builtInSets(): readonly BuiltInSet[] {
  const set = (task: Extract<EvaluationTaskInput, { readonly path: string }>): BuiltInSet => ({
    task,
    items: readFileSync(task.path, 'utf8').trimEnd().split('\n').length,
  });
  const demo = ['short', 'long', 'closed'].map((name) =>
    set({
      ...{ kind: 'questions', name: `demo ${name}`, separator: '\n', maxNewTokens: 14 },
      path: join(demoFolder, 'documents', 'eval', `${name}.jsonl`),
    }),
  );
  const choices = choiceFormSchema.options.map((form) =>
    set({
      ...{ kind: 'multiple_choice', form, name: `small ${choiceNames[form]} form` },
      path: choiceSetPaths(form).path,
    }),
  );
  const published = (['infinitebench/longbook_qa_eng', 'longbench/hotpotqa', 'helmet/rag'] as const).map((form) =>
    set({
      ...{ kind: 'published', form, name: `small ${publishedForms[form].label} form` },
      path: publishedSetPath(form),
    }),
  );
  return [...demo, ...choices, ...published];
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
  const { task, modelDir } = await storedTask(context, id);
  const document = await context.engine.run('itemDocument', { modelDir, task, index }, {});
  const [item] = context.workspace.evaluations.items(id, { cursor: String(index), limit: 1 }).rows;
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

/** Characters of what was asked, where the item says so. */
function inputLength(detail: unknown): number | null {
  if (typeof detail !== 'object' || detail === null || !('inputLength' in detail)) return null;
  return typeof detail.inputLength === 'number' ? detail.inputLength : null;
}
