import { resolve } from 'node:path';
import type { z } from 'zod';
import type { EvaluationTask } from '../../../shared/evaluation-tasks.ts';
import { choiceDetailSchema } from '../../../shared/evaluation-details.ts';
import { UserError } from '../../../shared/errors.ts';
import type { NewEvaluationItem } from '../../../shared/evaluations.ts';
import { parseInput } from '../../../shared/parse.ts';
import { wilson } from '../../../shared/wilson.ts';
import { readRows } from '../../files/data-rows.ts';
import { choiceForms, examplesFor, leadOf } from '../evaluation/multiple-choice/forms.ts';
import type { ChoiceItem } from '../evaluation/multiple-choice/forms.ts';
import { chosen, rowOf, scoreRows } from '../evaluation/multiple-choice/score.ts';
import { figures } from './evaluated-model.ts';
import type { EvaluatedModel, TaskContext, TaskSummary } from './evaluated-model.ts';
import { paced, stopIfAborted } from './job-context.ts';

type ChoiceTask = Extract<EvaluationTask, { kind: 'multiple_choice' }>;

/** A question, and what stands before it. */
interface LedItem {
  readonly item: ChoiceItem;
  readonly lead: string;
}

/**
 * Reads questions and their worked examples. Errors: `not_found`, `invalid_input` naming file, row and field, also where
 * a question has too few examples.
 */
export async function readChoices(task: ChoiceTask): Promise<LedItem[]> {
  const read = async (path: string, limit: number): Promise<ChoiceItem[]> => {
    const items: ChoiceItem[] = [];
    for await (const { row, value } of readRows(path)) {
      if (items.length === limit) break;
      items.push(parseInput(choiceForms[task.form] as z.ZodType<ChoiceItem>, value, `row ${row}`, path));
    }
    if (items.length > 0) return items;
    throw new UserError('invalid_input', `${path} holds no questions.`, { place: { file: path } });
  };
  const items = await read(task.path, task.limit ?? Infinity);
  if (task.fewShot === 0) return items.map((item) => ({ item, lead: leadOf(item, []) }));
  if (task.examples === null) {
    throw new UserError('invalid_input', `${task.name}: there is no file of worked examples.`, {
      hint: 'Name one in the field examples, or set fewShot to 0.',
      place: { field: 'examples' },
    });
  }
  const pool = await read(task.examples, Infinity);
  const wanted = { count: task.fewShot, ownFile: resolve(task.examples) === resolve(task.path) };
  return items.map((item, i) => {
    const examples = examplesFor(item, pool, wanted);
    if (examples.length < task.fewShot) {
      const about = item.group === '' ? '' : ` about ${item.group}`;
      throw new UserError(
        'invalid_input',
        `${task.examples} has ${examples.length} worked examples${about} for row ${i + 1} of ${task.path}; ${task.fewShot} are asked for.`,
        { hint: 'Ask for fewer examples, or add some to the file.', place: { field: 'fewShot' } },
      );
    }
    return { item, lead: leadOf(item, examples) };
  });
}

/**
 * Multiple choice by log-likelihood, as lm-evaluation-harness scores it without a chat template. Figures: `acc`, and
 * `acc_norm` where choices are texts of their own (all forms but Winogrande). An item's score is that of `acc`.
 */
export async function choiceTask(
  task: ChoiceTask,
  { runner, text, parameters, policyRope, plainLead }: EvaluatedModel,
  { context, answered, store }: TaskContext,
): Promise<TaskSummary> {
  const items = await readChoices(task);
  const progress = paced(context, task.name, 'questions');
  const positions = runner.config.maxPositionEmbeddings;
  const done: NewEvaluationItem[] = [];
  for (const [index, { item, lead }] of items.entries()) {
    const earlier = answered.get(index);
    if (earlier !== undefined) {
      done.push(earlier);
      continue;
    }
    stopIfAborted(context.signal);
    const rows = item.requests.map((request) =>
      rowOf(text.tokenizer, plainLead, { ...request, context: lead + request.context }, positions),
    );
    const longest = rows.reduce((most, { ids }) => Math.max(most, ids.length), 0);
    const sums = await scoreRows(runner, { parameters, rope: policyRope(Math.min(longest, positions)) }, rows);
    const { acc, accNorm } = chosen(sums, item.choices);
    const result: NewEvaluationItem = {
      ...{ index, question: item.question, expected: item.choices[item.gold] ?? '', answer: item.choices[acc] ?? '' },
      score: acc === item.gold ? 1 : 0,
      detail: { gold: item.gold, acc, accNorm, logLikelihoods: sums },
    };
    done.push(result);
    await store([result]);
    progress(index + 1, items.length);
  }
  const right = (which: 'acc' | 'accNorm'): number =>
    done.filter(({ detail }) => {
      const parsed = choiceDetailSchema.parse(detail);
      return parsed[which] === parsed.gold;
    }).length;
  return {
    ...figures('acc', wilson(right('acc'), done.length)),
    ...(task.form === 'winogrande' ? {} : figures('acc_norm', wilson(right('accNorm'), done.length))),
    items: done.length,
  };
}
