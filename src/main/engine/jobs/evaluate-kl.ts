import { klDetailSchema } from '../../../shared/evaluation-details.ts';
import type { EvaluationTask } from '../../../shared/evaluation-tasks.ts';
import { snapshotOf } from '../../../shared/runs.ts';
import type { NewEvaluationItem } from '../../../shared/evaluations.ts';
import { UserError } from '../../../shared/errors.ts';
import { bootstrapMean } from '../evaluation/intervals.ts';
import { evaluateHeldOut } from '../training/held-out.ts';
import { buildExamples } from '../training/samples.ts';
import { figures } from './evaluated-model.ts';
import type { EvaluatedModel, TaskContext, TaskSummary } from './evaluated-model.ts';
import { paced } from './job-context.ts';
import { readSamples } from './read-samples.ts';
import { referencesOf, scoreForRun } from './run-references.ts';

/**
 * The run's held-out metrics on given samples, example by example: losses, rewards, and the exact KL(policy on the long
 * input || reference on the chunk). An item's score is the KL over its chosen answers.
 */
export async function klTask(
  task: Extract<EvaluationTask, { kind: 'kl' }>,
  { runner, text, fingerprint, parameters, policyRope }: EvaluatedModel,
  { context, from, count, config, answered, store: storeItems }: TaskContext,
): Promise<TaskSummary> {
  const samples = await readSamples(context, 'heldOut', count, from);
  const examples = [...buildExamples(text.builder, samples, config)];
  const pairOf = new Map(samples.flatMap(({ turns }) => snapshotOf(turns)).map((pair) => [pair.pairId, pair]));
  const { signal } = context;
  const references = referencesOf(fingerprint, runner.config, config);
  const [scored = []] = await scoreForRun(context, runner, references, config, [examples], { signal });

  const progress = paced(context, task.name, 'examples');
  const byName = new Map<string, number[]>();
  for (const [index, example] of scored.entries()) {
    const earlier = answered.get(index);
    const values =
      earlier === undefined
        ? await evaluateHeldOut(runner, [example], {
            ...{ settings: config, parameters, policyRope, signal },
            referenceRope: references.short.ropeFor,
          })
        : klDetailSchema.parse(earlier.detail).values;
    if (values === undefined) throw new UserError('cancelled', 'The job was stopped.');
    for (const [name, value] of Object.entries(values)) {
      const short = name.slice('eval_'.length);
      byName.set(short, [...(byName.get(short) ?? []), value]);
    }
    await storeItems([
      {
        index,
        question: `${example.document.name}, ${example.tree.chosen.length} turns`,
        expected: '',
        answer: '',
        score: values['eval_kl/exact/chosen'] ?? 0,
        detail: {
          values,
          tokens: example.tree.tokens.ids.length,
          pairs: (example.pairIds ?? []).flatMap((id) => pairOf.get(id) ?? []),
        } as NewEvaluationItem['detail'], // a field that is left out is not undefined
      },
    ]);
    progress(index + 1, scored.length);
  }
  const summary: Record<string, number> = { items: scored.length };
  for (const [name, values] of byName) Object.assign(summary, figures(name, bootstrapMean(values)));
  return summary;
}
