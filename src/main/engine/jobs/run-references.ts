import type { RunConfig } from '../../../shared/run-config.ts';
import type { ModelConfig } from '../model/config.ts';
import type { ModelRunner } from '../model/runner.ts';
import type { ReferenceEvent } from '../protocol/jobs.ts';
import type { ScoredExample, TrainingExample } from '../training/example.ts';
import { longReferenceTheta, referenceContexts, scoreReferences } from '../training/reference.ts';
import type { ReferenceModel } from '../training/reference.ts';
import { ropeForModel } from '../training/rope-for.ts';
import type { EventSink } from './job-context.ts';
import { ReferenceStore } from './reference-store.ts';

/** The frozen start model on the short contexts, with its own RoPE, and on the long inputs of this run. */
export function referencesOf(
  fingerprint: string,
  model: Pick<ModelConfig, 'rope' | 'headDim'>,
  config: RunConfig,
): { readonly short: ReferenceModel; readonly long: ReferenceModel } {
  const { rope } = model;
  const short = { fingerprint, rope, ropeFor: ropeForModel(model, null) };
  const theta = longReferenceTheta(config);
  if (theta === null) return { short, long: short };
  return { short, long: { fingerprint, rope: { ...rope, theta }, ropeFor: ropeForModel(model, theta) } };
}

/**
 * Scores a run's examples with its references, what the workspace knows left out; what is new is stored, also when it is
 * stopped.
 * @returns the examples of each part in their order
 */
export async function scoreForRun(
  context: EventSink<ReferenceEvent>,
  runner: ModelRunner,
  references: ReturnType<typeof referencesOf>,
  config: RunConfig,
  parts: readonly (readonly TrainingExample[])[],
  options: { readonly onProgress?: (done: number, total: number) => void; readonly signal?: AbortSignal },
): Promise<ScoredExample[][]> {
  const { short, long } = references;
  const contexts = referenceContexts(config);
  const store = new ReferenceStore(context, short);
  const longStore = long === short ? store : new ReferenceStore(context, long);
  const all = parts.flat();
  await store.load(all, { short: contexts.short, long: contexts.long && longStore === store });
  if (longStore !== store) await longStore.load(all, { short: false, long: contexts.long });
  const scored: ScoredExample[][] = [];
  let before = 0;
  try {
    for (const part of parts) {
      const start = before;
      scored.push(
        await scoreReferences(runner, part, short, store, {
          ...{ contexts, long: { model: long, cache: longStore } },
          onProgress: (done) => options.onProgress?.(start + done, all.length),
          ...(options.signal === undefined ? {} : { signal: options.signal }),
        }),
      );
      before += part.length;
    }
  } finally {
    await store.flush();
    if (longStore !== store) await longStore.flush();
  }
  return scored;
}
