import { mkdir, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { csvCell } from '../../shared/csv.ts';
import { UserError } from '../../shared/errors.ts';
import { everyRow } from '../../shared/paging.ts';
import type {
  BackupRow,
  CheckReport,
  CompactReport,
  ExportAllReport,
  RestoreReport,
} from '../../shared/workspace-care.ts';
import { writeFileAtomic, writeFileAtomicStream } from '../files/atomic-write.ts';
import { makeFolder } from '../files/make-folder.ts';
import { listBackups } from '../workspace/backups.ts';
import { compactDatabase } from '../workspace/compact.ts';
import { restoreBackup } from '../workspace/restore.ts';
import { databaseName } from '../workspace/workspace.ts';
import { codeVersion } from './code-version.ts';
import type { ServiceContext } from './context.ts';
import type { JobOptions } from './engine-client.ts';
import { exportAdapter } from './exports.ts';
import { exportPairs } from './pairs.ts';
import { allRunMetrics } from './runs.ts';

/** Looks through the whole workspace (see `checkWorkspace`). Errors: `cancelled`. */
export async function checkAll(
  { workspace }: Pick<ServiceContext, 'workspace'>,
  { signal }: JobOptions = {},
): Promise<CheckReport> {
  const steps = workspace.check();
  for (;;) {
    const until = performance.now() + 10;
    do {
      const { done, value } = steps.next();
      if (done === true) return value;
    } while (performance.now() < until);
    await new Promise((next) => setImmediate(next));
    if (signal?.aborted === true) throw new UserError('cancelled', 'The check was stopped.');
  }
}

/** Writes the database of a closed workspace anew, without its gaps. Errors: as `compactDatabase`. */
export function compactWorkspace(folder: string, now: () => number = Date.now): CompactReport {
  return compactDatabase(resolve(folder), join(resolve(folder), databaseName), now());
}

/** Copies of a workspace's database, newest first; it need not be open, nor whole. */
export function workspaceBackups(folder: string): readonly BackupRow[] {
  return listBackups(resolve(folder));
}

/** Puts a copy in the place of a closed workspace's database. Errors: as `restoreBackup`. */
export function restoreWorkspace(folder: string, name?: string, now: () => number = Date.now): RestoreReport {
  return restoreBackup(resolve(folder), join(resolve(folder), databaseName), name, now());
}

/**
 * Writes everything in formats that others read, into an empty or new folder: documents, pairs (TRL; the archived ones in
 * a file of their own and marked), reviews, evaluations with every answer, runs, events and models as JSON Lines, metrics
 * as CSV, adapters as PEFT folders. What there is none of has no file: Hugging Face's `datasets` opens none without rows.
 * What cannot be written (an adapter whose model is gone) stands in the report, which is also `contents.json`.
 * Errors: `conflict` for a folder that holds something, `cancelled`, those of writing.
 */
export async function exportAll(
  context: ServiceContext,
  request: { readonly folder: string },
  options: JobOptions = {},
): Promise<ExportAllReport> {
  const { workspace } = context;
  const folder = resolve(request.folder);
  makeFolder(folder);
  if ((await readdir(folder)).length > 0) {
    throw new UserError('conflict', `${folder} holds other files, so nothing was exported there.`, {
      hint: 'Choose an empty or a new folder.',
      place: { file: folder, field: 'folder' },
    });
  }
  const files: { name: string; rows: number }[] = [];
  const leftOut: { what: string; why: string }[] = [];
  const goOn = (): void => {
    if (options.signal?.aborted === true) throw new UserError('cancelled', 'The export was stopped.');
  };
  const write = async (name: string, lines: Iterable<string>, head = 0): Promise<void> => {
    let rows = 0 - head;
    await writeFileAtomicStream(join(folder, name), async (put) => {
      for (const line of lines) {
        goOn();
        rows += 1;
        await put(`${line}\n`);
      }
    });
    files.push({ name, rows });
    options.onProgress?.({ phase: 'export', done: files.length, total: 0, unit: 'files', etaSeconds: null });
  };
  const json = async (name: string, rows: Iterable<unknown>): Promise<void> => {
    const lines = mapped(rows, (row) => JSON.stringify(row));
    const first = lines.next();
    if (first.done !== true) await write(name, startingWith(first.value, lines));
  };

  await json('models.jsonl', workspace.models.list());
  await json(
    'documents.jsonl',
    mapped(
      both((archived) => everyRow((cursor) => workspace.documents.list({ cursor, archived }))),
      (row) => ({ ...row, text: workspace.documents.text(row.id) }),
    ),
  );
  for (const archived of [false, true]) {
    if (workspace.pairs.list({ archived, limit: 1 }).rows.length === 0) continue;
    const name = archived ? 'pairs-archived.jsonl' : 'pairs.jsonl';
    const selection = { review: 'all' } as const;
    const { rows } = await exportPairs(
      context,
      { path: join(folder, name), selection, shortPrompts: true, provenance: true, archived },
      options,
    );
    files.push({ name, rows });
  }
  await json(
    'reviews.jsonl',
    everyRow((cursor) => workspace.reviews.list({ cursor })),
  );
  await json(
    'generations.jsonl',
    everyRow((cursor) => workspace.generationJobs.list({ cursor })),
  );
  const runs = [...both((archived) => everyRow((cursor) => workspace.runs.list({ cursor, archived })))];
  await json(
    'runs.jsonl',
    mapped(runs, (run) => ({ ...run, config: workspace.runs.config(run.id), ...workspace.runs.data(run.id) })),
  );
  for (const run of runs) {
    goOn();
    await mkdir(join(folder, 'runs', String(run.id)), { recursive: true });
    await write(`runs/${run.id}/metrics.csv`, csvOf(allRunMetrics(context, run.id)), 1);
    if (workspace.runs.config(run.id).trainable.kind !== 'lora') {
      leftOut.push({ what: `adapter of run ${run.id}`, why: 'it trained all weights: export its merged model' });
      continue;
    }
    try {
      await exportAdapter(context, { runId: run.id, dir: join(folder, 'runs', String(run.id), 'adapter') }, options);
      files.push({ name: `runs/${run.id}/adapter`, rows: 1 });
    } catch (error) {
      if (!(error instanceof UserError) || ['cancelled', 'no_space'].includes(error.code)) throw error;
      leftOut.push({ what: `adapter of run ${run.id}`, why: error.message });
    }
  }
  const evaluations = [...everyRow((cursor) => workspace.evaluations.list({ cursor }))];
  await json('evaluations.jsonl', evaluations);
  await json('evaluation-items.jsonl', itemsOf(workspace, evaluations));
  await json(
    'events.jsonl',
    everyRow((cursor) => workspace.events.list({ cursor })),
  );
  const report: ExportAllReport = { folder, files, leftOut };
  await writeFileAtomic(
    join(folder, 'contents.json'),
    `${JSON.stringify({ writtenBy: codeVersion(), ...report }, null, 2)}\n`,
  );
  return report;
}

function* mapped<From, To>(rows: Iterable<From>, change: (row: From) => To): Generator<To> {
  for (const row of rows) yield change(row);
}

function* startingWith<Item>(first: Item, others: Iterable<Item>): Generator<Item> {
  yield first;
  yield* others;
}

/** Rows in use, then the archived ones. */
function* both<Row>(rows: (archived: boolean) => Iterable<Row>): Generator<Row> {
  yield* rows(false);
  yield* rows(true);
}

function* itemsOf(workspace: ServiceContext['workspace'], evaluations: readonly { readonly id: number }[]): Generator {
  for (const { id } of evaluations) {
    for (const item of everyRow((cursor) => workspace.evaluations.items(id, { cursor })))
      yield { evaluation: id, ...item };
  }
}

function* csvOf(rows: ReturnType<typeof allRunMetrics>): Generator<string> {
  yield 'step,metric,value';
  for (const { step, key, value } of rows) yield `${step},${csvCell(key)},${value}`;
}
