import {
  answerRuleSchema,
  choiceFormSchema,
  choiceNames,
  evaluationTaskSchema,
  judgedFormSchema,
  promptFormSchema,
  rulerTaskNameSchema,
} from '../../../shared/evaluation-tasks.ts';
import type { EvaluationTask, EvaluationTaskInput } from '../../../shared/evaluation-tasks.ts';
import { problemText } from '../../../shared/parse.ts';
import { publishedFormNames, publishedForms } from '../../../shared/published-forms.ts';
import { formatContextLength } from '../../components/format.ts';

/** What was typed and chosen for a task, by field. */
export type TaskValues = Readonly<Record<string, string | readonly string[]>>;

export interface TaskField {
  /** Its name in the task, so that an error finds it. */
  readonly path: string;
  readonly label: string;
  readonly note?: string;
  readonly control: 'text' | 'choice' | 'choices' | 'file' | 'files' | 'folder';
  readonly options?: readonly { readonly value: string; readonly label: string }[];
  readonly initial: string | readonly string[];
  /** Whether it means something with what else is chosen. */
  readonly applies?: (values: TaskValues) => boolean;
}

/** A kind of task as the page offers it. */
export interface TaskKind {
  readonly id: string;
  readonly label: string;
  readonly note: string;
  readonly fields: readonly TaskField[];
  /** The tasks that the values stand for, not checked yet. */
  readonly tasks: (values: TaskValues) => readonly unknown[];
}

const named = (values: readonly string[], labels: Readonly<Record<string, string>> = {}) =>
  values.map((value) => ({ value, label: labels[value] ?? value }));

const text = (values: TaskValues, path: string): string => {
  const value = values[path];
  return typeof value === 'string' ? value.trim() : '';
};
const list = (values: TaskValues, path: string): readonly string[] => {
  const value = values[path];
  return typeof value === 'string' || value === undefined ? [] : value;
};
/** A field that is left out where nothing is typed. */
const optional = (values: TaskValues, path: string, read: (typed: string) => unknown): Record<string, unknown> => {
  const typed = text(values, path);
  return typed === '' ? {} : { [path]: read(typed) };
};

/** A length in tokens: `4096`, `4K`, `1M`; NaN for anything else. */
export function tokensOf(typed: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([km]?)$/i.exec(typed.trim()) ?? [];
  if (number === '') return Number.NaN;
  const scale = unit === '' ? 1 : unit.toLowerCase() === 'k' ? 1024 : 1024 ** 2;
  return Math.round(Number(number) * scale);
}

const numbersOf = (typed: string, read: (part: string) => number): number[] =>
  typed
    .split(/[,;\s]+/)
    .filter((part) => part !== '')
    .map(read);
const numberOf = (typed: string): number => (typed === '' ? Number.NaN : Number(typed));

/** A path's last part without its ending. */
const fileName = (path: string): string =>
  path
    .split(/[\\/]/)
    .at(-1)
    ?.replace(/\.[^.]+$/, '') ?? path;

const limit: TaskField = {
  path: 'limit',
  label: 'Only the first',
  note: 'items; empty = all',
  control: 'text',
  initial: '',
};
const file = (path: string, label: string, note: string): TaskField => ({
  ...{ path, label, note, control: 'file', initial: '' },
});
const number = (path: string, label: string, initial: string, note?: string): TaskField => ({
  ...{ path, label, initial, control: 'text' },
  ...(note === undefined ? {} : { note }),
});

const promptNames = { chat: 'chat template', plain: 'plain text' };

const isNeedle = (task: string): boolean => task.startsWith('niah_');
const asks = (wanted: (task: string) => boolean) => (values: TaskValues) => list(values, 'task').some(wanted);

const rulerNames: Readonly<Record<string, string>> = {
  niah_single_1: 'niah_single_1: a number in noise',
  niah_single_2: 'niah_single_2: a number in running text',
  niah_single_3: 'niah_single_3: a UUID in running text',
  niah_multikey_1: 'niah_multikey_1: four keys, one asked',
  niah_multikey_2: 'niah_multikey_2: only needles, one asked',
  niah_multikey_3: 'niah_multikey_3: only UUID needles',
  niah_multivalue: 'niah_multivalue: four values of a key',
  niah_multiquery: 'niah_multiquery: four keys asked',
  vt: 'vt: variable tracking',
  cwe: 'cwe: common words',
  fwe: 'fwe: frequent words',
  qa_1: 'qa_1: questions in the form of SQuAD',
  qa_2: 'qa_2: questions in the form of HotpotQA',
};

function ruler(id: string, label: string, note: string, tasks: readonly string[], depths: string): TaskKind {
  return {
    ...{ id, label, note },
    fields: [
      {
        ...{ path: 'task', label: 'Tasks', control: 'choices', initial: tasks },
        options: named(rulerTaskNameSchema.options, rulerNames),
      },
      number('lengths', 'Lengths in tokens', '4K', 'such as 4K, 8K, 16K: prompt, template and answer'),
      {
        ...number('depths', 'Depths in percent', depths, '0 = start; empty = drawn, as published'),
        applies: asks(isNeedle),
      },
      number('itemsPerCell', 'Items', '20', 'at each length (and depth)'),
      {
        ...{ path: 'haystack', label: 'Haystack', control: 'choice', initial: '' },
        options: [
          { value: '', label: 'as published for the task' },
          { value: 'essay', label: 'running text' },
          { value: 'noise', label: 'repeated sentences' },
          { value: 'needle', label: 'other needles' },
        ],
        applies: asks(isNeedle),
      },
      {
        ...{ path: 'documents', label: 'Running text from', control: 'files', initial: [] },
        note: 'text or JSON Lines files; none = sentences of our own',
      },
      { ...file('squad', 'Questions for qa_1', 'JSON in the form of SQuAD'), applies: asks((task) => task === 'qa_1') },
      {
        ...file('hotpot', 'Questions for qa_2', 'JSON in the form of HotpotQA'),
        applies: asks((task) => task === 'qa_2'),
      },
      {
        ...{ path: 'prompt', label: 'Prompt', control: 'choice', initial: 'chat' },
        options: named(promptFormSchema.options, promptNames),
      },
      number('seed', 'Seed', '42'),
    ],
    tasks: (values) =>
      list(values, 'task').map((task) => {
        const questions = { qa_1: 'squad', qa_2: 'hotpot' }[task];
        const depths = numbersOf(text(values, 'depths'), (part) => numberOf(part) / 100);
        const haystack = text(values, 'haystack');
        return {
          ...{ kind: 'ruler', name: task, task },
          lengths: numbersOf(text(values, 'lengths'), tokensOf),
          depths: isNeedle(task) && depths.length > 0 ? depths : null,
          itemsPerCell: numberOf(text(values, 'itemsPerCell')),
          haystack: isNeedle(task) && haystack !== '' ? haystack : null,
          documents: list(values, 'documents'),
          questions: questions === undefined ? null : text(values, questions) || null,
          prompt: text(values, 'prompt'),
          seed: numberOf(text(values, 'seed')),
        };
      }),
  };
}

const questionFile = 'JSON Lines with context, question, answer';

/** Every kind of task that can be asked, in the order of the menu. */
export const taskKinds: readonly TaskKind[] = [
  ruler(
    'needle',
    'Needle heat map',
    'One fact in a long text, by length and depth',
    ['niah_single_2'],
    '0, 25, 50, 75, 100',
  ),
  ruler(
    'ruler',
    'RULER',
    'All thirteen tasks, at the lengths that you choose',
    ['niah_multikey_1', 'vt', 'cwe', 'fwe'],
    '',
  ),
  {
    ...{ id: 'questions', label: 'Question set', note: 'Your own questions about your own texts, right or wrong' },
    fields: [
      file('path', 'File', questionFile),
      {
        ...{ path: 'rule', label: 'Right if', control: 'choice', initial: 'normalised' },
        options: named(answerRuleSchema.options, {
          exact: 'the same text',
          normalised: 'the same without case and punctuation',
          contains: 'the answer holds it',
        }),
      },
      number('separator', 'Between context and question', String.raw`\n\n`, String.raw`\n = new line`),
      number('maxNewTokens', 'Longest answer', '128', 'tokens'),
      limit,
    ],
    tasks: (values) => [
      {
        ...{ kind: 'questions', name: fileName(text(values, 'path')), path: text(values, 'path') },
        rule: text(values, 'rule'),
        separator: text(values, 'separator').replaceAll(String.raw`\n`, '\n'),
        maxNewTokens: numberOf(text(values, 'maxNewTokens')),
        ...optional(values, 'limit', numberOf),
      },
    ],
  },
  {
    ...{ id: 'multiple_choice', label: 'Multiple choice', note: 'MMLU, ARC, HellaSwag, Winogrande by log-likelihood' },
    fields: [
      {
        ...{ path: 'form', label: 'Form', control: 'choice', initial: 'mmlu' },
        options: named(choiceFormSchema.options, choiceNames),
      },
      file('path', 'File', 'as published: JSON Lines or Parquet'),
      number(
        'fewShot',
        'Worked examples',
        '0',
        'before each question; usual: MMLU 5, ARC 25, HellaSwag 10, Winogrande 5',
      ),
      {
        ...file('examples', 'File of the examples', 'in the same form'),
        applies: (values) => !['', '0'].includes(text(values, 'fewShot')),
      },
      limit,
    ],
    tasks: (values) => [
      {
        ...{ kind: 'multiple_choice', name: fileName(text(values, 'path')), path: text(values, 'path') },
        form: text(values, 'form'),
        fewShot: numberOf(text(values, 'fewShot')),
        ...(numberOf(text(values, 'fewShot')) > 0 ? optional(values, 'examples', String) : {}),
        ...optional(values, 'limit', numberOf),
      },
    ],
  },
  {
    ...{
      id: 'published',
      label: 'Published set',
      note: 'InfiniteBench, LongBench, HELMET, with their prompts and metrics',
    },
    fields: [
      {
        ...{ path: 'form', label: 'Set', control: 'choice', initial: 'longbench_v2' },
        options: publishedFormNames.map((value) => ({
          value,
          label: `${publishedForms[value].label} (${publishedForms[value].metric})`,
        })),
      },
      file('path', 'File', 'as its authors publish it'),
      {
        ...file('examples', 'File of the examples', 'two are put before each question; empty = none'),
        applies: (values) => text(values, 'form') === 'helmet/rag',
      },
      number('maxTokens', 'Longest input', '', 'tokens; longer ones are cut as published; empty = what fits'),
      number('maxNewTokens', 'Longest answer', '', 'tokens; empty = as published'),
      {
        ...{ path: 'prompt', label: 'Prompt', control: 'choice', initial: '' },
        options: [{ value: '', label: 'as published' }, ...named(promptFormSchema.options, promptNames)],
      },
      limit,
    ],
    tasks: (values) => [
      {
        ...{ kind: 'published', name: fileName(text(values, 'path')), path: text(values, 'path') },
        form: text(values, 'form'),
        ...(text(values, 'form') === 'helmet/rag' ? optional(values, 'examples', String) : {}),
        ...optional(values, 'maxTokens', tokensOf),
        ...optional(values, 'maxNewTokens', numberOf),
        ...optional(values, 'prompt', String),
        ...optional(values, 'limit', numberOf),
      },
    ],
  },
  {
    ...{ id: 'judged', label: 'Judged chat', note: 'MT-Bench and LongBench-Chat, rated 1 to 10 by a model of yours' },
    fields: [
      {
        ...{ path: 'form', label: 'Form', control: 'choice', initial: 'mt_bench' },
        options: named(judgedFormSchema.options, { mt_bench: 'MT-Bench', longbench_chat: 'LongBench-Chat' }),
      },
      file('path', 'Questions', 'the published question file'),
      file('references', 'References', 'reference answers, or the rated examples of LongBench-Chat; may be left out'),
      { ...file('judge', 'Judge', 'folder of the model that rates'), control: 'folder' },
      number('maxTokens', 'Longest input', '', 'tokens; longer ones are cut; empty = what fits'),
      number('maxNewTokens', 'Longest answer', '1024', 'tokens'),
      number('judgeTokens', 'Longest judgement', '1024', 'tokens'),
      limit,
    ],
    tasks: (values) => [
      {
        ...{ kind: 'judged', name: fileName(text(values, 'path')), path: text(values, 'path') },
        ...{ form: text(values, 'form'), judge: text(values, 'judge') },
        ...optional(values, 'references', String),
        ...optional(values, 'maxTokens', tokensOf),
        maxNewTokens: numberOf(text(values, 'maxNewTokens')),
        judgeTokens: numberOf(text(values, 'judgeTokens')),
        ...optional(values, 'limit', numberOf),
      },
    ],
  },
  {
    ...{ id: 'text', label: 'Plain texts', note: 'Mean NLL a token: what the training did to ordinary text' },
    fields: [
      file('path', 'File', 'JSON Lines with text or context'),
      number('maxTokens', 'Longest text', '', 'tokens; empty = what the model can address'),
      limit,
    ],
    tasks: (values) => [
      {
        ...{ kind: 'text', name: fileName(text(values, 'path')), path: text(values, 'path') },
        ...optional(values, 'maxTokens', tokensOf),
        ...optional(values, 'limit', numberOf),
      },
    ],
  },
  {
    ...{ id: 'kl', label: 'Short-to-long KL', note: "Exact KL and losses on the run's held-out pairs" },
    fields: [
      {
        ...{ path: 'samples', label: 'Samples', control: 'text', initial: '' },
        note: 'numbers; empty = held-out pairs of the run, of a base model all',
      },
      limit,
    ],
    tasks: (values) => [
      {
        ...{ kind: 'kl', name: 'held-out pairs' },
        ...optional(values, 'samples', (typed) => numbersOf(typed, numberOf)),
        ...optional(values, 'limit', numberOf),
      },
    ],
  },
  {
    ...{ id: 'ask', label: 'Asking', note: "Share of texts with a question that the text answers (the demo's rule)" },
    fields: [
      file('path', 'File', 'JSON Lines with context'),
      number('maxNewTokens', 'Longest question', '10', 'tokens'),
      number('temperature', 'Temperature', '0.7'),
      number('seed', 'Seed', '0'),
      limit,
    ],
    tasks: (values) => [
      {
        ...{ kind: 'ask', name: fileName(text(values, 'path')), path: text(values, 'path') },
        maxNewTokens: numberOf(text(values, 'maxNewTokens')),
        temperature: numberOf(text(values, 'temperature')),
        seed: numberOf(text(values, 'seed')),
        ...optional(values, 'limit', numberOf),
      },
    ],
  },
];

export function kindOf(id: string): TaskKind {
  const kind = taskKinds.find((one) => one.id === id);
  if (kind === undefined) throw new Error(`no kind of task named ${id}`);
  return kind;
}

/** What a new task of a kind begins with; lengths that suit a model of this context length. */
export function initialValues(kind: TaskKind, contextLength: number | null): TaskValues {
  const values = Object.fromEntries(kind.fields.map(({ path, initial }) => [path, initial]));
  if (!('lengths' in values) || contextLength === null) return values;
  const lengths = [1 / 4, 1 / 2, 1]
    .map((share) => Math.floor(Math.min(contextLength, 32_768) * share))
    .filter((length, i) => length >= 1024 || i === 2);
  return { ...values, lengths: lengths.map((length) => formatExact(length)).join(', ') };
}

/** As people write lengths, where that says the number exactly. */
function formatExact(length: number): string {
  const short = formatContextLength(length);
  return tokensOf(short) === length ? short : String(length);
}

export interface CheckedTasks {
  /** Empty where something is wrong. */
  readonly tasks: readonly EvaluationTask[];
  readonly problems: ReadonlyMap<string, string>;
}

/** The tasks of a kind's values, and what is wrong with them by field. */
export function checkedTasks(kind: TaskKind, values: TaskValues): CheckedTasks {
  const problems = new Map<string, string>();
  const tasks: EvaluationTask[] = [];
  for (const { path, label } of kind.fields) {
    if (path === 'task' && list(values, path).length === 0) problems.set(path, `choose at least one`);
    if (['path', 'judge'].includes(path) && text(values, path) === '') {
      problems.set(path, `name the ${label.toLowerCase()}`);
    }
  }
  const raw = kind.tasks(values);
  for (const one of raw) {
    const parsed = evaluationTaskSchema.safeParse(one);
    if (parsed.success) tasks.push(parsed.data);
    for (const issue of parsed.error?.issues ?? []) {
      const field = String(issue.path[0] ?? '');
      if (field === 'name' || problems.has(field)) continue;
      problems.set(field, issue.code === 'invalid_type' ? 'write numbers, such as 20' : problemText(issue));
    }
    const missing = missingFile(one as EvaluationTaskInput);
    if (missing !== undefined) problems.set(...missing);
  }
  return { tasks: problems.size > 0 ? [] : tasks, problems };
}

/** Files that a task needs only with what else is chosen. */
function missingFile(task: EvaluationTaskInput): [string, string] | undefined {
  if (task.kind === 'ruler' && (task.task === 'qa_1' || task.task === 'qa_2') && (task.questions ?? null) === null) {
    return [task.task === 'qa_1' ? 'squad' : 'hotpot', `${task.task} needs a question file`];
  }
  if (task.kind === 'multiple_choice' && (task.fewShot ?? 0) > 0 && (task.examples ?? null) === null) {
    return ['examples', 'name the file of the worked examples'];
  }
  return undefined;
}

/**
 * The field of a kind that an error from main belongs to: the one that it names, or the one whose file it names.
 * Undefined where it is about none of them.
 */
export function fieldOfError(
  kind: TaskKind,
  values: TaskValues,
  place: { readonly file?: string | undefined; readonly field?: string | undefined },
): string | undefined {
  const paths = kind.fields.map(({ path }) => path);
  if (place.file !== undefined) {
    const { file: named } = place;
    const same = kind.fields.find(({ path, control }) => {
      const given =
        control === 'files'
          ? list(values, path)
          : control === 'file' || control === 'folder'
            ? [text(values, path)]
            : [];
      return given.some((one) => one !== '' && (named === one || named.endsWith(fileTail(one))));
    });
    if (same !== undefined) return same.path;
  }
  return place.field !== undefined && paths.includes(place.field) ? place.field : undefined;
}

const fileTail = (path: string): string => `/${path.split(/[\\/]/).at(-1) ?? path}`;
