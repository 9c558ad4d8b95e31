import { readFileSync } from 'node:fs';
import path from 'node:path';
import { loadModelConfig } from '../../../../src/main/engine/model/config.ts';
import { readAdapter } from '../../../../src/main/engine/model/peft.ts';
import type { ModelState } from '../../../../src/main/engine/model/runner.ts';
import type { ResidentModel } from '../../../../src/main/engine/resident/resident-model.ts';
import type { ResidentOptions } from '../../../../src/main/engine/resident/resident-options.ts';
import { loadResidentModel } from '../../../../src/main/engine/resident/resident-model.ts';
import { ropeForModel } from '../../../../src/main/engine/training/rope-for.ts';
import { GOLDEN_ROOT, readGoldenCase } from '../training/golden-longpo.ts';

const FOLDER = path.join(import.meta.dirname, '../../../fixtures/generation');

/** One model state with greedy continuations of transformers, see make_generation.py. */
export interface GreedyCase {
  readonly model: string;
  readonly adapter?: string;
  readonly trained?: string;
  readonly theta?: number;
  /** How many tokens the last three prompts share. */
  readonly prefix: number;
  readonly prompts: readonly (readonly number[])[];
  readonly tokens: readonly (readonly number[])[];
  readonly gaps: readonly (readonly number[])[];
  readonly stops: readonly { readonly stopIds: readonly number[]; readonly tokens: readonly (readonly number[])[] }[];
}

export const GREEDY = JSON.parse(readFileSync(path.join(FOLDER, 'greedy.json'), 'utf8')) as {
  readonly newTokens: number;
  readonly gap: number;
  readonly cases: readonly GreedyCase[];
};

/** The model's own tokens and what is changed of it, for the name of a test. */
export function nameOf({ adapter, trained, theta }: GreedyCase): string {
  const parts = [adapter && 'adapter', trained && 'trained weights', theta && `theta ${theta}`];
  return parts.filter((part) => part !== undefined).join(', ') || 'as it is';
}

/** A golden model in ONNX Runtime: with its adapter's layout (or a LoRA layout of its own), or all weights trainable. */
export async function openGolden(
  model: string,
  kind: 'lora' | 'full',
  options: Partial<ResidentOptions> = {},
): Promise<ResidentModel> {
  const dir = path.join(GOLDEN_ROOT, 'models', model);
  const adapted = GREEDY.cases.some(({ adapter }) => adapter === model);
  const lora = async (): Promise<ResidentOptions['trainable']> =>
    adapted
      ? { kind: 'layout', layout: (await adapterOf(model, dir)).layout }
      : { kind: 'lora', rank: 2, alpha: 4, rslora: false, targets: ['q_proj', 'down_proj'] };
  const trainable = kind === 'full' ? { kind } : await lora();
  return loadResidentModel(dir, { device: 'cpu', threads: 1, trainable, attentionBlock: 8, ...options });
}

function adapterOf(model: string, dir: string): ReturnType<typeof readAdapter> {
  return loadModelConfig(dir).then((config) => readAdapter(path.join(GOLDEN_ROOT, 'adapters', model), config));
}

/** The parameters and rotary tables of a case, for `length` positions. */
export async function stateOf(
  runner: ResidentModel,
  { model, adapter, trained, theta }: Pick<GreedyCase, 'model' | 'adapter' | 'trained' | 'theta'>,
  length = 400,
): Promise<ModelState> {
  const rope = ropeForModel(runner.config, theta ?? null)(length);
  if (adapter !== undefined) {
    return { rope, parameters: (await adapterOf(adapter, path.join(GOLDEN_ROOT, 'models', model))).vector };
  }
  const parameters = (await runner.referenceParameters()).slice();
  if (trained !== undefined) {
    const { tensors } = readGoldenCase(trained);
    for (const { name, offset, size } of runner.layout.tensors) {
      const values = tensors.get(`trained.${name}`);
      if (values?.length !== size) throw new Error(`no trained ${name}`);
      parameters.set(values, offset);
    }
  }
  return { rope, parameters };
}
