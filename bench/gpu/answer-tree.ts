import type { ModelRunner, ModelState } from '../../src/main/engine/model/runner.ts';
import type { ResidentOptions } from '../../src/main/engine/resident/resident-options.ts';
import type { AnswerTree } from '../../src/main/engine/training/objectives.ts';
import { ropeForModel } from '../../src/main/engine/training/rope-for.ts';

export const LORA: ResidentOptions['trainable'] = {
  kind: 'lora',
  rank: 4,
  alpha: 8,
  rslora: false,
  targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
};

/** The attention of CUDA with blocks so small that a short row has several of each kind. */
export const FLASH = { attention: 'flash', attentionBlock: 16, mlpRows: 40, lossChunk: 5, scoresAtOnce: 1000 } as const;

export const LONGPO = { objective: 'longpo', beta: 0.5, lambda: 2, nllDocument: 1, nllAnswers: 0.5 } as const;

/** A row of tokens 3, 10, 17, ... with one answer in each branch. */
export function tree(prefix: number, first: number, second: number): AnswerTree {
  const trunk = prefix + first;
  const ids = Int32Array.from({ length: trunk + second }, (_, i) => (3 + 7 * i + 5 * (i % 11)) % 320);
  return {
    tokens: { ids, prefix, first, second },
    chosen: first === 0 ? [] : [[prefix, trunk]],
    rejected: second === 0 ? [] : [[trunk, trunk + second]],
  };
}

/** An adapter every part of which gets a gradient (B is zero at the start), for rows of `length` tokens at most. */
export async function trainedState(runner: ModelRunner, length = 256): Promise<ModelState> {
  const parameters = await runner.initialParameters(1);
  const moved = parameters.map((value, i) => value + 0.02 * Math.sin(i));
  return { parameters: moved, rope: ropeForModel(runner.config, null)(length) };
}
