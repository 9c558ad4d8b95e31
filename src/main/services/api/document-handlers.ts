import { existsSync } from 'node:fs';
import { everyRow } from '../../../shared/paging.ts';
import type { DocumentLengths, TextHit } from '../../../shared/api/documents.ts';
import type { FileReport } from '../../../shared/documents.ts';
import { UserError } from '../../../shared/errors.ts';
import { pieceStarts } from '../../../shared/text-pieces.ts';
import { modelReportOf } from './model-report-of.ts';
import { countTokens, importDocuments } from '../documents.ts';
import { inspectModel, noteModel } from '../models.ts';
import type { ServiceContext } from '../context.ts';
import type { DomainMethods, Handlers } from './handlers.ts';
import type { Session } from './session.ts';

/** Most characters that one call gives of a document. */
const textLimit = 200_000;

function textOf({ workspace }: Pick<ServiceContext, 'workspace'>, id: number): string {
  const text = workspace.documents.text(id);
  if (text === undefined) throw new UserError('not_found', `There is no document ${id} in this workspace.`);
  return text;
}

/** Texts as `textOf`, the last one kept: a reader asks for one long text piece after piece, and texts never change. */
function lastText(): typeof textOf {
  let kept: { readonly folder: string; readonly id: number; readonly text: string } | undefined;
  return (context, id) => {
    const { folder } = context.workspace;
    if (kept?.id !== id || kept.folder !== folder) kept = { folder, id, text: textOf(context, id) };
    return kept.text;
  };
}

/** A file's line in the log of an import: what it gave, and what was left out and why. */
function fileLine({ path, imported, duplicates, problems }: FileReport): string {
  const what = [
    ...(imported > 0 ? [`${imported} imported`] : []),
    ...(duplicates > 0 ? [`${duplicates} known already`] : []),
    ...problems.slice(0, 5).map(({ line, reason }) => `${line === null ? '' : `line ${line} `}${reason}`),
    ...(problems.length > 5 ? [`${problems.length - 5} more problems`] : []),
  ];
  return `${path}: ${what.join('; ') || 'nothing'}`;
}

function lengths(
  { workspace }: Pick<ServiceContext, 'workspace'>,
  modelFingerprint: string | undefined,
): DocumentLengths {
  const characters: number[] = [];
  const tokens: number[] = [];
  const wanted = { limit: 5000, ...(modelFingerprint === undefined ? {} : { modelFingerprint }) };
  for (const row of everyRow((cursor) => workspace.documents.list({ ...wanted, cursor }))) {
    characters.push(row.characters);
    if (row.tokens !== null) tokens.push(row.tokens);
  }
  return { characters, tokens: modelFingerprint === undefined ? null : tokens };
}

/** Places where the query occurs, without regard to case, with the text around each. */
function search(text: string, query: string, limit: number): TextHit[] {
  const lower = text.toLowerCase();
  // Lower case can change the length of a text; then places would not fit, and the case has to match.
  const [hay, needle] = lower.length === text.length ? [lower, query.toLowerCase()] : [text, query];
  const hits: TextHit[] = [];
  for (let at = hay.indexOf(needle); at >= 0 && hits.length < limit; at = hay.indexOf(needle, at + needle.length)) {
    const end = at + needle.length;
    hits.push({ start: at, end, excerpt: text.slice(Math.max(0, at - 60), end + 60).replaceAll('\n', ' ') });
  }
  return hits;
}

export function documentHandlers(session: Session): Handlers<DomainMethods<'documents' | 'models'>> {
  const textFor = lastText();
  return {
    'models.list': () =>
      session.context.workspace.models.list().map((model) => ({
        fingerprint: model.fingerprint,
        name: model.name,
        path: model.path,
        missing: !existsSync(model.path),
        report: modelReportOf(model.info),
      })),
    'models.add': async ({ dir }) => {
      const { engine, workspace } = session.context;
      const report = await inspectModel(engine, await session.grants.check(dir));
      // One that cannot be used is described, but no page shall offer it.
      if (report.problems.length === 0) {
        noteModel(workspace, report);
        session.changed('models');
      }
      return report;
    },
    'documents.list': (request) => session.context.workspace.documents.list(request),
    'documents.get': ({ id }) => {
      const row = session.context.workspace.documents.get(id);
      if (row === undefined) throw new UserError('not_found', `There is no document ${id} in this workspace.`);
      return row;
    },
    'documents.lengths': ({ modelFingerprint }) => lengths(session.context, modelFingerprint),
    'documents.text': ({ id, start, end }) => {
      const text = textFor(session.context, id);
      const to = Math.min(end, start + textLimit, text.length);
      return { start, end: to, length: text.length, text: text.slice(start, to) };
    },
    'documents.pieces': ({ id }) => {
      const text = textFor(session.context, id);
      return { length: text.length, starts: pieceStarts(text) };
    },
    'documents.search': ({ id, query, limit }) => search(textFor(session.context, id), query, limit),
    'documents.chunks': ({ id }) => session.context.workspace.chunks.outline(id),
    'documents.import': async ({ paths, encoding, textField, tree }) => {
      const { context } = session;
      const files = await Promise.all(paths.map((path) => session.grants.check(path)));
      const job = session.jobs.start({
        kind: 'import',
        title: files.length === 1 ? `Import ${files[0]}` : `Import ${files.length} files and folders`,
        run: async (control) => {
          let done = 0;
          const report = await importDocuments(context, files, {
            encoding,
            textField,
            tree,
            signal: control.signal,
            onFile: (file, total) => {
              done += 1;
              control.onProgress?.({ phase: 'import', done, total, unit: 'files', etaSeconds: null });
              control.log(fileLine(file));
            },
          });
          session.changed('documents');
          return report;
        },
      });
      return { jobId: job.id };
    },
    'documents.countTokens': async ({ modelDir }) => {
      const { context } = session;
      const dir = await session.grants.check(modelDir);
      const job = session.jobs.start({
        kind: 'countTokens',
        title: 'Count tokens',
        run: async (control) => {
          const counts = await countTokens(context, dir, control);
          session.changed('documents');
          session.changed('models');
          return counts;
        },
      });
      return { jobId: job.id };
    },
    'documents.setArchived': ({ id, archived }) => {
      session.context.workspace.documents.setArchived([id], archived);
      session.changed('documents');
      return null;
    },
  };
}
