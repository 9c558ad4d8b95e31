import type { DryRunView } from '../../shared/api/runs.ts';
import { pairSelectionSchema } from '../../shared/pair-selection.ts';
import { parseInput } from '../../shared/parse.ts';
import { parseRunConfig } from '../../shared/run-config.ts';
import type { ServiceContext } from './context.ts';
import { EngineClient } from './engine-client.ts';
import type { JobOptions } from './engine-client.ts';
import { withSettledSegments } from './run-memory.ts';
import { usableModel } from './models.ts';
import { groupBySample, selectPairs, snapshotPair } from './pair-selection.ts';
import { noPairs } from './pairs.ts';
import type { TrainRequest } from './runs.ts';

/**
 * Tries a run on its longest example, in an engine process of its own: its peak of memory is then this run's alone, and
 * when it does not fit, that process ends and nothing else. Stores nothing.
 * Errors: as `train`; `internal` where the process was ended (out of memory).
 */
export async function dryRun(
  { workspace }: Pick<ServiceContext, 'workspace'>,
  request: TrainRequest,
  options: JobOptions = {},
): Promise<DryRunView> {
  const given = parseRunConfig(request.config);
  const selection = parseInput(pairSelectionSchema, request.selection ?? {}, 'Selection of pairs');
  const groups = groupBySample(selectPairs(workspace, selection));
  if (groups.length === 0) throw noPairs();
  const engine = new EngineClient();
  try {
    const model = await usableModel(engine, request.modelDir, options);
    const documents = groups.map((group) => group[0]?.documentId ?? 0);
    const input = { modelDir: model.path, documents };
    const readSample = ({ index }: { readonly index: number }) =>
      workspace.samples.ofPairs((groups[index] ?? []).map(snapshotPair));
    const { longestTokens } = await engine.run('prepareTraining', { ...input, config: given }, { readSample }, options);
    const config = await withSettledSegments(model, given, longestTokens, []);
    const report = await engine.run(
      'dryRun',
      { modelDir: model.path, config, documents },
      { readSample: ({ index }) => workspace.samples.ofPairs((groups[index] ?? []).map(snapshotPair)) },
      options,
    );
    return { ...report, peakBytes: engine.usage?.peakBytes ?? 0 };
  } finally {
    await engine.kill();
  }
}
