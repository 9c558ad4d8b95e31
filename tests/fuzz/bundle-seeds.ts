import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportBundle, exportVerdicts, openBundle } from '../../src/main/services/review-bundle.ts';
import { auditPair, recordReview } from '../../src/main/services/reviews.ts';
import { openWorkspace } from '../../src/main/workspace/workspace.ts';
import { addPairs } from '../main/workspace/sample-texts.ts';

/** A real review bundle and a real verdict file, as the values of their lines. */
export async function bundleSeeds(): Promise<{ readonly bundle: unknown[]; readonly verdicts: unknown[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'longhand-fuzz-seeds-'));
  try {
    const home = openWorkspace(join(folder, 'home'), { create: true, now: () => Date.UTC(2026, 0, 2) });
    addPairs({ workspace: home }, 3);
    const path = join(folder, 'set.bundle.jsonl');
    await exportBundle({ workspace: home }, { path, blind: false, limit: 4, seed: 3 });
    home.close();
    await openBundle({ path, folder: join(folder, 'away') });
    const away = openWorkspace(join(folder, 'away'));
    for (const pairId of [1, 2, 3]) {
      const seen = auditPair({ workspace: away }, { pairId, reviewer: 'ann', blind: null }).sha256;
      recordReview(
        { workspace: away },
        {
          pairId,
          seen,
          reviewer: 'ann',
          verdict: 'first_better',
          milliseconds: 2000,
          blind: null,
          queue: { reviewer: 'ann' },
        },
      );
    }
    const verdicts = join(folder, 'ann.verdicts.jsonl');
    await exportVerdicts({ workspace: away }, { path: verdicts });
    away.close();
    const lines = (file: string): unknown[] =>
      readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown);
    return { bundle: lines(path), verdicts: lines(verdicts) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
