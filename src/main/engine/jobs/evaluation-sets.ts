import type { ItemDocument, TaskSize } from '../../../shared/api/evaluations.ts';
import { UserError } from '../../../shared/errors.ts';
import type { EvaluationTask } from '../../../shared/evaluation-tasks.ts';
import { findEvidence } from '../evaluation/evidence.ts';
import { leadOf } from '../evaluation/multiple-choice/forms.ts';
import { promptText } from '../evaluation/prompt-text.ts';
import { questionMessage, readQuestionSet } from '../evaluation/question-set.ts';
import { readRulerSources, RulerItems, rulerPlaces } from '../evaluation/ruler/items.ts';
import type { RulerTask } from '../evaluation/ruler/items.ts';
import type { RulerItem } from '../evaluation/ruler/item.ts';
import { readChoices } from './evaluate-choices.ts';
import { readTexts } from './evaluate-text.ts';
import type { Job } from './job-context.ts';
import { loadModelText } from './model-text.ts';

/** Texts whose tokens are counted to tell those of all. */
const COUNTED = 24;

/**
 * Reads a task's set as the evaluation would, and says how large it is: tokens as counted in some of its texts, by
 * characters, for all of them; of RULER the most that its lengths allow. Errors: those of the files and of the tokenizer.
 */
export const checkTask: Job<'checkTask'> = async ({ modelDir, task }): Promise<TaskSize> => {
  if (task.kind === 'ruler') {
    const places = rulerPlaces(task);
    // What fits into the shortest length fits into all.
    const shortest = places.findIndex(({ length }) => length === Math.min(...task.lengths));
    await rulerItem(modelDir, task, shortest);
    return { items: places.length, tokens: places.reduce((sum, { length }) => sum + length, 0), bound: 'most' };
  }
  const texts = await textsOf(task);
  if (texts === null) return { items: null, tokens: null, bound: 'about' };
  const { tokenizer } = await loadModelText(modelDir);
  const step = Math.max(1, Math.floor(texts.length / COUNTED));
  const sample = texts.filter((_, i) => i % step === 0).slice(0, COUNTED);
  const sum = (of: readonly string[], size: (text: string) => number): number =>
    of.reduce((total, text) => total + size(text), 0);
  const characters = (text: string): number => text.length;
  const counted = sum(sample, (text) => tokenizer.encode(text).length);
  const share = sum(texts, characters) / Math.max(1, sum(sample, characters));
  return { items: texts.length, tokens: Math.round(counted * share), bound: 'about' };
};

/** What the model reads of each item; null for kinds whose items are not made of a file alone. */
async function textsOf(task: EvaluationTask): Promise<string[] | null> {
  switch (task.kind) {
    case 'questions':
    case 'ask': {
      const items = (await readQuestionSet(task.path)).slice(0, task.limit ?? undefined);
      return items.map((item) => (task.kind === 'ask' ? item.context : questionMessage(item, task.separator)));
    }
    case 'text':
      return readTexts(task);
    case 'multiple_choice': {
      const { items, pool } = await readChoices(task);
      return items.map((item) => {
        const lead = leadOf(item, pool, task.fewShot);
        return item.requests.map(({ context, continuation }) => lead + context + continuation).join('');
      });
    }
    default:
      return null;
  }
}

/** The text that an item was asked about, with the place of its evidence. Errors: `not_found`, those of the files. */
export const itemDocument: Job<'itemDocument'> = async ({ modelDir, task, index }): Promise<ItemDocument> => {
  switch (task.kind) {
    case 'ruler': {
      const { input, evidence } = await rulerItem(modelDir, task, index);
      return { text: input, evidence, found: evidence.length === 0 ? 'none' : 'placed' };
    }
    case 'questions':
    case 'ask': {
      const { context, answer, key, depth } = itemAt(await readQuestionSet(task.path), index);
      return { text: context, ...findEvidence(context, { answer, key, depth: depth ?? null }) };
    }
    case 'text':
      return { text: itemAt(await readTexts(task), index), evidence: [], found: 'none' };
    default:
      return { text: '', evidence: [], found: 'none' };
  }
};

/** An item made (again) from its seed, as large as the model's tokenizer lets it be. Errors: `invalid_input` */
async function rulerItem(modelDir: string, task: RulerTask, index: number): Promise<RulerItem> {
  const text = await loadModelText(modelDir);
  const items = new RulerItems(
    task,
    await readRulerSources(task),
    (item) => text.codec.encode(promptText(text, task.prompt, item)).length,
  );
  return items.item(itemAt(rulerPlaces(task), index)).item;
}

function itemAt<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new UserError('not_found', `The set has no item ${index + 1} any more.`);
  return item;
}
