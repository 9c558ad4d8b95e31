import { resolve } from 'node:path';
import type { VerdictRecord } from '../../shared/audit/bundle-format.ts';
import { importVerdictsSchema } from '../../shared/audit/bundle-requests.ts';
import type {
  ImportConflict,
  ImportConflictKind,
  ImportReport,
  ImportVerdicts,
} from '../../shared/audit/bundle-requests.ts';
import { UserError } from '../../shared/errors.ts';
import { parseInput } from '../../shared/parse.ts';
import { canonicalJson, sha256 } from '../workspace/content-hash.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { readVerdicts } from './bundle-file.ts';
import type { VerdictFile } from './bundle-file.ts';
import { inSlices } from './slices.ts';
import type { ServiceContext } from './context.ts';
import type { JobOptions } from './engine-client.ts';

/** How far two machines' clocks may differ without a word. */
const clockSlack = 5 * 60_000;

type Options = Omit<ReturnType<typeof importVerdictsSchema.parse>, 'path' | 'expected'>;

/** A review of the file as it is to be stored here. */
interface Incoming {
  readonly record: VerdictRecord;
  /** Its name everywhere: the hash of the audit and of all that it says. */
  readonly key: string;
  readonly reviewer: string;
}

/** All reviews of one reviewer on one pair: taken over together or not at all. */
interface Group {
  readonly pairId: number;
  readonly reviewer: string;
  readonly fresh: readonly Incoming[];
  conflict?: Pick<ImportConflict, 'kind' | 'resolution' | 'message'>;
}

/**
 * Takes over the reviews of a verdict file: those of one pair together or not at all. Importing the same file again, or a
 * later one of the same audit, adds only what is new; so does going on after a crash. With `preview` nothing is stored and
 * the report is the same.
 *
 * Reviews of one reviewer on one pair stay together. They are left out where the pair is not here, and (unless the
 * request says `import`) where its texts were edited here since, or where the reviewer has a verdict from elsewhere;
 * those of a wrong clock are taken over unless the request says `skip`.
 * Errors: those of the file (see `readSealed`), `conflict` where it is not the file of the preview, before anything is stored;
 * `cancelled`, which says how far it came.
 */
export async function importVerdicts(
  { workspace }: Pick<ServiceContext, 'workspace'>,
  input: ImportVerdicts,
  { signal, onProgress }: JobOptions = {},
): Promise<ImportReport> {
  const { path: given, expected, ...options } = parseInput(importVerdictsSchema, input, 'Import of verdicts');
  const path = resolve(given);
  const file = await readVerdicts(path, (done) => {
    if (signal?.aborted === true) throw new UserError('cancelled', 'Reading the verdicts was stopped.');
    onProgress?.({ phase: 'read', done, total: done, unit: 'reviews', etaSeconds: null });
  });
  if (expected !== undefined && expected !== file.seal) {
    throw new UserError('conflict', `${path} was replaced since the preview; nothing was imported.`, {
      hint: 'Look at the preview of the new file first.',
      place: { file: path },
    });
  }
  return takeOver(workspace, file, options, (done, total) => {
    if (signal?.aborted === true && done < total) {
      throw new UserError('cancelled', `The import was stopped after ${done} of ${total} pairs.`, {
        hint: 'Import the file again to go on: what is here already is not taken over twice.',
      });
    }
    onProgress?.({ phase: options.preview ? 'check' : 'import', done, total, unit: 'pairs', etaSeconds: null });
  });
}

async function takeOver(
  workspace: Workspace,
  { header, seal, reviews }: VerdictFile,
  options: Options,
  onPairs: (done: number, total: number) => void,
): Promise<ImportReport> {
  const { auditId, bundleId } = header;
  const nameOf = (inFile: string): string =>
    // A reviewer may be called "constructor".
    (Object.hasOwn(options.rename, inFile) ? options.rename[inFile] : undefined) ?? inFile;
  const byPair = new Map<number, Incoming[]>();
  const keys = new Set<string>();
  await inSlices(reviews, (record) => {
    const key = sha256(canonicalJson([auditId, record]));
    keys.add(key);
    const ofPair = byPair.get(record.pairId) ?? [];
    ofPair.push({ record, key, reviewer: nameOf(record.reviewer) });
    byPair.set(record.pairId, ofPair);
  });
  const before = new Map(workspace.opinions.reviewers().map(({ reviewer, pairs }) => [reviewer, pairs]));
  const total = { imported: 0, known: 0, skipped: 0 };
  const conflicts: ImportConflict[] = [];
  const takePair = (incoming: readonly Incoming[]): void => {
    const groups = groupsOf(workspace, incoming);
    for (const group of groups) judge(workspace, group, keys, header.bundleCreatedAt, options);
    leaveOutWhatDependsOnEdits(groups);
    const left = new Set(
      groups.filter((group) => group.conflict?.resolution === 'skipped').flatMap((group) => group.fresh),
    );
    const stored = new Map<number, number>(); // the file's numbers -> the reviews here
    for (const review of incoming) {
      const { record, key, reviewer } = review;
      const present = workspace.bundles.imported(key);
      if (present !== undefined) {
        total.known += 1;
        stored.set(record.act, present);
      } else if (left.has(review)) {
        total.skipped += 1;
      } else {
        total.imported += 1;
        if (options.preview) continue;
        const id = store(workspace, record, reviewer, stored);
        stored.set(record.act, id);
        workspace.bundles.noteImported(key, auditId, id);
      }
    }
    for (const { pairId, reviewer, fresh, conflict } of groups) {
      if (conflict !== undefined) conflicts.push({ ...conflict, pairId, reviewer, reviews: fresh.length });
    }
  };
  try {
    await inSlices([...byPair.values()], takePair, {
      together: (slice) => workspace.transaction(slice),
      before: (done) => onPairs(done, byPair.size),
    });
  } finally {
    if (total.imported > 0 && !options.preview) {
      workspace.events.add('verdicts_imported', `bundle/${bundleId}`, { auditId, ...total });
    }
  }
  return {
    ...{ seal, bundleId, auditId, reviews: reviews.length, ...total },
    reviewers: [...countBy(reviews.map(({ reviewer }) => reviewer))].sort().map(([inFile, count]) => ({
      ...{ inFile, name: nameOf(inFile), reviews: count, pairsHere: before.get(nameOf(inFile)) ?? 0 },
    })),
    ...{ counts: countsOf(conflicts), conflicts, preview: options.preview },
  };
}

function countBy(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function countsOf(conflicts: readonly ImportConflict[]): ImportReport['counts'] {
  const of = (kind: ImportConflictKind, resolution: ImportConflict['resolution']): number =>
    conflicts.filter((conflict) => conflict.kind === kind && conflict.resolution === resolution).length;
  const both = (kind: ImportConflictKind) => ({ imported: of(kind, 'imported'), skipped: of(kind, 'skipped') });
  return {
    ...{ pair_unknown: both('pair_unknown'), pair_changed: both('pair_changed') },
    ...{ same_reviewer: both('same_reviewer'), clock: both('clock') },
  };
}

/** Reviews that are not here yet, by pair and reviewer, in the order of the file. */
function groupsOf(workspace: Workspace, incoming: readonly Incoming[]): Group[] {
  const groups = new Map<string, Group & { fresh: Incoming[] }>();
  for (const review of incoming) {
    if (workspace.bundles.imported(review.key) !== undefined) continue;
    const { pairId } = review.record;
    const key = JSON.stringify([pairId, review.reviewer]);
    const group = groups.get(key) ?? { pairId, reviewer: review.reviewer, fresh: [] };
    group.fresh.push(review);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function judge(
  workspace: Workspace,
  group: Group,
  keys: ReadonlySet<string>,
  bundleCreatedAt: number,
  options: Options,
): void {
  const { pairId, reviewer, fresh } = group;
  const reviewed = fresh[0]?.record.sha256 ?? '';
  const fromHere = (reviewId: number): boolean => !keys.has(workspace.bundles.importedAs(reviewId) ?? '');
  const set = (kind: ImportConflictKind, how: 'skip' | 'import', message: string): void => {
    group.conflict = { kind, resolution: how === 'skip' ? 'skipped' : 'imported', message };
  };

  if (!workspace.bundles.hashesOf(pairId).has(reviewed)) {
    set('pair_unknown', 'skip', `Pair ${pairId} of the bundle is not in this workspace.`);
    return;
  }
  const pair = workspace.pairs.detail(pairId);
  // An edit that came from this very audit is no change since.
  if (pair.sha256 !== reviewed && (pair.revision === 0 || fromHere(pair.revision))) {
    set('pair_changed', options.changedPairs, `Pair ${pairId} was edited here since the bundle was made.`);
    return;
  }
  const own = workspace.opinions.ofPair(pairId).find((opinion) => opinion.reviewer === reviewer);
  if (own !== undefined && fromHere(own.reviewId)) {
    const message = `${reviewer} has a verdict on pair ${pairId} here that is not from this audit.`;
    set('same_reviewer', options.sameReviewer, message);
    return;
  }
  const early = fresh.some(({ record }) => record.createdAt < bundleCreatedAt - clockSlack);
  const late = fresh.some(({ record }) => record.createdAt > workspace.now() + clockSlack);
  if (!early && !late) return;
  const when = early ? 'before the bundle was made' : 'in the future';
  set('clock', options.clock, `By its time ${reviewer} reviewed pair ${pairId} ${when}: the clock there was wrong.`);
}

/** Where a reviewer's edit of a pair is left out, the others of the same audit judged texts that are not here. */
function leaveOutWhatDependsOnEdits(groups: readonly Group[]): void {
  const missing = new Set(
    groups
      .filter(
        ({ conflict, fresh }) => conflict?.resolution === 'skipped' && fresh.some(({ record }) => record.edit !== null),
      )
      .map((group) => group.pairId),
  );
  for (const group of groups) {
    if (!missing.has(group.pairId) || group.conflict?.resolution === 'skipped') continue;
    const message = `Another reviewer's edit of pair ${group.pairId} was left out, and this one may have judged it.`;
    group.conflict = { kind: 'pair_changed', resolution: 'skipped', message };
  }
}

function store(
  workspace: Workspace,
  { pairId, verdict, edit, comment, undoes, blind, milliseconds, createdAt, draw }: VerdictRecord,
  reviewer: string,
  stored: ReadonlyMap<number, number>,
): number {
  const target = undoes === null ? null : stored.get(undoes);
  if (target === undefined) throw new Error('an undo came without the review that it takes back');
  const { id } = workspace.reviews.append(
    { pairId, reviewer, verdict, edit, comment, undoes: target, blind, milliseconds },
    { draw, createdAt },
  );
  return id;
}
