import { createHash } from 'node:crypto';
import { basename, resolve } from 'node:path';
import { z } from 'zod';
import { idSchema } from '../../shared/documents.ts';
import { UserError } from '../../shared/errors.ts';
import { importKinds } from '../../shared/import-kinds.ts';
import { everyRow } from '../../shared/paging.ts';
import type { Page, PageRequest } from '../../shared/paging.ts';
import { pairSelectionSchema } from '../../shared/pair-selection.ts';
import type { PairSelectionInput } from '../../shared/pair-selection.ts';
import type { NewSample, PairListRequest, PairRow, Provenance, Sampling } from '../../shared/pairs.ts';
import { parseInput } from '../../shared/parse.ts';
import { parseSynthesisConfig, synthesisConfigSchema } from '../../shared/synthesis-config.ts';
import type { Decoding, SynthesisConfig, SynthesisConfigInput } from '../../shared/synthesis-config.ts';
import type { DocumentOutcome, Execution, SynthesisCounts } from '../engine/protocol/jobs.ts';
import { writeFileAtomicStream } from '../files/atomic-write.ts';
import type { GenerationJobRow } from '../workspace/generation-jobs.ts';
import { asSingleTurns, toPreferenceRow } from '../workspace/trl.ts';
import type { PreferenceColumns } from '../workspace/trl.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { codeVersion } from './code-version.ts';
import type { ServiceContext } from './context.ts';
import { allDocumentIds } from './documents.ts';
import type { JobOptions } from './engine-client.ts';
import { withStatus } from './job-status.ts';
import { noteModel, usableModel } from './models.ts';
import { groupBySample, selectPairs, snapshotPair } from './pair-selection.ts';
import { snapshotOf } from '../../shared/runs.ts';
import { documentForEngine } from './stored-texts.ts';
import { baseBits } from '../../shared/run-config.ts';

const executionSchema = z.strictObject({
  device: z.enum(['cpu', 'cuda']),
  threads: z.int().min(0),
  baseBits: z.enum(baseBits).default('own'),
});

/** What a generation job is made of, as it stands in the store. */
const jobConfigSchema = z.strictObject({
  modelDir: z.string(),
  synthesis: synthesisConfigSchema,
  documentIds: z.array(idSchema),
  execution: executionSchema,
});
type JobConfig = z.output<typeof jobConfigSchema>;

export interface GenerationRequest {
  readonly modelDir: string;
  readonly settings?: SynthesisConfigInput;
  /** In this order; left out: all documents that are not archived. */
  readonly documentIds?: readonly number[];
  readonly name?: string;
  readonly execution?: Partial<Execution>;
}

export interface GenerateOptions extends JobOptions {
  /** Called once the generation is in the store, before it begins. */
  readonly onJob?: ((id: number) => void) | undefined;
}

/** What a generation has made, and why the rest was left out (`counts.dropped`, by reason). */
export interface GenerationReport {
  readonly job: GenerationJobRow;
  readonly counts: SynthesisCounts;
}

const noCounts: SynthesisCounts = { documents: 0, chunks: 0, questions: 0, pairs: 0, identical: 0, dropped: {} };

/**
 * Makes preference pairs from documents with the model itself. Every finished document is stored at once; a job that
 * was stopped or killed goes on with `resumeGeneration` and gives the same pairs.
 * Errors: `invalid_input` for settings or where there are no documents (the workspace is as it was then), those of the
 * model, `cancelled` (the job is paused).
 */
export async function generatePairs(
  context: ServiceContext,
  request: GenerationRequest,
  options: GenerateOptions = {},
): Promise<GenerationReport> {
  const { workspace } = context;
  const synthesis = parseSynthesisConfig(request.settings ?? {});
  const documentIds = [...(request.documentIds ?? allDocumentIds(context))];
  if (documentIds.length === 0) {
    throw new UserError('invalid_input', 'There are no documents to make pairs from.', {
      hint: 'Import documents first.',
    });
  }
  const missing = documentIds.find((id) => workspace.documents.get(id) === undefined);
  if (missing !== undefined) throw new UserError('not_found', `There is no document ${missing} in this workspace.`);

  const model = await usableModel(context.engine, request.modelDir, options);
  const config: JobConfig = {
    modelDir: resolve(request.modelDir),
    synthesis,
    documentIds,
    execution: { device: 'cpu', threads: 0, baseBits: 'own', ...request.execution },
  };
  const id = workspace.transaction(() => {
    noteModel(workspace, model);
    return workspace.generationJobs.add({
      name: request.name ?? `${basename(model.path)}, ${documentIds.length} documents`,
      modelFingerprint: model.fingerprint,
      codeVersion: codeVersion(),
      seed: synthesis.seed,
      config,
    });
  });
  options.onJob?.(id);
  return generate(context, id, options);
}

/**
 * Goes on with a generation that was stopped, failed or killed.
 * Errors: `not_found`, `conflict` for a finished or cancelled one or where the model has changed.
 */
export async function resumeGeneration(
  context: ServiceContext,
  jobId: number,
  options: JobOptions = {},
): Promise<GenerationReport> {
  const job = jobOf(context.workspace, jobId);
  const { modelDir } = jobConfigSchema.parse(job.config);
  await usableModel(context.engine, modelDir, { ...options, expected: job.modelFingerprint });
  return generate(context, jobId, options);
}

/** Ends a stopped generation for good; its pairs stay. Errors: `not_found`, `conflict`. */
export function cancelGeneration({ workspace }: Pick<ServiceContext, 'workspace'>, jobId: number): void {
  workspace.generationJobs.setStatus(jobId, 'cancelled');
}

/** What a generation has made so far, from the store. Errors: `not_found`. */
export function generationReport({ workspace }: Pick<ServiceContext, 'workspace'>, jobId: number): GenerationReport {
  return { job: jobOf(workspace, jobId), counts: storedProgress(workspace, jobId).counts };
}

/** Generations in the order they were made. */
export function listGenerations(
  { workspace }: Pick<ServiceContext, 'workspace'>,
  request: PageRequest = {},
): Page<GenerationJobRow> {
  return workspace.generationJobs.list(request);
}

/** Pairs with their texts as edited, one page. */
export function listPairs(
  { workspace }: Pick<ServiceContext, 'workspace'>,
  request: PairListRequest = {},
): Page<PairRow> {
  return workspace.pairs.list(request);
}

export interface ExportPairsRequest extends PreferenceColumns {
  readonly path: string;
  readonly selection?: PairSelectionInput;
  /** One row a pair instead of one row a sample with all its turns. */
  readonly singleTurns?: boolean;
  /** The archived pairs instead of those in use; `provenance` says so of each. */
  readonly archived?: boolean;
}

/**
 * Writes pairs as JSON Lines in TRL's conversational preference format (see `toPreferenceRow`).
 * Errors: `invalid_input` where the selection is empty, those of writing; nothing is left behind then.
 */
export async function exportPairs(
  { workspace }: Pick<ServiceContext, 'workspace'>,
  request: ExportPairsRequest,
  options: JobOptions = {},
): Promise<{ readonly path: string; readonly rows: number; readonly pairs: number }> {
  const path = resolve(request.path);
  const selection = parseInput(pairSelectionSchema, request.selection ?? {}, 'Selection of pairs');
  const groups = groupBySample(selectPairs(workspace, selection, request.archived));
  if (groups.length === 0) throw noPairs();
  let rows = 0;
  let pairs = 0;
  await writeFileAtomicStream(path, async (write) => {
    for (const [index, group] of groups.entries()) {
      if (options.signal?.aborted === true) throw new UserError('cancelled', 'The export was stopped.');
      const sample = workspace.samples.ofPairs(group.map(snapshotPair));
      for (const part of request.singleTurns === true ? asSingleTurns(sample) : [sample]) {
        await write(`${JSON.stringify(toPreferenceRow(part, request))}\n`);
        rows += 1;
        pairs += snapshotOf(part.turns).length;
      }
      options.onProgress?.({
        phase: 'export',
        done: index + 1,
        total: groups.length,
        unit: 'samples',
        etaSeconds: null,
      });
    }
  });
  return { path, rows, pairs };
}

/** The error of a selection without pairs. */
export function noPairs(): UserError {
  return new UserError('invalid_input', 'There are no pairs that fit the selection.', {
    hint: 'Generate pairs first, or choose more of them (review, withoutFlags, jobId).',
  });
}

async function generate(context: ServiceContext, jobId: number, options: JobOptions): Promise<GenerationReport> {
  const { workspace, engine } = context;
  const job = jobOf(workspace, jobId);
  const { modelDir, synthesis, documentIds, execution } = jobConfigSchema.parse(job.config);
  const { finished, counts } = storedProgress(workspace, jobId);
  // The chunks of a document follow from these alone: another job that cuts the same way shares them.
  const chunkingId = (): number =>
    workspace.chunks.chunking({ ...synthesis.chunking, model: job.modelFingerprint, seed: synthesis.seed });
  const documents = documentIds.map((id) => ({ id, markdown: isMarkdown(workspace, id) }));
  const provenance = provenanceOf(job.modelFingerprint, synthesis);
  const result = await withStatus(workspace.generationJobs, jobId, () =>
    engine.run(
      'generate',
      { modelDir, config: synthesis, documents, finished, counts, ...execution },
      {
        readDocument: ({ id }) => documentForEngine(workspace, id),
        document: ({ result }) =>
          workspace.transaction(() => {
            storeDocument(workspace, jobId, chunkingId(), provenance, synthesis, result);
          }),
      },
      options,
    ),
  );
  return { job: jobOf(workspace, jobId), counts: result };
}

function isMarkdown(workspace: Workspace, documentId: number): boolean {
  const importer = workspace.documents.get(documentId)?.importer;
  return importer !== undefined && importKinds[importer].markdown;
}

/** A document's chunks, its sample with all pairs, and the note that it is done. */
function storeDocument(
  workspace: Workspace,
  jobId: number,
  chunkingId: number,
  provenance: Provenance,
  synthesis: SynthesisConfig,
  { documentId, chunks, pairs, dropped, counts }: DocumentOutcome,
): void {
  const known = new Map(
    workspace.chunks.ofDocument(documentId, chunkingId, { limit: 5000 }).rows.map((chunk) => [chunk.index, chunk.id]),
  );
  const fresh = chunks.filter((chunk) => !known.has(chunk.index));
  const ids = workspace.chunks.add(documentId, chunkingId, fresh);
  for (const [i, chunk] of fresh.entries()) known.set(chunk.index, ids[i] ?? 0);
  const chunkId = (index: number): number => {
    const id = known.get(index);
    if (id === undefined) throw new Error(`document ${documentId} has no chunk ${index}`);
    return id;
  };
  if (pairs.length > 0) {
    const sample: NewSample = {
      documentId,
      jobId,
      context:
        synthesis.longContext === 'document' ? 'document' : { chunkIds: chunks.map(({ index }) => chunkId(index)) },
      provenance,
      turns: pairs.map(({ chunk, ...pair }) => ({
        ...pair,
        flags: [...pair.flags],
        chunkId: chunkId(chunk),
        seed: synthesis.seed,
      })),
    };
    workspace.pairs.addSamples([sample]);
  }
  workspace.events.add(documentDone, `generation/${jobId}`, { documentId, counts, dropped });
}

const documentDone = 'generation_document';

/** Documents that a job has finished, and the sum of their counts. */
function storedProgress(workspace: Workspace, jobId: number): { finished: number[]; counts: SynthesisCounts } {
  const finished: number[] = [];
  let counts = noCounts;
  const wanted = { subject: `generation/${jobId}`, limit: 1000 };
  for (const { kind, detail } of everyRow((cursor) => workspace.events.list({ ...wanted, cursor }))) {
    if (kind !== documentDone) continue;
    const done = detail as Pick<DocumentOutcome, 'documentId' | 'counts'>; // written by storeDocument
    finished.push(done.documentId);
    counts = sum(counts, done.counts);
  }
  return { finished, counts };
}

function sum(a: SynthesisCounts, b: SynthesisCounts): SynthesisCounts {
  const dropped: Record<string, number> = { ...a.dropped };
  for (const [reason, count] of Object.entries(b.dropped)) dropped[reason] = (dropped[reason] ?? 0) + count;
  return {
    documents: a.documents + b.documents,
    chunks: a.chunks + b.chunks,
    questions: a.questions + b.questions,
    pairs: a.pairs + b.pairs,
    identical: a.identical + b.identical,
    dropped,
  };
}

function provenanceOf(modelFingerprint: string, config: SynthesisConfig): Provenance {
  const { template, question, answer } = config;
  const sampling = ({ temperature, topP, topK, maxNewTokens }: Decoding): Sampling => ({
    temperature,
    topP,
    topK,
    maxNewTokens,
  });
  return {
    modelFingerprint,
    template: { name: template.name, sha256: createHash('sha256').update(JSON.stringify(template)).digest('hex') },
    sampling: { question: sampling(question), chosen: sampling(answer), rejected: sampling(answer) },
    prompt: template.prompt,
    separator: template.separator,
    longRopeTheta: config.ropeTheta,
  };
}

function jobOf(workspace: Workspace, jobId: number): GenerationJobRow {
  const job = workspace.generationJobs.get(jobId);
  if (job === undefined) throw new UserError('not_found', `There is no generation ${jobId} in this workspace.`);
  return job;
}
