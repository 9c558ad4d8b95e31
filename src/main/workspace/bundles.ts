import { bundleHeaderSchema, bundlePairDetailSchema } from '../../shared/audit/bundle-format.ts';
import type { BundleHeader, BundlePairDetail } from '../../shared/audit/bundle-format.ts';
import type { RepositoryContext } from './events.ts';

/** The review bundle that a workspace was made from. */
export interface OpenedBundle {
  readonly header: BundleHeader;
  /** Names this audit wherever its reviews are imported. */
  readonly auditId: string;
  readonly openedAt: number;
}

/** A pair's origin in the workspace that wrote the bundle. */
export interface BundleOrigin {
  readonly originId: number;
  readonly originSha256: string;
  readonly detail: BundlePairDetail;
}

/** Review bundles: what an annotator's workspace came from, and which reviews were imported into this one. */
export function bundleRepository({ database, now, events }: RepositoryContext) {
  const opened = database.prepare<[], { auditId: string; header: string; openedAt: number }>(
    'SELECT audit_id AS auditId, header, opened_at AS openedAt FROM opened_bundle',
  );
  const setOpened = database.prepare<[string, string, string, number]>(
    'INSERT INTO opened_bundle (only_row, bundle_id, audit_id, header, opened_at) VALUES (1, ?, ?, ?, ?)',
  );
  const addPair = database.prepare<[number, number, string, string]>(
    'INSERT INTO bundle_pairs (pair_id, origin_id, origin_sha256, detail) VALUES (?, ?, ?, ?)',
  );
  const pair = database.prepare<[number], { originId: number; originSha256: string; detail: string }>(`
    SELECT origin_id AS originId, origin_sha256 AS originSha256, detail FROM bundle_pairs WHERE pair_id = ?`);
  const imported = database.prepare<[string], { reviewId: number }>(
    'SELECT review_id AS reviewId FROM imported_reviews WHERE sha256 = ?',
  );
  const importedAs = database.prepare<[number], { sha256: string }>(
    'SELECT sha256 FROM imported_reviews WHERE review_id = ?',
  );
  const addImported = database.prepare<[string, string, number]>(
    'INSERT INTO imported_reviews (sha256, audit_id, review_id) VALUES (?, ?, ?)',
  );
  const hashes = database.prepare<[number, number], { sha256: string }>(`
    SELECT sha256 FROM pairs WHERE id = ? UNION SELECT sha256 FROM reviews WHERE pair_id = ? AND edit IS NOT NULL`);
  // A workspace is made from a bundle once and for all.
  let known: OpenedBundle | undefined;

  return {
    /** null: an ordinary workspace. */
    opened(): OpenedBundle | null {
      if (known !== undefined) return known;
      const found = opened.get();
      if (found === undefined) return null;
      known = { ...found, header: bundleHeaderSchema.parse(JSON.parse(found.header)) };
      return known;
    },

    /** Notes that the workspace was made from a bundle. */
    setOpened: database.transaction((header: BundleHeader, auditId: string): void => {
      setOpened.run(header.bundleId, auditId, JSON.stringify(header), now());
      events.add('bundle_opened', '', { bundleId: header.bundleId, pairs: header.pairs });
    }),

    addPair(pairId: number, { originId, originSha256, detail }: BundleOrigin): void {
      addPair.run(pairId, originId, originSha256, JSON.stringify(detail));
    },

    /** Where a pair of an annotator's workspace comes from. */
    pair(pairId: number): BundleOrigin | undefined {
      const found = pair.get(pairId);
      return found === undefined
        ? undefined
        : { ...found, detail: bundlePairDetailSchema.parse(JSON.parse(found.detail)) };
    },

    /** The review that an imported one became here. */
    imported(sha256: string): number | undefined {
      return imported.get(sha256)?.reviewId;
    },

    /** The hash under which a review was imported; undefined for one given here. */
    importedAs(reviewId: number): string | undefined {
      return importedAs.get(reviewId)?.sha256;
    },

    noteImported(sha256: string, auditId: string, reviewId: number): void {
      addImported.run(sha256, auditId, reviewId);
    },

    /** The hashes that a pair has or had, as generated and after each edit; empty where there is no such pair. */
    hashesOf(pairId: number): ReadonlySet<string> {
      return new Set(hashes.all(pairId, pairId).map((row) => row.sha256));
    },
  };
}
