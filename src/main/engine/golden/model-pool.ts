import type { ParameterLayout } from '../model/parameters.ts';
import { loadResidentModel, type ResidentModel } from '../resident/resident-model.ts';
import type { ResidentOptions } from '../resident/resident-options.ts';
import type { Program } from '../resident/resident-graph.ts';

/** Full fine-tuning, an adapter's layout, or nothing to train: the weights are read from the files. */
export type PoolTrainable = 'full' | 'none' | ParameterLayout;

/** Where the models run; default the CPU. */
export type PoolOptions = Pick<ResidentOptions, 'threads'> & Partial<Pick<ResidentOptions, 'device' | 'dtype'>>;

/** Keeps the last resident model, so that cases over the same one load it once. */
export class ModelPool {
  readonly #options: PoolOptions;
  #last: { readonly key: string; readonly model: ResidentModel } | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  async get(dir: string, trainable: PoolTrainable, programs: readonly Program[]): Promise<ResidentModel> {
    const key = JSON.stringify([dir, trainable, programs]);
    if (this.#last?.key === key) return this.#last.model;
    await this.release();
    const model = await loadResidentModel(dir, {
      device: 'cpu',
      ...this.#options,
      trainable: choice(trainable),
      programs,
    });
    this.#last = { key, model };
    return model;
  }

  async release(): Promise<void> {
    const last = this.#last;
    this.#last = undefined;
    await last?.model.release();
  }
}

function choice(trainable: PoolTrainable): Parameters<typeof loadResidentModel>[1]['trainable'] {
  if (trainable === 'full') return { kind: 'full' };
  // The smallest adapter there is; at zero it leaves the model as it is.
  if (trainable === 'none') return { kind: 'lora', rank: 1, alpha: 1, rslora: false, targets: ['q_proj'] };
  return { kind: 'layout', layout: trainable };
}
