import { UserError } from '../../../../shared/errors.ts';
import type { EvaluationTask, RulerTaskName } from '../../../../shared/evaluation-tasks.ts';
import { randomStream } from '../../random.ts';
import { needleTasks, rulerTemplates } from './definitions.ts';
import { builtInEssay, readEssay } from './essay.ts';
import { largestSize } from './item.ts';
import type { MakeItem, RulerItem, SizeRange } from './item.ts';
import { needleTask } from './niah.ts';
import { questionTask, readQuestionFile } from './questions.ts';
import type { QuestionFile } from './questions.ts';
import { variableTrackingTask } from './variable-tracking.ts';
import { commonWordsTask, frequentWordsTask } from './word-lists.ts';
import { loadWords } from './words.ts';
import type { Words } from './words.ts';

export type RulerTask = Extract<EvaluationTask, { kind: 'ruler' }>;

/** What the items of a task are made from. */
export interface RulerSources {
  readonly words: Words;
  readonly essay: readonly string[];
  readonly questions: QuestionFile | null;
}

/** An item's place in the grid of lengths and depths. */
export interface RulerPlace {
  readonly index: number;
  readonly length: number;
  /** Null where it is drawn. */
  readonly depth: number | null;
  readonly repetition: number;
}

/** Reads what a task needs. Errors: those of the files; `invalid_input` where a question file is missing. */
export async function readRulerSources(task: RulerTask): Promise<RulerSources> {
  const words = await loadWords();
  const essay = task.documents.length === 0 ? builtInEssay(words, task.seed) : await readEssay(task.documents);
  if (task.task !== 'qa_1' && task.task !== 'qa_2') return { words, essay, questions: null };
  if (task.questions === null) {
    throw new UserError('invalid_input', `${task.name}: ${task.task} needs a question file.`, {
      hint: 'Name a file in the form of SQuAD (qa_1) or HotpotQA (qa_2) in the field questions.',
      place: { field: 'questions' },
    });
  }
  const form = task.task === 'qa_1' ? 'squad' : 'hotpot';
  return { words, essay, questions: await readQuestionFile(task.questions, form) };
}

/** The grid of a task: lengths, then depths, then repetitions. */
export function rulerPlaces(task: RulerTask): RulerPlace[] {
  const depths = task.depths ?? [null];
  const places = task.lengths.flatMap((length) =>
    depths.flatMap((depth) =>
      Array.from({ length: task.itemsPerCell }, (_, repetition) => ({ length, depth, repetition })),
    ),
  );
  return places.map((place, index) => ({ ...place, index }));
}

/** Tokens that an answer of the task may have. */
export function answerTokens(task: RulerTaskName): number {
  return rulerTemplates[familyOf(task)].tokensToGenerate;
}

/**
 * Makes the items of a task, each from a stream of its own. An item with its prompt and its longest answer never has more
 * tokens than its length; its haystack is the largest that fits, or (after the first item of a length) one that is at
 * most a hundredth smaller in each try.
 * @param countTokens tokens of the whole prompt as the model reads it, with the answer's beginning
 */
export class RulerItems {
  readonly #task: RulerTask;
  readonly #sources: RulerSources;
  readonly #countTokens: (item: RulerItem) => number;
  readonly #sizes = new Map<number, number>();

  constructor(task: RulerTask, sources: RulerSources, countTokens: (item: RulerItem) => number) {
    this.#task = task;
    this.#sources = sources;
    this.#countTokens = countTokens;
  }

  /** Errors: `invalid_input` where nothing fits the length. */
  item(place: RulerPlace): { readonly item: RulerItem; readonly tokens: number } {
    const { length } = place;
    const limit = length - answerTokens(this.#task.task);
    const { make, range } = this.#maker(place);
    let size = Math.max(this.#size(length), range.smallest);
    for (;;) {
      const item = make(size, this.#random(place));
      const tokens = this.#countTokens(item);
      if (tokens <= limit) return { item, tokens };
      if (size <= range.smallest) throw this.#tooShort(length);
      size = Math.max(range.smallest, Math.min(size - 1, Math.floor(size * 0.99)));
    }
  }

  /** The haystack's size at a length, found with its first item. */
  #size(length: number): number {
    const known = this.#sizes.get(length);
    if (known !== undefined) return known;
    const place = { index: 0, length, depth: this.#task.depths?.[0] ?? null, repetition: 0 };
    const { make, range } = this.#maker(place);
    const limit = length - answerTokens(this.#task.task);
    const size = largestSize(range, limit, (tried) => this.#countTokens(make(tried, this.#random(place))));
    if (size === undefined) throw this.#tooShort(length);
    this.#sizes.set(length, size);
    return size;
  }

  #random({ length, depth, repetition }: RulerPlace) {
    const { seed, task } = this.#task;
    return randomStream(seed, 'ruler', task, length, depth ?? 'drawn', repetition);
  }

  #maker({ length, depth, repetition }: RulerPlace): { make: MakeItem; range: SizeRange } {
    const { task, haystack } = this.#task;
    const { words, essay, questions } = this.#sources;
    const published = needleTasks[task];
    if (published !== undefined) {
      const definition = { ...published, haystack: haystack ?? published.haystack };
      const smallest = definition.haystack === 'essay' ? 20 : 5;
      return { make: needleTask(definition, { words, essay, depth }), range: { smallest, largest: Infinity } };
    }
    switch (familyOf(task)) {
      case 'commonWords':
        return { make: commonWordsTask(words, length), range: { smallest: 20, largest: words.all.length } };
      case 'frequentWords':
        return { make: frequentWordsTask(length), range: { smallest: 50, largest: Infinity } };
      case 'questions': {
        if (questions === null) throw new Error('The question file was not read.');
        const needed = questions.questions[repetition % questions.questions.length]?.context.length ?? 1;
        return { make: questionTask(questions, repetition), range: { smallest: needed, largest: Infinity } };
      }
      default:
        return { make: variableTrackingTask, range: { smallest: 5, largest: Infinity } };
    }
  }

  #tooShort(length: number): UserError {
    const { name, task } = this.#task;
    return new UserError('invalid_input', `${name}: an item of ${task} does not fit into ${length} tokens.`, {
      hint: 'Ask for a greater length.',
      place: { field: 'lengths' },
    });
  }
}

function familyOf(task: RulerTaskName): keyof typeof rulerTemplates {
  switch (task) {
    case 'vt':
      return 'variableTracking';
    case 'cwe':
      return 'commonWords';
    case 'fwe':
      return 'frequentWords';
    case 'qa_1':
    case 'qa_2':
      return 'questions';
    default:
      return 'niah';
  }
}
