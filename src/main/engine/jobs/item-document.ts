import type { ItemDocument } from '../../../shared/api/evaluations.ts';
import { UserError } from '../../../shared/errors.ts';
import { findEvidence } from '../evaluation/evidence.ts';
import { plainLead } from '../evaluation/multiple-choice/plain-lead.ts';
import type { PublishedItem } from '../evaluation/published/item.ts';
import { readPublished } from '../evaluation/published/read.ts';
import type { PublishedTask } from '../evaluation/published/read.ts';
import { readQuestionSet } from '../evaluation/question-set.ts';
import { rulerPlaces } from '../evaluation/ruler/items.ts';
import type { RulerTask } from '../evaluation/ruler/items.ts';
import type { RulerItem } from '../evaluation/ruler/item.ts';
import { readJudged } from '../evaluation/judged/questions.ts';
import { readChoices } from './evaluate-choices.ts';
import { TURNS } from './evaluate-judged.ts';
import { rulerItemsFor } from './evaluate-ruler.ts';
import { readTexts } from './evaluate-text.ts';
import type { Job } from './job-context.ts';
import { loadModelText } from './model-text.ts';

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
    case 'multiple_choice': {
      const { choices } = itemAt(await readChoices(task), index).item;
      return { text: '', evidence: [], found: 'none', choices };
    }
    case 'judged': {
      const { turns, shown } = itemAt(await readJudged(task), Math.floor(index / TURNS));
      const turn = index % TURNS;
      // What the judge does not see: LongBench-Chat's long text.
      const text = turns[turn] === shown[turn] ? '' : (turns[turn] ?? '');
      return { text, evidence: [], found: 'none' };
    }
    case 'kl':
      return { text: '', evidence: [], found: 'none' };
  }
};

/** An item made (again) from its seed, as large as the model's tokenizer lets it be. Errors: `invalid_input` */
export async function rulerItem(modelDir: string, task: RulerTask, index: number): Promise<RulerItem> {
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
