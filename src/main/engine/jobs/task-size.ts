import type { TaskSize } from '../../../shared/api/evaluations.ts';
import type { EvaluationTask } from '../../../shared/evaluation-tasks.ts';
import { renderInstruction } from '../../../shared/instruction-templates.ts';
import { readJudged } from '../evaluation/judged/questions.ts';
import { plainLead } from '../evaluation/multiple-choice/plain-lead.ts';
import { rowOf, tokensRead } from '../evaluation/multiple-choice/score.ts';
import { promptText } from '../evaluation/prompt-text.ts';
import { promptFormOf, publishedDefinitions, readPublished } from '../evaluation/published/read.ts';
import { questionMessage, readQuestionSet } from '../evaluation/question-set.ts';
import { answerTokens, rulerPlaces } from '../evaluation/ruler/items.ts';
import type { RulerTask } from '../evaluation/ruler/items.ts';
import { loadModelConfig } from '../model/config.ts';
import { readChoices } from './evaluate-choices.ts';
import { readTexts } from './evaluate-text.ts';
import { roomFor } from './evaluated-model.ts';
import { rulerItem } from './item-document.ts';
import type { Job } from './job-context.ts';
import { loadModelText, userLead } from './model-text.ts';
import type { ModelText } from './model-text.ts';

/** So many items at least, twice as many at most, are counted to tell the tokens of all. */
const COUNTED = 16;

/** One item, as long as it is before anything is cut. */
interface SizedItem {
  readonly characters: number;
  /** Tokens that the model would read of it. */
  readonly tokens: () => number;
}

/** The items of a task, and what is made of them. */
interface SizedSet {
  readonly items: AsyncIterable<SizedItem> | Iterable<SizedItem>;
  /** Most tokens that are read of an item; more are cut off, or the item is not asked. */
  readonly most: number;
  readonly longer: 'cut' | 'not asked';
  /** Tokens of the longest answer; 0: nothing is written. */
  readonly answer: number;
}

interface SizedModel {
  readonly text: ModelText;
  readonly positions: number;
  readonly lead: Int32Array;
}

/**
 * Reads a task's set as the evaluation would, and says how large it is: tokens as counted in some of its items, by
 * characters, for all of them; of RULER the most that its lengths allow. Errors: those of the files and of the tokenizer;
 * `invalid_input` where an answer as long as allowed leaves no room for a question.
 */
export const checkTask: Job<'checkTask'> = async ({ modelDir, task }): Promise<TaskSize> => {
  if (task.kind === 'kl') return { items: null, read: null, written: null, bound: 'about', tooLong: 0 };
  const { maxPositionEmbeddings: positions } = await loadModelConfig(modelDir);
  if (task.kind === 'ruler') return rulerSize(modelDir, task, positions);
  const model = { positions, text: await loadModelText(modelDir), lead: await plainLead(modelDir) };
  const { items, most, longer, answer } = await sizedSet(task, model);
  // Every `step`-th item is kept, fewer of them the longer the set is.
  let sample: SizedItem[] = [];
  const lengths: number[] = [];
  let step = 1;
  for await (const item of items) {
    if (lengths.length % step === 0) sample.push(item);
    if (sample.length > 2 * COUNTED) {
      sample = sample.filter((_, i) => i % 2 === 0);
      step *= 2;
    }
    lengths.push(item.characters);
  }
  const counted = sample.reduce((sum, { tokens }) => sum + tokens(), 0);
  const rate =
    counted /
    Math.max(
      1,
      sample.reduce((sum, { characters }) => sum + characters, 0),
    );
  const tooLong = longer === 'cut' ? 0 : lengths.filter((length) => length * rate > most).length;
  const read = lengths.reduce((sum, length) => {
    const tokens = length * rate;
    return sum + (tokens <= most ? tokens : longer === 'cut' ? most : 0);
  }, 0);
  const written = (lengths.length - tooLong) * answer;
  return { items: lengths.length, read: Math.round(read), written, bound: 'about', tooLong };
};

async function rulerSize(modelDir: string, task: RulerTask, positions: number): Promise<TaskSize> {
  const places = rulerPlaces(task);
  // What fits into the shortest length fits into all.
  const shortest = places.findIndex(({ length }) => length === Math.min(...task.lengths));
  await rulerItem(modelDir, task, shortest);
  const answer = answerTokens(task.task);
  const asked = places.filter(({ length }) => length <= positions);
  return {
    items: places.length,
    read: asked.reduce((sum, { length }) => sum + length - answer, 0),
    written: asked.length * answer,
    bound: 'most',
    tooLong: places.length - asked.length,
  };
}

async function sizedSet(
  task: Exclude<EvaluationTask, { kind: 'kl' | 'ruler' }>,
  { text, positions, lead }: SizedModel,
): Promise<SizedSet> {
  const { codec, template } = text;
  const prompt = (message: string): SizedItem => ({
    characters: message.length,
    tokens: () => codec.encodePrompt(message).length,
  });
  switch (task.kind) {
    case 'questions': {
      const set = (await readQuestionSet(task.path)).slice(0, task.limit ?? undefined);
      return {
        items: set.values().map((item) => prompt(questionMessage(item, task.separator))),
        ...{ most: positions - task.maxNewTokens, longer: 'not asked', answer: task.maxNewTokens },
      };
    }
    case 'ask': {
      const set = (await readQuestionSet(task.path)).slice(0, task.limit ?? undefined);
      return {
        items: set.values().map(({ context }) => prompt(renderInstruction(task.template, context))),
        ...{ most: Infinity, longer: 'cut', answer: task.maxNewTokens },
      };
    }
    case 'text': {
      const before = userLead(text).length;
      const items = (await readTexts(task)).values().map((content): SizedItem => ({
        ...{ characters: content.length, tokens: () => before + codec.count(content) },
      }));
      const most = Math.min(task.maxTokens ?? positions, positions);
      return { items, most, longer: 'cut', answer: 0 };
    }
    case 'multiple_choice': {
      const sized = (await readChoices(task)).values().map(({ item, lead: start }): SizedItem => {
        const requests = item.requests.map((request) => ({ ...request, context: start + request.context }));
        return {
          characters: requests.reduce(
            (sum, { context, continuation }) => sum + context.length + continuation.length,
            0,
          ),
          tokens: () => tokensRead(requests.map((request) => rowOf(text.tokenizer, lead, request, positions))),
        };
      });
      return { items: sized, most: Infinity, longer: 'cut', answer: 0 };
    }
    case 'published': {
      const maxNewTokens = task.maxNewTokens ?? publishedDefinitions[task.form].maxNewTokens;
      const form = promptFormOf(task);
      const before = form === 'chat' ? 0 : lead.length;
      async function* items(set: typeof task & { readonly kind: 'published' }): AsyncGenerator<SizedItem> {
        for await (const { item } of readPublished(set)) {
          const input = item.prompt.before + item.prompt.context + item.prompt.after;
          const tokens = (): number =>
            before + codec.count(promptText({ template }, form, { input, answerPrefix: '' }));
          yield { characters: input.length, tokens };
        }
      }
      const most = roomFor(task.name, positions, { maxTokens: task.maxTokens, maxNewTokens });
      return { items: items(task), most, longer: 'cut', answer: maxNewTokens };
    }
    case 'judged': {
      // What a second turn reads begins with the first turn; its answer is not known.
      const turns = (await readJudged(task)).flatMap((question) =>
        question.turns.map((_, turn) => prompt(question.turns.slice(0, turn + 1).join('\n'))),
      );
      const most = roomFor(task.name, positions, task);
      return { items: turns, most, longer: 'cut', answer: task.maxNewTokens };
    }
  }
}
