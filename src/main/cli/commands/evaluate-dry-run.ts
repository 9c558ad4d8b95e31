import type { TaskEstimate, TaskSize, TaskTime } from '../../../shared/api/evaluations.ts';
import { UserError } from '../../../shared/errors.ts';
import type { EvaluationTask } from '../../../shared/evaluation-tasks.ts';
import { EngineClient } from '../../services/engine-client.ts';
import { planEvaluation } from '../../services/evaluation-times.ts';
import type { EvaluationRequest } from '../../services/evaluations.ts';
import { duration, nothing, whole } from '../format.ts';
import type { Invocation } from '../invocation.ts';
import { textTable } from '../text-table.ts';

type Planned = TaskEstimate & { readonly task: EvaluationTask };

/** Says what an evaluation would take and stores nothing; a base model or an adapter needs no workspace for it. */
export async function dryRunEvaluation(
  request: EvaluationRequest,
  { open, print, json, note, signal, onProgress }: Invocation,
): Promise<void> {
  const options = { signal, onProgress, onNotice: note };
  const planned = await withWorkspaceIfAny(open, request, (context) => planEvaluation(context, request, options));
  print(planText(planned));
  for (const { task, size } of planned) {
    if (size.tooLong > 0)
      note(
        `${task.name}: ${size.bound === 'about' ? 'about ' : ''}${whole(size.tooLong)} of its items are too long for the model.`,
      );
  }
  await json({ tasks: planned });
}

async function withWorkspaceIfAny<Result>(
  open: Invocation['open'],
  { source }: EvaluationRequest,
  plan: (context: Parameters<typeof planEvaluation>[0]) => Promise<Result>,
): Promise<Result> {
  let context: ReturnType<typeof open> | undefined;
  try {
    context = open({ readOnly: true });
  } catch (error) {
    if (source.kind === 'run' || !(error instanceof UserError) || error.code !== 'not_found') throw error;
  }
  if (context !== undefined) return plan(context);
  const engine = new EngineClient();
  try {
    return await plan({ engine, workspace: null });
  } finally {
    await engine.kill();
  }
}

const roughly = ({ bound }: TaskSize): string => (bound === 'about' ? 'about ' : 'up to ');

function planText(planned: readonly Planned[]): string {
  const times = planned.flatMap(({ time }) => time ?? []);
  const sum = (end: 'low' | 'high'): number => times.reduce((total, time) => total + time[end], 0);
  const together =
    times.length === 0
      ? 'Time: not known yet. This machine has evaluated nothing alike with this model on this device.'
      : `Time, without loading the model: ${span({ low: sum('low'), high: sum('high') })}${times.length < planned.length ? ` for ${times.length} of ${planned.length} tasks; the others are not known yet` : ''}.`;
  return `${textTable(
    [
      { header: 'set' },
      { header: 'items', align: 'right' },
      { header: 'read', unit: 'tokens', align: 'right' },
      { header: 'written at most', unit: 'tokens', align: 'right' },
      { header: 'time', align: 'right' },
      { header: 'as evaluation', align: 'right' },
    ],
    planned.map(({ task, size, time }) => [
      task.name,
      whole(size.items),
      size.read === null ? nothing : `${roughly(size)}${whole(size.read)}`,
      whole(size.written),
      time === null ? 'not known yet' : span(time),
      time === null ? nothing : String(time.evaluationId),
    ]),
  )}\n\n${together}`;
}

/** `about 42 s`, or `42 s to 1 min 10 s` where the two ends differ by more than a tenth. */
function span({ low, high }: Pick<TaskTime, 'low' | 'high'>): string {
  return high <= 1.1 * low ? `about ${duration((low + high) / 2)}` : `${duration(low)} to ${duration(high)}`;
}
