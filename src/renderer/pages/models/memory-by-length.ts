import { planMemory } from '../../../shared/memory-plan.ts';
import type { MemoryPlan, PlanModel, PlanRequest } from '../../../shared/memory-plan.ts';
import type { Trainable } from '../../../shared/run-config.ts';

/** How a step is done, whatever its length. */
export type StepKind = Omit<PlanRequest, 'tokens'>;

const targets = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;

/** An adapter on all layers with LoRA's usual scale, or all weights. */
export function trainableOf(kind: 'lora' | 'full', rank: number): Trainable {
  return kind === 'full' ? { kind } : { kind, rank, alpha: 2 * rank, rslora: false, targets: [...targets] };
}

/**
 * Plans for doubling lengths from 1,024 tokens (or the model's context, where that is shorter) to beyond its context and
 * beyond what fits into `memory` bytes; at most twelve.
 */
export function plansByLength(
  model: PlanModel & { readonly contextLength: number },
  step: StepKind,
  memory: number,
): readonly MemoryPlan[] {
  const plans: MemoryPlan[] = [];
  for (let tokens = Math.min(1024, model.contextLength); plans.length < 12; tokens *= 2) {
    const plan = planMemory(model, { ...step, tokens });
    plans.push(plan);
    if (tokens >= 2 * model.contextLength && plan.peak > memory) break;
  }
  return plans;
}

/** A plan for each length as a table: tokens, peak and every part in bytes. */
export function plansCsv(plans: readonly MemoryPlan[]): string {
  const names = [...new Set(plans.flatMap(({ parts }) => parts.map(({ name }) => name)))];
  const rows = plans.map(({ tokens, peak, parts }) => [
    tokens,
    Math.round(peak),
    ...names.map((name) => Math.round(parts.find((part) => part.name === name)?.bytes ?? 0)),
  ]);
  return [['tokens', 'peak bytes', ...names.map((name) => `${name} bytes`)], ...rows, []]
    .map((row) => row.join(','))
    .join('\n');
}
