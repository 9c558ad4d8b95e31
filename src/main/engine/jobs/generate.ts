import type { DocumentResult } from '../synthesis/job.ts';
import { synthesize } from '../synthesis/pipeline.ts';
import { ropeForModel } from '../training/rope-for.ts';
import type { DocumentOutcome } from '../protocol/jobs.ts';
import type { Job } from './job-context.ts';
import { loadModelText } from './model-text.ts';

/** Makes pairs from documents; each finished document is reported and stored before the next one is. */
export const generate: Job<'generate'> = async (input, context) => {
  const { modelDir, config, documents, device, threads, baseBits } = input;
  context.progress({ phase: 'load', done: 0, total: 1, unit: 'models', etaSeconds: null });
  const { codec } = await loadModelText(modelDir);
  const runner = await context.models.get({
    ...{ modelDir, device, threads, programs: ['generate'] },
    trainable: { kind: 'frozen' },
    signal: context.signal,
    progress: context.progress,
    ...(baseBits === undefined ? {} : { baseBits }),
  });
  const positions = runner.config.maxPositionEmbeddings;
  const parameters = await runner.referenceParameters();
  const state = { parameters, rope: ropeForModel(runner.config, null)(positions) };
  // With a raised base the rejected pass may go beyond the positions that the model was made for.
  const longPositions = config.ropeTheta === null ? positions : Math.max(positions, config.maxLongTokens ?? 0);
  const longState = { parameters, rope: ropeForModel(runner.config, config.ropeTheta)(longPositions) };

  return synthesize(
    {
      documents: documents.map(({ id, markdown }) => ({
        id: String(id),
        markdown,
        read: async () => (await context.emit({ type: 'readDocument', id })).text,
      })),
      generator: { runner, codec, state },
      longState,
      config,
      resume: {
        finished: new Set(input.finished.map(String)),
        counts: input.counts,
      },
      signal: context.signal,
    },
    {
      document: async (result) => {
        await context.emit({ type: 'document', result: outcomeOf(result) });
      },
      progress: ({ stage, done, total, etaSeconds }) =>
        context.progress({ phase: stage, done, total, unit: 'documents', etaSeconds }),
    },
  );
};

function outcomeOf(result: DocumentResult): DocumentOutcome {
  return {
    documentId: Number(result.documentId),
    chunks: result.chunks.map(({ index, start, end, tokens }) => ({ index, start, end, tokens })),
    pairs: result.pairs.map(({ chunk, question, chosen, rejected, flags }) => ({
      chunk: chunk.index,
      question,
      chosen,
      rejected,
      flags,
    })),
    dropped: result.dropped.map((item) => ({ ...item })),
    counts: result.counts,
  };
}
