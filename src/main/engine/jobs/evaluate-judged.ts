import { UserError } from '../../../shared/errors.ts';
import { judgedDetailSchema } from '../../../shared/evaluation-details.ts';
import { waitsForJudge } from '../../../shared/evaluations.ts';
import type { NewEvaluationItem } from '../../../shared/evaluations.ts';
import { bootstrapMean } from '../evaluation/intervals.ts';
import { readJudged } from '../evaluation/judged/questions.ts';
import type { JudgedQuestion, JudgedTask } from '../evaluation/judged/questions.ts';
import { parseRating, ratingRequest, withoutSystem } from '../evaluation/judged/rubric.ts';
import type { RatedTurn } from '../evaluation/judged/rubric.ts';
import { fittedPrompt } from '../evaluation/published/fitted-prompt.ts';
import { fits, generateBatched, generateEachBatch, GREEDY } from '../generation/batched.ts';
import type { DecodingOptions } from '../generation/batched.ts';
import type { Message } from '../text/chat-template.ts';
import { BATCH, figures, generatorOf, roomFor } from './evaluated-model.ts';
import type { EvaluatedModel, TaskContext, TaskSummary } from './evaluated-model.ts';
import { paced } from './job-context.ts';
import type { ModelText } from './model-text.ts';

/** Items are numbered by question and turn, also where a question has one turn only. */
export const TURNS = 2;
/** A judgement without a rating is asked for once more, drawn: the greedy one would be the same. */
const SECOND_TRY = { temperature: 0.7, topP: 0.95, seed: 1 } as const;

/** The model's answers, turn after turn, each stored as an item that waits for its judge. */
export async function answerJudged(
  task: JudgedTask,
  model: EvaluatedModel,
  { context, answered, store }: TaskContext,
): Promise<ReadonlyMap<number, NewEvaluationItem>> {
  const questions = await readJudged(task);
  const generator = generatorOf(model);
  const { text } = model;
  const { maxNewTokens } = task;
  const room = roomFor(task.name, model.runner.config.maxPositionEmbeddings, {
    maxTokens: task.maxTokens,
    maxNewTokens,
  });
  const items = new Map(answered);
  const progress = paced(context, `${task.name}, answers`, 'answers');
  const total = questions.reduce((sum, { turns }) => sum + turns.length, 0);
  for (let turn = 0; turn < TURNS; turn += 1) {
    const here = questions.flatMap((question, q) => (turn < question.turns.length ? [{ question, q }] : []));
    const prompts = here.flatMap(({ question, q }) => {
      const ids = promptOf(question, q, turn);
      return ids === null ? [] : [{ q, key: `judged:${q}:${turn}`, ids }];
    });
    const itemOf = (q: number, answer: string, finish: 'stop' | 'length' | 'too_long'): NewEvaluationItem => {
      const { category = '', shown = [], references = [] } = questions[q] ?? {};
      return {
        ...{ index: q * TURNS + turn, question: shown[turn] ?? '', expected: references[turn] ?? '', answer, score: 0 },
        detail: { category, turn: turn + 1, finish, rating: null, ...(finish === 'too_long' ? {} : { pending: true }) },
      };
    };
    const keep = async (batch: readonly NewEvaluationItem[]): Promise<void> => {
      const fresh = batch.filter(({ index }) => !items.has(index));
      for (const item of fresh) items.set(item.index, item);
      await store(fresh);
    };
    const asked = new Set(prompts.map(({ q }) => q));
    await keep(here.flatMap(({ q }) => (asked.has(q) ? [] : [itemOf(q, '', 'too_long')])));
    await generateEachBatch(
      generator,
      prompts,
      { ...GREEDY, batch: BATCH, maxNewTokens, signal: context.signal },
      async (indices, outputs) => {
        await keep(
          indices.flatMap((index, i) => {
            const [q, output] = [prompts[index]?.q, outputs[i]];
            if (q === undefined || output === undefined) return [];
            // LongBench-Chat writes each answer on one line.
            const answer = task.form === 'mt_bench' ? output.text : output.text.trim().replaceAll('\n', ' ');
            return [itemOf(q, answer, output.finish)];
          }),
        );
        progress(items.size, total);
      },
      (indices) => indices.every((index) => items.has((prompts[index]?.q ?? -1) * TURNS + turn)),
    );
  }
  return items;

  function promptOf(question: JudgedQuestion, q: number, turn: number): Int32Array | null {
    if (turn === 0) {
      const parts = { before: '', context: question.turns[0] ?? '', after: '' };
      const source = { template: text.template, codec: text.codec, lead: model.plainLead };
      return fittedPrompt(source, parts, { form: 'chat', cut: 'middle', room })?.ids ?? null;
    }
    const messages: Message[] = [];
    for (let before = 0; before < turn; before += 1) {
      const earlier = items.get(q * TURNS + before);
      if (earlier === undefined || judgedDetailSchema.parse(earlier.detail).finish === 'too_long') return null;
      messages.push({ role: 'user', content: question.turns[before] ?? '' });
      messages.push({ role: 'assistant', content: earlier.answer });
    }
    messages.push({ role: 'user', content: question.turns[turn] ?? '' });
    const ids = text.codec.encode(text.template.render(messages, { addGenerationPrompt: true }));
    return ids.length <= room ? ids : null;
  }
}

/**
 * The judge's ratings of the answers. Figures: `rating` (1 to 10, its interval over the questions), `rating/turn_1`,
 * `rating/<category>`; `unparsable`: judgements without a rating even at the second try, which are not in the figures.
 */
export async function rateJudged(
  task: JudgedTask,
  judge: EvaluatedModel,
  items: ReadonlyMap<number, NewEvaluationItem>,
  { context, store }: TaskContext,
): Promise<TaskSummary> {
  const questions = await readJudged(task);
  const generator = generatorOf(judge);
  const maxNewTokens = task.judgeTokens;
  const done = new Map(items);
  const request = requester(judge.text, task);
  const rows = [...items.values()]
    .filter(({ detail }) => judgedDetailSchema.parse(detail).finish !== 'too_long')
    .map((item) => ({ item, key: `judgement:${item.index}`, ids: request(turnOf(item)) }));
  const options: DecodingOptions = { ...GREEDY, batch: BATCH, maxNewTokens, signal: context.signal };
  const rated = (item: NewEvaluationItem, judgement: string, retried: boolean): NewEvaluationItem => {
    const { pending: _pending, ...detail } = judgedDetailSchema.parse(item.detail);
    const rating = parseRating(task.form, judgement);
    return { ...item, score: rating ?? 0, detail: { ...detail, rating, judgement, retried } };
  };
  const keep = async (batch: readonly NewEvaluationItem[]): Promise<void> => {
    const fresh = batch.filter(({ index }) => waitsForJudge(done.get(index)));
    for (const item of fresh) done.set(item.index, item);
    await store(fresh);
  };
  const fitting = rows.filter(({ ids }) => fits(ids.length, maxNewTokens, generator.state));
  await keep(rows.filter((row) => !fitting.includes(row)).map(({ item }) => rated(item, '', false)));
  const progress = paced(context, `${task.name}, ratings`, 'answers');
  let seen = 0;
  await generateEachBatch(
    generator,
    fitting,
    {
      ...options,
      onBatch: (count) => {
        seen = count;
        progress(seen, fitting.length);
      },
    },
    async (indices, outputs) => {
      const batch = indices.flatMap((index, i) => {
        const row = fitting[index];
        return row === undefined ? [] : [{ row, item: rated(row.item, outputs[i]?.text ?? '', false) }];
      });
      const again = batch.filter(({ item }) => item.score === 0);
      const second = await generateBatched(
        generator,
        again.map(({ row }) => row),
        { ...options, ...SECOND_TRY },
      );
      const retried = again.map(({ row }, i) => rated(row.item, second[i]?.text ?? '', true));
      await keep(batch.map(({ item }) => retried.find(({ index }) => index === item.index) ?? item));
    },
    (indices) => indices.every((index) => !waitsForJudge(done.get(fitting[index]?.item.index ?? -1))),
  );
  return judgedSummary([...done.values()]);

  function turnOf(item: NewEvaluationItem): RatedTurn {
    const q = Math.floor(item.index / TURNS);
    const turn = item.index % TURNS;
    const { shown = [], references = [], examples = [] } = questions[q] ?? {};
    return {
      turns: Array.from({ length: turn + 1 }, (_, i) => ({
        ...{ question: shown[i] ?? '', answer: items.get(q * TURNS + i)?.answer ?? '' },
      })),
      ...{ references: references.slice(0, turn + 1), examples },
    };
  }
}

/** Token ids of what a judge is asked. A template that refuses a system message gets its text with the user's. */
function requester({ template, codec }: ModelText, { form }: JudgedTask): (turn: RatedTurn) => Int32Array {
  const render = (messages: readonly Message[]): string => template.render(messages, { addGenerationPrompt: true });
  let system = true;
  try {
    render(ratingRequest(form, { turns: [{ question: 'a', answer: 'b' }], references: [], examples: [] }));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    system = false;
  }
  return (turn) => {
    const messages = ratingRequest(form, turn);
    return codec.encode(render(system ? messages : [withoutSystem(messages)]));
  };
}

function judgedSummary(items: readonly NewEvaluationItem[]): TaskSummary {
  const rows = items.map(({ index, detail }) => ({
    question: Math.floor(index / TURNS),
    ...judgedDetailSchema.parse(detail),
  }));
  const asked = rows.filter(({ finish }) => finish !== 'too_long');
  const rated = asked.flatMap((row) => (row.rating === null ? [] : [{ ...row, rating: row.rating }]));
  const summary: Record<string, number> = {
    ...{ items: rows.length, too_long: rows.length - asked.length, unparsable: asked.length - rated.length },
    retried: asked.filter(({ retried }) => retried).length,
  };
  const add = (name: string, chosen: typeof rated): void => {
    // Questions are drawn, with all their turns: the two are not independent.
    const groups = [...Map.groupBy(chosen, ({ question }) => question).values()].map((group) => ({
      ...{ weight: group.length, mean: group.reduce((sum, { rating }) => sum + rating, 0) / group.length },
    }));
    const weights = groups.map(({ weight }) => weight);
    const estimate = bootstrapMean(
      groups.map(({ mean }) => mean),
      { weights },
    );
    Object.assign(summary, figures(name, estimate), chosen.length === 0 ? {} : { [`${name}/n`]: chosen.length });
  };
  add('rating', rated);
  for (const turn of new Set(rated.map((row) => row.turn))) {
    add(
      `rating/turn_${turn}`,
      rated.filter((row) => row.turn === turn),
    );
  }
  const categories = [...new Set(rated.map(({ category }) => category))].sort();
  for (const category of categories.length > 1 ? categories : []) {
    add(
      `rating/${category}`,
      rated.filter((row) => row.category === category),
    );
  }
  return summary;
}
