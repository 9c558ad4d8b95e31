import { z } from 'zod';
import type { NewEvaluationItem } from '../../../shared/evaluations.ts';
import { meanScore } from '../evaluation/intervals.ts';
import { promptText } from '../evaluation/prompt-text.ts';
import { answerTokens, readRulerSources, RulerItems, rulerPlaces } from '../evaluation/ruler/items.ts';
import type { RulerPlace, RulerTask } from '../evaluation/ruler/items.ts';
import { stringMatch } from '../evaluation/ruler/score.ts';
import { fits, generateBatched, GREEDY } from '../generation/batched.ts';
import { allAnswered, answerText, BATCH, figures, generatorOf } from './evaluated-model.ts';
import type { EvaluatedModel, TaskContext, TaskSummary } from './evaluated-model.ts';
import { paced } from './job-context.ts';
import type { ModelText } from './model-text.ts';

/**
 * A RULER task: items are made as they are needed, batch by batch, answered greedily and scored by the share of the
 * outputs that the answer names. Figures: `score`, `score/<length>`, and `score/<length>/<depth>` where depths were
 * asked for. Items longer than the model's positions are not asked and not scored.
 */
export async function rulerTask(
  task: RulerTask,
  model: EvaluatedModel,
  { context, answered, store }: TaskContext,
): Promise<TaskSummary> {
  const generator = generatorOf(model);
  const { items, idsOf } = await rulerItemsFor(task, model.text, model.plainLead);
  const maxNewTokens = answerTokens(task.task);
  const progress = paced(context, task.name, 'items');
  const places = rulerPlaces(task);
  const done = new Map(answered);
  for (const batch of batchesOf(places)) {
    if (
      !allAnswered(
        { answered },
        batch.map(({ index }) => index),
      )
    ) {
      const made = batch.map((place) => ({ place, ...items.item(place) }));
      const asked = made.filter(({ tokens }) => fits(tokens, maxNewTokens, generator.state));
      const prompts = asked.map(({ place, item }) => ({ key: `ruler:${place.index}`, ids: idsOf(item) }));
      const outputs = await generateBatched(generator, prompts, {
        ...{ ...GREEDY, maxNewTokens, batch: BATCH, signal: context.signal },
      });
      const results = made.map(({ place, item, tokens }): NewEvaluationItem => {
        const output = outputs[asked.findIndex((one) => one.place === place)];
        const answer = output === undefined ? '' : answerText(model.text.tokenizer, output);
        const { index, length, depth } = place;
        return {
          ...{ index, question: item.query, expected: item.outputs.join(', '), answer },
          score: output === undefined ? 0 : stringMatch(answer, item.outputs),
          detail: {
            ...{ finish: output?.finish ?? 'too_long', length, depth, promptTokens: tokens },
            evidence: item.evidence.map((range) => [...range]),
            inputLength: item.input.length,
          },
        };
      });
      for (const result of results) done.set(result.index, result);
      await store(results);
    }
    progress((batch.at(-1)?.index ?? 0) + 1, places.length);
  }
  return rulerSummary(task, [...done.values()]);
}

/**
 * The items of a task, as large as the model's tokenizer lets them be, and the token ids of their prompts.
 * @param lead tokens before every plain text, such as `<s>`
 */
export async function rulerItemsFor(task: RulerTask, text: Pick<ModelText, 'codec' | 'template'>, lead: Int32Array) {
  const idsOf = (item: { readonly input: string; readonly answerPrefix: string }): Int32Array => {
    const ids = text.codec.encode(promptText(text, task.prompt, item));
    return task.prompt === 'chat' ? ids : Int32Array.from([...lead, ...ids]);
  };
  const items = new RulerItems(task, await readRulerSources(task), (item) => idsOf(item).length);
  return { items, idsOf };
}

/** Neighbours of one length that fit into a batch together, the same whatever was answered before. */
function batchesOf(places: readonly RulerPlace[]): RulerPlace[][] {
  const batches: RulerPlace[][] = [];
  for (const place of places) {
    const open = batches.at(-1);
    const length = open?.[0]?.length;
    const most = Math.min(BATCH.maxSequences, Math.floor(BATCH.maxTokens / place.length));
    if (open !== undefined && length === place.length && open.length < most) open.push(place);
    else batches.push([place]);
  }
  return batches;
}

const detailSchema = z.object({ finish: z.string(), length: z.number(), depth: z.number().nullable() });

/** The figures of a task from its items. */
function rulerSummary(task: RulerTask, items: readonly NewEvaluationItem[]): TaskSummary {
  const rows = items
    .map((item) => ({ index: item.index, score: item.score, ...detailSchema.parse(item.detail) }))
    .sort((a, b) => a.index - b.index);
  const asked = rows.filter(({ finish }) => finish !== 'too_long');
  const summary: Record<string, number> = { items: rows.length, too_long: rows.length - asked.length };
  const add = (name: string, chosen: typeof asked): void => {
    const scores = chosen.map(({ score }) => score);
    Object.assign(
      summary,
      figures(name, meanScore(scores)),
      scores.length === 0 ? {} : { [`${name}/n`]: scores.length },
    );
  };
  add('score', asked);
  for (const length of task.lengths) {
    const atLength = asked.filter((row) => row.length === length);
    add(`score/${length}`, atLength);
    for (const depth of task.depths ?? []) {
      add(
        `score/${length}/${depth}`,
        atLength.filter((row) => row.depth === depth),
      );
    }
  }
  return summary;
}
