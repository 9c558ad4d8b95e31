import { renderInstruction } from '../../../shared/instruction-templates.ts';
import type { Decoding } from '../../../shared/synthesis-config.ts';
import { fits, generateBatched, generateOverPrefix, throwIfCancelled } from '../generation/batched.ts';
import type { Continuation, DecodingOptions, Prompt } from '../generation/batched.ts';
import { chunkDocument } from './chunking.ts';
import type { Chunk } from './chunking.ts';
import { NO_COUNTS, addCounts } from './counts.ts';
import type { DropReason, SynthesisCounts } from './counts.ts';
import { filterPair } from './filters.ts';
import type {
  DocumentResult,
  DroppedItem,
  GeneratedPair,
  SynthesisDocument,
  SynthesisJob,
  SynthesisProgress,
  SynthesisSink,
} from './job.ts';
import { readQuestion } from './questions.ts';

/** Between the chunks of a long context made of chunks (released code). */
export const CHUNK_JOINER = '\n\n\n';

/**
 * Makes preference pairs from documents as LongPO does (arXiv 2502.13922, section 3): for each chunk the model writes a
 * question, answers it from the chunk (chosen) and from the long context (rejected).
 *
 * Prompts are batched within fixed groups of `documentsPerGroup` neighbours in the list, and random numbers belong to a
 * sequence, so the results depend on documents, model and configuration alone: a job that was killed and resumed gives the
 * same pairs (an unfinished group's questions and chosen answers are made again).
 * @throws UserError `cancelled` when the signal fires; documents delivered until then are complete
 */
export async function synthesize(job: SynthesisJob, sink: SynthesisSink): Promise<SynthesisCounts> {
  const { documents, config } = job;
  const now = job.now ?? (() => performance.now());
  const finished = new Set(job.resume?.finished);
  const total = new Set(documents.map((document) => document.id)).size;
  if (total !== documents.length) throw new Error('Two documents have the same id.');
  const before = documents.filter((document) => finished.has(document.id)).length;
  const started = now();
  let done = before;
  let counts = job.resume?.counts ?? NO_COUNTS;

  const report = (stage: SynthesisProgress['stage']): void => {
    const made = done - before;
    const etaSeconds = made === 0 ? null : ((now() - started) / 1000 / made) * (total - done);
    sink.progress?.({ stage, done, total, counts, etaSeconds });
  };

  for (let start = 0; start < documents.length; start += config.documentsPerGroup) {
    const group = documents.slice(start, start + config.documentsPerGroup);
    if (group.every((document) => finished.has(document.id))) continue;
    const drafts: DocumentDraft[] = [];
    for (const document of group) {
      throwIfCancelled(job.signal);
      drafts.push(await prepare(document, job));
    }
    await askQuestions(drafts, job, () => report('questions'));
    await answerFromChunks(drafts, job, () => report('chosen'));
    for (const draft of drafts) {
      if (finished.has(draft.documentId)) continue;
      const result = await finish(draft, job, () => report('rejected'));
      await sink.document(result);
      done += 1;
      counts = addCounts(counts, result.counts);
      report('rejected');
    }
  }
  return counts;
}

/** A document on its way through the passes. */
interface DocumentDraft {
  readonly documentId: string;
  readonly context: string;
  readonly chunks: readonly Chunk[];
  /** One for each chunk that is still in. */
  turns: TurnDraft[];
  readonly dropped: DroppedItem[];
}

interface TurnDraft {
  readonly key: string;
  readonly chunk: Chunk;
  readonly text: string;
  readonly instruction: string;
  readonly instructionIds: Int32Array;
  question: string;
  candidates: readonly string[];
  shortPrompt: Int32Array;
  chosen: Continuation | null;
}

async function prepare(document: SynthesisDocument, job: SynthesisJob): Promise<DocumentDraft> {
  const { config, generator } = job;
  const { codec, state } = generator;
  const text = await document.read();
  const dropped: DroppedItem[] = [];
  const nothing = (reason: DropReason): DocumentDraft => ({
    documentId: document.id,
    context: '',
    chunks: [],
    turns: [],
    dropped: [...dropped, drop([reason], null)],
  });
  if (text.trim() === '') return nothing('empty_document');
  const cut = chunkDocument(
    {
      text,
      markdown: document.markdown,
      countTokens: (part) => codec.count(part),
      seed: config.seed,
      documentId: document.id,
    },
    config.chunking,
  );
  for (const { reason, ...chunk } of cut.dropped) dropped.push(drop([reason], chunk));
  const textOf = (chunk: Chunk): string => text.slice(chunk.start, chunk.end);
  const context = config.longContext === 'document' ? text.trim() : cut.chunks.map(textOf).join(CHUNK_JOINER);
  // The exact check needs the question; this one saves the passes over a document that cannot fit.
  if (!fitsLong(codec.count(context), job)) return nothing('document_too_long');

  const turns: TurnDraft[] = [];
  for (const chunk of cut.chunks) {
    const instruction = renderInstruction(config.template, textOf(chunk));
    const instructionIds = codec.encodePrompt(instruction);
    if (!fits(instructionIds.length, config.question.maxNewTokens, state)) {
      dropped.push(drop(['chunk_too_long'], chunk));
      continue;
    }
    turns.push({
      key: `${document.id}#${chunk.index}`,
      chunk,
      text: textOf(chunk),
      instruction,
      instructionIds,
      question: '',
      candidates: [],
      shortPrompt: new Int32Array(0),
      chosen: null,
    });
  }
  return { documentId: document.id, context, chunks: cut.chunks, turns, dropped };
}

async function askQuestions(drafts: readonly DocumentDraft[], job: SynthesisJob, onBatch: () => void): Promise<void> {
  const { config, generator } = job;
  const all = drafts.flatMap((draft) => draft.turns);
  const prompts = all.map((turn) => ({ key: `${turn.key}:question`, ids: turn.instructionIds }));
  const outputs = await generateBatched(generator, prompts, optionsOf(job, config.question, onBatch));
  const byTurn = new Map(all.map((turn, i) => [turn, outputs[i]]));
  for (const draft of drafts) {
    draft.turns = draft.turns.filter((turn) => {
      const output = byTurn.get(turn) as Continuation; // one for each turn
      const read = readQuestion(output.text, output.finish, config.template, { seed: config.seed, key: turn.key });
      if ('dropped' in read) {
        draft.dropped.push(drop([read.dropped], turn.chunk, { output: output.text }));
        return false;
      }
      turn.question = read.question;
      turn.candidates = read.candidates;
      turn.shortPrompt = generator.codec.encodePrompt(turn.text + config.template.separator + turn.question);
      if (fits(turn.shortPrompt.length, config.answer.maxNewTokens, generator.state)) return true;
      draft.dropped.push(drop(['chunk_too_long'], turn.chunk, { question: turn.question }));
      return false;
    });
  }
}

async function answerFromChunks(
  drafts: readonly DocumentDraft[],
  job: SynthesisJob,
  onBatch: () => void,
): Promise<void> {
  const all = drafts.flatMap((draft) => draft.turns);
  const prompts = all.map((turn) => ({ key: `${turn.key}:chosen`, ids: turn.shortPrompt }));
  const outputs = await generateBatched(job.generator, prompts, optionsOf(job, job.config.answer, onBatch));
  for (const [i, turn] of all.entries()) turn.chosen = outputs[i] ?? null;
}

/** Rejected answers of one document over its shared prefix, filters, result. */
async function finish(draft: DocumentDraft, job: SynthesisJob, onBatch: () => void): Promise<DocumentResult> {
  const { config, generator } = job;
  const { codec } = generator;
  const dropped = [...draft.dropped];
  const questions = draft.turns.length;
  const turns: { turn: TurnDraft; prompt: Prompt }[] = [];
  for (const turn of draft.turns) {
    const ids = codec.encodePrompt(draft.context + config.template.separator + turn.question);
    if (fitsLong(ids.length, job)) turns.push({ turn, prompt: { key: `${turn.key}:rejected`, ids } });
    else dropped.push(drop(['document_too_long'], turn.chunk, { question: turn.question }));
  }
  const answers = await generateOverPrefix(
    { ...generator, state: job.longState },
    turns.map(({ prompt }) => prompt),
    optionsOf(job, config.answer, onBatch),
  );

  const pairs: GeneratedPair[] = [];
  for (const [i, { turn, prompt }] of turns.entries()) {
    const rejected = withoutEdges(answers[i]);
    const chosen = withoutEdges(turn.chosen);
    if (rejected === null || chosen === null) throw new Error(`No answers for ${turn.key}.`);
    const verdict = filterPair(
      {
        chunk: turn.text,
        question: turn.question,
        chosen: chosen.text,
        rejected: rejected.text,
        chosenFinish: chosen.finish,
        rejectedFinish: rejected.finish,
        questionTokens: codec.count(turn.question),
        chosenTokens: chosen.ids.length - (chosen.finish === 'stop' ? 1 : 0),
        shortTokens: turn.shortPrompt.length + Math.max(chosen.ids.length, rejected.ids.length),
      },
      config.filters,
      config.thresholds,
    );
    if (verdict.drop.length > 0) {
      const texts = { question: turn.question, chosen: chosen.text, rejected: rejected.text };
      dropped.push(drop(verdict.drop, turn.chunk, texts));
      continue;
    }
    pairs.push({
      documentId: draft.documentId,
      chunk: turn.chunk,
      question: turn.question,
      candidates: turn.candidates,
      chosen: chosen.text,
      rejected: rejected.text,
      flags: verdict.flags,
      identical: chosen.text === rejected.text,
      provenance: {
        key: turn.key,
        seed: config.seed,
        instruction: turn.instruction,
        template: config.template.id,
        separator: config.template.separator,
        longContext: config.longContext,
        ropeTheta: config.ropeTheta,
        decoding: { question: config.question, answer: config.answer },
        tokens: {
          shortPrompt: turn.shortPrompt.length,
          longPrompt: prompt.ids.length,
          chosen: chosen.ids.length,
          rejected: rejected.ids.length,
        },
      },
    });
  }

  const reasons: Partial<Record<DropReason, number>> = {};
  for (const { reason } of dropped) reasons[reason] = (reasons[reason] ?? 0) + 1;
  return {
    documentId: draft.documentId,
    chunks: draft.chunks,
    pairs,
    dropped,
    counts: {
      documents: 1,
      chunks: draft.chunks.length,
      questions,
      pairs: pairs.length,
      identical: pairs.filter((pair) => pair.identical).length,
      dropped: reasons,
    },
  };
}

/** White space at the ends of an answer is cut off, because many chat templates do so and would change the text. */
function withoutEdges(answer: Continuation | null | undefined): Continuation | null {
  return answer === null || answer === undefined ? null : { ...answer, text: answer.text.trim() };
}

function fitsLong(promptTokens: number, job: SynthesisJob): boolean {
  const { maxNewTokens } = job.config.answer;
  const bound = job.config.maxLongTokens ?? Infinity;
  return promptTokens + maxNewTokens <= bound && fits(promptTokens, maxNewTokens, job.longState);
}

function optionsOf(job: SynthesisJob, decoding: Decoding, onBatch: () => void): DecodingOptions {
  return { ...decoding, seed: job.config.seed, batch: job.config.batch, signal: job.signal, onBatch };
}

function drop(
  reasons: readonly DropReason[],
  chunk: Chunk | null,
  texts: Pick<DroppedItem, 'output' | 'question' | 'chosen' | 'rejected'> = {},
): DroppedItem {
  const reason = reasons[0];
  if (reason === undefined) throw new Error('Something was left out without a reason.');
  return { reason, reasons, chunk, ...texts };
}
