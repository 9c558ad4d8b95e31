import type { ItemDocument, TaskSize } from '../../../shared/api/evaluations.ts';
import { UserError } from '../../../shared/errors.ts';
import type { EvaluationTask } from '../../../shared/evaluation-tasks.ts';
import { findEvidence } from '../evaluation/evidence.ts';
import { plainLead } from '../evaluation/multiple-choice/plain-lead.ts';
import { readJudged } from '../evaluation/judged/questions.ts';
import type { JudgedTask } from '../evaluation/judged/questions.ts';
import type { PublishedItem } from '../evaluation/published/item.ts';
import { readPublished } from '../evaluation/published/read.ts';
import type { PublishedTask } from '../evaluation/published/read.ts';
import { questionMessage, readQuestionSet } from '../evaluation/question-set.ts';
import { rulerPlaces } from '../evaluation/ruler/items.ts';
import type { RulerTask } from '../evaluation/ruler/items.ts';
import type { RulerItem } from '../evaluation/ruler/item.ts';
import { readChoices } from './evaluate-choices.ts';
import { rulerItemsFor } from './evaluate-ruler.ts';
import { readTexts } from './evaluate-text.ts';
import type { Job } from './job-context.ts';
import { loadModelText } from './model-text.ts';

/** So many texts at least, twice as many at most, are counted to tell the tokens of all. */
const COUNTED = 16;

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
  const texts = textsOf(task);
  if (texts === null) return { items: null, tokens: null, bound: 'about' };
  // Every `step`-th text is kept, fewer of them the longer the set is.
  let sample: string[] = [];
  let [items, characters, step] = [0, 0, 1];
  for await (const text of texts) {
    if (items % step === 0) sample.push(text);
    if (sample.length > 2 * COUNTED) {
      sample = sample.filter((_, i) => i % 2 === 0);
      step *= 2;
    }
    items += 1;
    characters += text.length;
  }
  const { tokenizer } = await loadModelText(modelDir);
  const sum = (size: (text: string) => number): number => sample.reduce((total, text) => total + size(text), 0);
  const counted = sum((text) => tokenizer.encode(text).length);
  const share =
    characters /
    Math.max(
      1,
      sum((text) => text.length),
    );
  return { items, tokens: Math.round(counted * share), bound: 'about' };
};

/** What the model reads of each item; null for kinds whose items are not made of a file alone. */
function textsOf(task: EvaluationTask): AsyncGenerator<string> | null {
  switch (task.kind) {
    case 'questions':
    case 'ask':
      return questionTexts(task);
    case 'text':
      return plainTexts(task);
    case 'multiple_choice':
      return choiceTexts(task);
    case 'published':
      return publishedTexts(task);
    case 'judged':
      return judgedTexts(task);
    default:
      return null;
  }
}

async function* questionTexts(task: Extract<EvaluationTask, { kind: 'questions' | 'ask' }>): AsyncGenerator<string> {
  for (const item of (await readQuestionSet(task.path)).slice(0, task.limit ?? undefined)) {
    yield task.kind === 'ask' ? item.context : questionMessage(item, task.separator);
  }
}

async function* plainTexts(task: Extract<EvaluationTask, { kind: 'text' }>): AsyncGenerator<string> {
  yield* await readTexts(task);
}

async function* publishedTexts(task: PublishedTask): AsyncGenerator<string> {
  for await (const { item } of readPublished(task)) yield Object.values(item.prompt).join('');
}

async function* judgedTexts(task: JudgedTask): AsyncGenerator<string> {
  for (const { turns } of await readJudged(task)) yield turns.join('');
}

async function* choiceTexts(task: Extract<EvaluationTask, { kind: 'multiple_choice' }>): AsyncGenerator<string> {
  for (const { item, lead } of await readChoices(task)) {
    yield item.requests.map(({ context, continuation }) => lead + context + continuation).join('');
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
    case 'published': {
      const { prompt, expected } = await publishedItem(task, index);
      return { text: prompt.context, ...findEvidence(prompt.context, { answer: expected }) };
    }
    case 'text':
      return { text: itemAt(await readTexts(task), index), evidence: [], found: 'none' };
    default:
      return { text: '', evidence: [], found: 'none' };
  }
};

/** An item made (again) from its seed, as large as the model's tokenizer lets it be. Errors: `invalid_input` */
async function rulerItem(modelDir: string, task: RulerTask, index: number): Promise<RulerItem> {
  const { items } = await rulerItemsFor(task, await loadModelText(modelDir), await plainLead(modelDir));
  return items.item(itemAt(rulerPlaces(task), index)).item;
}

async function publishedItem(task: PublishedTask, wanted: number): Promise<PublishedItem> {
  for await (const { index, item } of readPublished(task)) if (index === wanted) return item;
  return itemAt([], wanted);
}

function itemAt<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new UserError('not_found', `The set has no item ${index + 1} any more.`);
  return item;
}
