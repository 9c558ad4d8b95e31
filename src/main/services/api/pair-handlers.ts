import { renderInstruction } from '../../../shared/instruction-templates.ts';
import type { InstructionTemplate } from '../../../shared/instruction-templates.ts';
import type { TemplatePreview } from '../../../shared/api/generations.ts';
import { UserError } from '../../../shared/errors.ts';
import {
  cancelGeneration,
  generatePairs,
  generationReport,
  listGenerations,
  listPairs,
  resumeGeneration,
} from '../pairs.ts';
import { isBlindBundle, refuseWhereBlind } from '../blind-bundle.ts';
import type { GenerationReport } from '../pairs.ts';
import type { ServiceContext } from '../context.ts';
import type { JobControl } from './api-jobs.ts';
import { generationView } from './generation-view.ts';
import { generationContinuation, watchedGeneration } from './resumable-jobs.ts';
import type { DomainMethods, Handlers } from './handlers.ts';
import type { Session } from './session.ts';

/** A stretch from the middle of a document, cut at paragraphs where it has any, as a stand-in for a chunk. */
function sampleChunk(text: string): string {
  const limit = 4000;
  if (text.length <= limit) return text;
  const start = text.indexOf('\n\n', Math.floor(text.length / 3));
  const from = start < 0 ? Math.floor(text.length / 3) : start + 2;
  return text.slice(from, from + limit);
}

function preview(
  { workspace }: ServiceContext,
  template: InstructionTemplate,
  documentId: number | undefined,
  chunkIndex: number | undefined,
): TemplatePreview {
  const id = documentId ?? workspace.documents.list({ limit: 1 }).rows[0]?.id;
  const row = id === undefined ? undefined : workspace.documents.get(id);
  const text = id === undefined ? undefined : workspace.documents.text(id);
  if (row === undefined || text === undefined) {
    throw new UserError('not_found', 'There is no document to preview the template on.', {
      hint: 'Import documents first.',
    });
  }
  // A document that was cut before has real chunks; the middle one is as good as any.
  const outline = workspace.chunks.outline(row.id);
  const cut = outline.filter(({ chunkingId }) => chunkingId === outline[0]?.chunkingId);
  const at = chunkIndex === undefined ? Math.floor(cut.length / 2) : chunkIndex;
  const place = cut[at];
  if (place === undefined && chunkIndex !== undefined) {
    throw new UserError('not_found', `"${row.title}" has ${cut.length} chunks.`, { place: { field: 'chunkIndex' } });
  }
  const chunk = place === undefined ? sampleChunk(text) : text.slice(place.start, place.end);
  return {
    documentTitle: row.title,
    chunkIndex: place === undefined ? null : at,
    chunks: cut.length,
    chunk,
    prompt: renderInstruction(template, chunk),
  };
}

export function pairHandlers(session: Session): Handlers<DomainMethods<'generations' | 'pairs'>> {
  const startJob = (
    title: string,
    work: (control: JobControl) => Promise<GenerationReport>,
    known: number | null,
  ): number =>
    session.jobs.start({
      ...generationContinuation(session),
      title,
      refs: { generationId: known },
      run: async (control) => generationView(await work(watchedGeneration(session, control))),
    }).id;

  return {
    'generations.list': (request) => {
      const page = listGenerations(session.context, request);
      return {
        rows: page.rows.map((job) => generationView(generationReport(session.context, job.id))),
        next: page.next,
      };
    },
    'generations.get': ({ id }) => generationView(generationReport(session.context, id)),
    'generations.latest': ({ id, limit }) =>
      (isBlindBundle(session.context.workspace) ? [] : session.context.workspace.pairs.latest(id, limit)).map(
        ({ id: pair, documentId, documentTitle, question, chosen, rejected, flags }) => ({
          ...{ id: pair, documentId, documentTitle, question, chosen, rejected, flags },
        }),
      ),
    'generations.settings': ({ settings }) => settings,
    'generations.preview': ({ template, documentId, chunkIndex }) =>
      preview(session.context, template, documentId, chunkIndex),
    'generations.start': async ({ modelDir, settings, documentIds, name, threads, device, baseBits }) => {
      const { context } = session;
      const dir = await session.grants.check(modelDir);
      const request = {
        modelDir: dir,
        settings,
        execution: { threads, device, baseBits },
        ...(documentIds === undefined ? {} : { documentIds }),
        ...(name === undefined ? {} : { name }),
      };
      return {
        jobId: startJob(
          name ?? 'Generate pairs',
          (control) =>
            generatePairs(context, request, {
              ...control,
              onJob: (id) => {
                control.note({ generationId: id });
              },
            }),
          null,
        ),
      };
    },
    'generations.resume': ({ id }) => {
      const { context } = session;
      return { jobId: startJob(`Generation ${id}`, (control) => resumeGeneration(context, id, control), id) };
    },
    'generations.cancel': ({ id }) => {
      cancelGeneration(session.context, id);
      session.changed('generations');
      return generationView(generationReport(session.context, id));
    },
    'pairs.list': (request) => {
      refuseWhereBlind(session.context.workspace);
      return listPairs(session.context, request);
    },
    'pairs.detail': ({ id }) => {
      const { workspace } = session.context;
      refuseWhereBlind(workspace);
      return workspace.pairs.detail(id);
    },
    'pairs.counts': () => session.context.workspace.pairs.queueCounts(),
  };
}
