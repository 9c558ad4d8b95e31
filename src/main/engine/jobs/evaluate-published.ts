import { z } from 'zod';
import type { NewEvaluationItem } from '../../../shared/evaluations.ts';
import { bootstrapMean, meanScore } from '../evaluation/intervals.ts';
import { fittedPrompt } from '../evaluation/published/fitted-prompt.ts';
import type { FittedPrompt } from '../evaluation/published/fitted-prompt.ts';
import type { PublishedItem } from '../evaluation/published/item.ts';
import type { CheckedSet } from '../evaluation/published/checked-set.ts';
import { promptFormOf, publishedDefinitions } from '../evaluation/published/read.ts';
import type { PublishedTask } from '../evaluation/published/read.ts';
import { generateBatched, GREEDY } from '../generation/batched.ts';
import { allAnswered, answerText, BATCH, figures, generatorOf, roomFor } from './evaluated-model.ts';
import type { EvaluatedModel, TaskContext, TaskSummary } from './evaluated-model.ts';
import { paced } from './job-context.ts';

interface Asked {
  readonly index: number;
  readonly item: PublishedItem;
  /** Null: it does not fit, or an earlier try answered it. */
  readonly prompt: FittedPrompt | null;
  readonly promptTokens: number;
}

/**
 * A published set of long inputs, asked batch by batch and answered greedily. Figures: `score`, that of
 * each part of the set (`score/hard`), and the other metrics of HELMET. Inputs that are too long are cut as their authors
 * do; what does not fit even so is not asked and not scored.
 */
export async function publishedTask(
  task: PublishedTask,
  set: CheckedSet,
  model: EvaluatedModel,
  { context, answered, store }: TaskContext,
): Promise<TaskSummary> {
  const definition = publishedDefinitions[task.form];
  const generator = generatorOf(model);
  const maxNewTokens = task.maxNewTokens ?? definition.maxNewTokens;
  const room = roomFor(task.name, model.runner.config.maxPositionEmbeddings, {
    maxTokens: task.maxTokens,
    maxNewTokens,
  });
  const form = promptFormOf(task);
  const source = { template: model.text.template, codec: model.text.codec, lead: model.plainLead };
  const progress = paced(context, task.name, 'items');
  const done: NewEvaluationItem[] = [];

  const finish = async (batch: readonly Asked[]): Promise<void> => {
    if (
      allAnswered(
        { answered },
        batch.map(({ index }) => index),
      )
    ) {
      done.push(...batch.flatMap(({ index }) => answered.get(index) ?? []));
    } else {
      const made = batch.map((one) =>
        one.prompt === null ? { ...one, prompt: fittedPrompt(source, one.item.prompt, { form, room, cut }) } : one,
      );
      const asked = made.flatMap(({ index, prompt }) =>
        prompt === null ? [] : [{ key: `published:${index}`, ids: prompt.ids }],
      );
      const outputs = await generateBatched(generator, asked, {
        ...{ ...GREEDY, maxNewTokens, batch: BATCH, signal: context.signal },
      });
      const results = made.map(({ index, item, prompt, promptTokens }): NewEvaluationItem => {
        const { question, expected, groups } = item;
        const output = outputs[asked.findIndex(({ key }) => key === `published:${index}`)];
        const answer = output === undefined ? '' : answerText(model.text.tokenizer, output);
        const scores = output === undefined ? { score: 0 } : item.scores(answer);
        return {
          ...{ index, question, expected, answer, score: scores.score },
          detail: {
            ...{ finish: output?.finish ?? 'too_long', promptTokens, cut: prompt?.cut ?? false },
            ...{ groups: [...groups], scores: { ...scores } },
          },
        };
      });
      await store(results);
      done.push(...results.map((result) => answered.get(result.index) ?? result));
    }
    progress(done.length, set.total);
  };

  const { cut } = definition;
  let batch: Asked[] = [];
  for await (const { index, item } of set.items()) {
    const earlier = answered.get(index);
    const prompt = earlier === undefined ? fittedPrompt(source, item.prompt, { form, room, cut }) : null;
    const promptTokens =
      earlier === undefined ? (prompt?.ids.length ?? 0) : detailSchema.parse(earlier.detail).promptTokens;
    const next = { index, item, prompt, promptTokens };
    if (batch.length > 0 && !together([...batch, next], maxNewTokens)) {
      await finish(batch);
      batch = [];
    }
    batch.push(next);
  }
  await finish(batch);
  return publishedSummary(done);
}

/** Neighbours that fit into a batch, the same whatever was answered before: what is computed together affects rounding. */
function together(batch: readonly Asked[], maxNewTokens: number): boolean {
  const longest = batch.reduce((most, { promptTokens }) => Math.max(most, promptTokens + maxNewTokens), 0);
  return batch.length <= BATCH.maxSequences && batch.length * longest <= BATCH.maxTokens;
}

const detailSchema = z.object({
  ...{ finish: z.string(), promptTokens: z.number(), cut: z.boolean() },
  ...{ groups: z.array(z.string()), scores: z.record(z.string(), z.number()) },
});

function publishedSummary(items: readonly NewEvaluationItem[]): TaskSummary {
  const rows = items.map(({ detail }) => detailSchema.parse(detail));
  const asked = rows.filter(({ finish }) => finish !== 'too_long');
  const summary: Record<string, number> = {
    ...{ items: rows.length, too_long: rows.length - asked.length, cut: asked.filter(({ cut }) => cut).length },
  };
  const scored = (chosen: typeof asked): number[] => chosen.map(({ scores }) => scores['score'] ?? 0);
  Object.assign(summary, figures('score', meanScore(scored(asked))));
  for (const group of [...new Set(asked.flatMap(({ groups }) => groups))].sort()) {
    const chosen = asked.filter(({ groups }) => groups.includes(group));
    Object.assign(summary, figures(`score/${group}`, meanScore(scored(chosen))), {
      [`score/${group}/n`]: chosen.length,
    });
  }
  for (const name of new Set(asked.flatMap(({ scores }) => Object.keys(scores)))) {
    if (name === 'score') continue;
    Object.assign(summary, figures(name, bootstrapMean(asked.map(({ scores }) => scores[name] ?? 0))));
  }
  return summary;
}
