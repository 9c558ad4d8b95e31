import { basename } from 'node:path';
import type { ImportSummary } from '../../../shared/api/bundles.ts';
import type { ImportConflict } from '../../../shared/audit/bundle-requests.ts';
import { UserError } from '../../../shared/errors.ts';
import { importVerdicts } from '../import-verdicts.ts';
import { exportBundle, exportVerdicts, openedBundle } from '../review-bundle.ts';
import { inTurns } from '../in-turns.ts';
import { auditCounts } from '../reviews.ts';
import { workBeside } from '../work-client.ts';
import type { DomainMethods, Handlers } from './handlers.ts';
import type { Session } from './session.ts';

/** Imports whose conflicts are kept to be looked at. */
const keptReports = 4;

/** Review bundles. All of it runs beside the other jobs: none of it needs the engine, and a training takes hours. */
export function bundleHandlers(session: Session): Handlers<DomainMethods<'bundles'>> {
  const conflicts = new Map<number, readonly ImportConflict[]>();

  return {
    'bundles.fits': async ({ filter }) => {
      const counts = await inTurns(auditCounts(session.context, { filter }));
      return { pairs: counts[filter.queue] };
    },
    'bundles.export': async (request) => {
      const { context } = session;
      const path = await session.grants.check(request.path);
      const job = session.jobs.start({
        ...{ kind: 'exportBundle', title: `Export ${basename(path)}`, beside: true },
        run: (control) => exportBundle(context, { ...request, path }, control),
      });
      return { jobId: job.id };
    },
    'bundles.open': async (request) => {
      const path = await session.grants.check(request.path);
      const folder = await session.grants.check(request.folder);
      const job = session.jobs.start({
        ...{ kind: 'openBundle', title: `Open ${basename(path)}`, beside: true },
        run: (control) => workBeside('openBundle', { path, folder }, control),
      });
      return { jobId: job.id };
    },
    'bundles.current': () => openedBundle(session.context),
    'bundles.exportVerdicts': async (request) => {
      const { context } = session;
      const path = await session.grants.check(request.path);
      const job = session.jobs.start({
        ...{ kind: 'exportVerdicts', title: `Export ${basename(path)}`, beside: true },
        run: (control) => exportVerdicts(context, { path }, control),
      });
      return { jobId: job.id };
    },
    'bundles.importVerdicts': async (request) => {
      const { context } = session;
      const path = await session.grants.check(request.path);
      const job = session.jobs.start({
        ...{ kind: 'importVerdicts', beside: true },
        title: `${request.preview ? 'Check' : 'Import'} ${basename(path)}`,
        run: async (control): Promise<ImportSummary> => {
          const { conflicts: found, ...summary } = await importVerdicts(context, { ...request, path }, control);
          conflicts.set(job.id, found);
          for (const id of [...conflicts.keys()].slice(0, -keptReports)) conflicts.delete(id);
          if (summary.imported > 0 && !summary.preview) session.changed('reviews');
          return summary;
        },
      });
      return { jobId: job.id };
    },
    'bundles.conflicts': ({ jobId, cursor, limit }) => {
      const found = conflicts.get(jobId);
      if (found === undefined) {
        throw new UserError('not_found', `The conflicts of job ${jobId} are not kept any more.`, {
          hint: 'Look at the verdict file again.',
        });
      }
      const from = cursor === null ? 0 : Number(cursor);
      if (!Number.isSafeInteger(from) || from < 0) {
        throw new UserError('invalid_input', 'The cursor of the list is not one that Longhand made.', {
          place: { field: 'cursor' },
        });
      }
      const to = from + limit;
      return { rows: found.slice(from, to), next: to < found.length ? String(to) : null };
    },
  };
}
