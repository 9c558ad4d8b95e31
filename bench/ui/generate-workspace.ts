import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { EngineClient } from '../../src/main/services/engine-client.ts';
import { noteModel, usableModel } from '../../src/main/services/models.ts';
import { databaseName, openWorkspace } from '../../src/main/workspace/workspace.ts';
import type { Workspace } from '../../src/main/workspace/workspace.ts';
import { fillExtremes } from '../../src/main/workspace/migrations/0003-metric-extremes.ts';
import type { TrainingMetric } from '../../src/shared/metrics.ts';
import type { NewReview, Provenance } from '../../src/shared/pairs.ts';

/** Grows when a workspace made before would not be the same: it is made anew then. */
const version = 4;

export interface WorkspaceScale {
  readonly seed: number;
  readonly documents: number;
  /** Characters of the first document; the others have up to 40,000. */
  readonly longest: number;
  readonly pairs: number;
  readonly runs: number;
  readonly steps: number;
}

export const fullScale: WorkspaceScale = {
  seed: 1,
  documents: 2000,
  longest: 2_000_000,
  pairs: 20_000,
  runs: 50,
  steps: 20_000,
};

/** The metrics of every step, with the curve that each follows: SQL over `step`, `n` (noise in [-1, 1)) and `run`. */
const curves: readonly (readonly [TrainingMetric, string])[] = [
  ['loss', '0.35 + 2.2 * exp(-step / 4000.0) + 0.15 * n + run * 0.002'],
  ['nll', '1.8 + exp(-step / 6000.0) + 0.1 * n'],
  ['nll/document', '1.9 + exp(-step / 6000.0) + 0.1 * n'],
  ['nll/answers', '1.1 + exp(-step / 3000.0) + 0.2 * n'],
  ['preference_loss', '0.1 + 0.59 * exp(-step / 5000.0) + 0.05 * n'],
  ['rewards/chosen', '1.5 * (1 - exp(-step / 5000.0)) + 0.3 * n'],
  ['rewards/rejected', '-2.5 * (1 - exp(-step / 5000.0)) + 0.4 * n'],
  ['rewards/margins', '4.0 * (1 - exp(-step / 5000.0)) + 0.5 * n'],
  ['rewards/accuracies', 'min(1.0, max(0.0, 0.98 - 0.48 * exp(-step / 2500.0) + 0.1 * n))'],
  ['logps/chosen', '-180 + 15 * (1 - exp(-step / 5000.0)) + 8 * n'],
  ['logps/rejected', '-200 - 25 * (1 - exp(-step / 5000.0)) + 8 * n'],
  ['kl/short_to_long/chosen', '0.6 * exp(-step / 7000.0) + 0.05 * n'],
  // A spike now and then: what a chart must not lose by thinning out.
  ['grad_norm', '0.8 + 0.2 * n + iif(step % 4999 = 17, 25.0, 0.0)'],
  ['learning_rate', '1e-5 * min(1.0, step / 2000.0) * (1 - step / 25000.0)'],
  ['tokens_per_second', '5200 + 300 * n'],
];
export const metricsOfStep = curves.length;

/** The generated workspace under `cache`: the one that is there already, or a new one. Returns its folder. */
export async function generatedWorkspace(cache: string, scale: WorkspaceScale = fullScale): Promise<string> {
  const { seed, documents, longest, pairs, runs, steps } = scale;
  const folder = join(cache, `ui-workspace-v${version}-${[seed, documents, longest, pairs, runs, steps].join('-')}`);
  if (existsSync(join(folder, databaseName))) return folder;
  const unfinished = `${folder}.tmp`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  await fill(unfinished, scale);
  renameSync(unfinished, folder);
  return folder;
}

/** Fills an empty folder with a workspace of the given scale; the same scale gives the same content. */
async function fill(folder: string, scale: WorkspaceScale): Promise<void> {
  // Rows are dated one after the other from a fixed day: nothing depends on the clock.
  let clock = Date.UTC(2026, 0, 1);
  const workspace = openWorkspace(folder, { create: true, now: () => (clock += 1000) });
  try {
    const fingerprint = await addModel(workspace);
    const texts = new Texts(scale.seed);
    const documentIds = addDocuments(workspace, texts, scale, fingerprint);
    addPairs(workspace, texts, scale, documentIds, fingerprint);
    addReviews(workspace, scale);
    addRuns(workspace, scale, fingerprint);
  } finally {
    workspace.close();
  }
  addMetrics(join(folder, databaseName), scale);
}

async function addModel(workspace: Workspace): Promise<string> {
  const engine = new EngineClient();
  try {
    const model = join(import.meta.dirname, '..', '..', 'resources', 'demo', 'base-model');
    const report = await usableModel(engine, model);
    noteModel(workspace, report);
    return report.fingerprint;
  } finally {
    await engine.kill();
  }
}

const words =
  `the of harbour pier and letter keeper a to in lantern was that at north ledger by cargo with tide from ship crew
  measured on winter recorded captain between signal morning before after sail warehouse storm rope bell council`.split(
    /\s+/,
  );

/** Stretches of one long pseudo-random text: as good as new words, and fast. */
class Texts {
  readonly #source: string;
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
    const parts: string[] = [];
    for (let sentence = 0; sentence < 40_000; sentence++) {
      const length = 6 + this.below(14);
      const chosen = Array.from({ length }, () => words[this.below(words.length)] ?? '');
      parts.push(`${chosen.join(' ')}.${sentence % 7 === 6 ? '\n\n' : ' '}`);
    }
    this.#source = parts.join('');
  }

  /** A number from 0 to below `limit` (a linear congruential generator: Numerical Recipes). */
  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }

  stretch(length: number): string {
    const start = this.below(Math.max(1, this.#source.length - length));
    let text = this.#source.slice(start, start + length);
    while (text.length < length) text += this.#source.slice(0, length - text.length);
    return text;
  }
}

const chunkLength = 2000;

function addDocuments(
  workspace: Workspace,
  texts: Texts,
  scale: WorkspaceScale,
  fingerprint: string,
): readonly number[] {
  const sink = workspace.documents.startImport();
  const lengths: number[] = [];
  for (let i = 0; i < scale.documents; i++) {
    const length = i === 0 ? scale.longest : chunkLength + texts.below(38_000);
    lengths.push(length);
    const text = `Document ${i + 1}. ${texts.stretch(length)}`.slice(0, length);
    const title = `Document ${i + 1}`;
    sink.add({
      ...{ title, text, sourcePath: `archive/${title}.txt`, sourceLine: null },
      ...{ importer: i % 5 === 4 ? 'md' : 'txt', bytes: Buffer.byteLength(text), characters: text.length },
    });
  }
  const ids = sink.commit();
  workspace.documents.setTokens(
    fingerprint,
    ids.map((id, i) => ({ id, tokens: Math.round((lengths[i] ?? 0) / 4) })),
  );
  const chunking = workspace.chunks.chunking({ minTokens: 300, maxTokens: 500 });
  workspace.transaction(() => {
    for (const [i, id] of ids.entries()) {
      const length = lengths[i] ?? 0;
      const chunks = Array.from({ length: Math.ceil(length / chunkLength) }, (_, index) => {
        const [start, end] = [index * chunkLength, Math.min(length, (index + 1) * chunkLength)];
        return { index, start, end, tokens: Math.ceil((end - start) / 4) };
      });
      workspace.chunks.add(id, chunking, chunks);
    }
  });
  return ids;
}

function addPairs(
  workspace: Workspace,
  texts: Texts,
  scale: WorkspaceScale,
  documentIds: readonly number[],
  modelFingerprint: string,
): void {
  const decoding = { temperature: 0, topP: 1, topK: 0, maxNewTokens: 1024 };
  const provenance: Provenance = {
    ...{ modelFingerprint, separator: '\n\n', longRopeTheta: null },
    template: { name: 'bench', sha256: 'a'.repeat(64) },
    sampling: { question: { ...decoding, temperature: 0.7 }, chosen: decoding, rejected: decoding },
    prompt: '{chunk}\nAsk a question about the text above.',
  };
  const turns = Math.ceil(scale.pairs / documentIds.length);
  let made = 0;
  for (let from = 0; from < documentIds.length; from += 200) {
    workspace.transaction(() => {
      const samples = documentIds.slice(from, from + 200).map((documentId) => {
        const chunks = workspace.chunks.ofDocument(documentId, 1, { limit: turns }).rows;
        return {
          ...{ documentId, jobId: null, context: 'document' as const, provenance },
          turns: Array.from({ length: Math.min(turns, scale.pairs - made) }, (_, turn) => {
            made += 1;
            return {
              chunkId: chunks[turn % chunks.length]?.id ?? 0,
              question: `What does entry ${made} say? ${texts.stretch(60 + texts.below(100))}`,
              chosen: `Answer ${made} from the chunk: ${texts.stretch(200 + texts.below(1000))}`,
              rejected: `Answer ${made} from the document: ${texts.stretch(200 + texts.below(1000))}`,
              seed: scale.seed,
              flags: made % 9 === 0 ? ['repetition_rejected'] : [],
            };
          }),
        };
      });
      workspace.pairs.addSamples(samples.filter((sample) => sample.turns.length > 0));
    });
  }
}

/** A tenth of the pairs judged by one person, a part of these by a second one who sometimes finds otherwise. */
function addReviews(workspace: Workspace, { pairs }: WorkspaceScale): void {
  const found: NonNullable<NewReview['verdict']>[] = ['chosen_better', 'both_good', 'rejected_better', 'both_bad'];
  workspace.transaction(() => {
    for (let pairId = 10; pairId <= pairs; pairId += 10) {
      const base = { pairId, blind: true, milliseconds: 5000 + (pairId % 7000) };
      const verdict = found[pairId % 7 < 4 ? 0 : pairId % 4] ?? 'chosen_better';
      workspace.reviews.append({ ...base, reviewer: 'ada', verdict });
      if (pairId % 40 === 0) {
        const other = pairId % 120 === 0 ? 'rejected_better' : verdict;
        workspace.reviews.append({ ...base, reviewer: 'ben', verdict: other });
      }
    }
  });
}

function addRuns(workspace: Workspace, scale: WorkspaceScale, modelFingerprint: string): void {
  const all = Array.from({ length: scale.pairs }, (_, i) => ({ pairId: i + 1, revision: 0 }));
  const held = Math.floor(scale.pairs / 20);
  for (let i = 0; i < scale.runs; i++) {
    const config = {
      objective: i % 5 === 4 ? ('dpo' as const) : ('longpo' as const),
      ...{ seed: i, maxSteps: scale.steps },
      learningRate: 1e-5 * (1 + (i % 4)),
    };
    const id = workspace.runs.add({
      ...{ name: `Run of the bench ${i + 1}`, config, modelFingerprint, codeVersion: '0.1.0' },
      pairs: all.slice(held),
      heldOut: all.slice(0, held),
    });
    workspace.runs.setStatus(id, 'running');
    // The last one is open, so that values can still come.
    workspace.runs.setStatus(id, i === scale.runs - 1 ? 'paused' : 'finished');
  }
}

/**
 * All metrics, made by SQLite itself: 15 million rows in well under a minute. The journal is off, for the file is thrown
 * away when this fails.
 */
function addMetrics(file: string, { seed, runs, steps }: WorkspaceScale): void {
  const database = new SqliteDatabase(file);
  try {
    database.pragma('journal_mode = OFF');
    database.pragma('synchronous = OFF');
    // As the table's key has them, so that rows are only ever added at the end.
    const ordered = [...curves].sort(([a], [b]) => (a < b ? -1 : 1));
    const value = ordered.map(([, curve], k) => `WHEN ${k} THEN ${curve}`).join(' ');
    const key = ordered.map(([name], k) => `WHEN ${k} THEN '${name}'`).join(' ');
    const addValues = database.prepare(`
      WITH RECURSIVE
        steps (step) AS (SELECT 0 UNION ALL SELECT step + 1 FROM steps WHERE step + 1 < @steps),
        keys (k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM keys WHERE k + 1 < ${ordered.length}),
        places (run, step, k, n) AS (
          SELECT @run, step, k,
            ((step * 2654435761 + k * 40503 + @run * 97 + @seed) % 2147483647 * 1103515245 % 2147483647 % 20011) / 10005.5 - 1
          FROM steps CROSS JOIN keys)
      INSERT INTO metrics (run_id, step, key, value, batch)
      SELECT run, step, CASE k ${key} END, CASE k ${value} END, step + 1 FROM places`);
    const addBatches = database.prepare(`
      WITH RECURSIVE steps (step) AS (SELECT 0 UNION ALL SELECT step + 1 FROM steps WHERE step + 1 < @steps)
      INSERT INTO metric_batches (run_id, batch, step) SELECT @run, step + 1, step FROM steps`);
    const addExtremes = fillExtremes('run_id = ?').map((sql) => database.prepare<[number]>(sql));
    const addRun = database.transaction((run: number) => {
      addValues.run({ run, steps, seed });
      addBatches.run({ run, steps });
    });
    for (let run = 1; run <= runs; run++) {
      addRun(run);
      for (const statement of addExtremes) statement.run(run);
    }
    database.pragma('journal_mode = WAL');
  } finally {
    database.close();
  }
}
