import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openContext } from '../../src/main/services/context.ts';
import { importDocuments } from '../../src/main/services/documents.ts';
import type { ServiceContext } from '../../src/main/services/context.ts';
import { evaluate, evaluationItems, resumeEvaluations } from '../../src/main/services/evaluations.ts';
import { generatePairs, listGenerations, listPairs, resumeGeneration } from '../../src/main/services/pairs.ts';
import { allRunMetrics, checkpointOf, listRuns, resumeRun, train } from '../../src/main/services/runs.ts';
import { openWorkspace } from '../../src/main/workspace/workspace.ts';
import type { Workspace } from '../../src/main/workspace/workspace.ts';
import type { EvaluationTaskInput } from '../../src/shared/evaluation-tasks.ts';
import { metrics } from '../../src/shared/metrics.ts';
import { synthesisPresets } from '../../src/shared/synthesis-config.ts';
import { testSession } from '../main/services/api/test-session.ts';
import { tinyRun } from '../main/services/tiny-run.ts';
import { addPairs } from '../main/workspace/sample-texts.ts';

/** Work that is killed. Each kind can be begun, gone on with after any end, and looked at. */
export interface Work {
  /** Has an engine process that can be killed by itself. */
  readonly engine: boolean;
  /** What must be in the workspace first. */
  setUp(workspace: Workspace): Promise<void> | void;
  /** Does it to its end, from wherever it stands; `stored` is called with what has been stored durably. */
  run(folder: string, hooks: Hooks): Promise<void>;
  /** Everything that it has stored, in lines: finished parts are never changed, so a later list begins with this one. */
  lines(workspace: Workspace): readonly string[];
  /** Also what only stands at the end, such as weights. */
  result?(workspace: Workspace, folder: string): string;
}

interface Hooks {
  /** The engine's process id, once there is one. */
  readonly engine: (pid: number) => void;
  /** One thing that must be there whatever happens from now on. */
  readonly stored: (line: string) => void;
}

const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const demoModel = path('resources/demo/base-model');
const tinyModel = path('tests/fixtures/golden/models/llama');
const documents = Array.from({ length: 6 }, (_, i) => path(`resources/demo/documents/train/harbour-00${i + 1}.txt`));
const tasks: EvaluationTaskInput[] = [
  {
    ...{ kind: 'questions', name: 'long', path: path('resources/demo/documents/eval/long.jsonl'), rule: 'exact' },
    ...{ separator: '\n', maxNewTokens: 14, limit: 16 },
  },
  { kind: 'text', name: 'text', path: path('resources/demo/documents/eval/long.jsonl'), limit: 8 },
];
const execution = { threads: 1 };

/** Opens the folder, tells of the engine's process and closes at the end. */
async function withContext(
  folder: string,
  hooks: Hooks,
  action: (context: ServiceContext) => Promise<unknown>,
): Promise<void> {
  const context = openContext(folder);
  let known: number | undefined;
  const watch = setInterval(() => {
    const { pid } = context.engine;
    if (pid !== undefined && pid !== known) hooks.engine((known = pid));
  }, 2);
  try {
    await action(context);
  } finally {
    clearInterval(watch);
    await context.close();
  }
}

/** Calls `after` once a method of a repository has returned, which is when its rows are durable. */
function onceStored<Key extends string, Input extends unknown[]>(
  repository: { [key in Key]: (...input: Input) => unknown },
  key: Key,
  after: (...input: Input) => void,
): void {
  const original = repository[key];
  repository[key] = (...input) => {
    const result = original(...input);
    after(...input);
    return result;
  };
}

const pairLines = (workspace: Workspace): string[] =>
  listPairs({ workspace }, { limit: 5000 }).rows.map(({ id, question, chosen, rejected }) =>
    JSON.stringify([id, question, chosen, rejected]),
  );

const metricLines = (workspace: Workspace): string[] =>
  listRuns({ workspace }).rows.flatMap(({ id }) =>
    allRunMetrics({ workspace }, id)
      .filter(({ key }) => metrics[key].deterministic)
      .map(({ step, key, value }) => JSON.stringify([step, key, value])),
  );

/** Tells of the last line after each transaction. */
function tellLast(workspace: Workspace, lines: (workspace: Workspace) => string[], hooks: Hooks): void {
  onceStored(workspace as { transaction(action: () => unknown): unknown }, 'transaction', () => {
    const last = lines(workspace).at(-1);
    if (last !== undefined) hooks.stored(last);
  });
}

export const works = {
  import: {
    engine: false,
    setUp: () => undefined,
    run: (folder, hooks) =>
      withContext(folder, hooks, async (context) => {
        if (context.workspace.documents.totals().documents > 0) return;
        await importDocuments(context, [path('resources/demo/documents/train')]);
        for (const line of works.import.lines(context.workspace)) hooks.stored(line);
      }),
    lines: (workspace) =>
      workspace.documents
        .list({ limit: 5000 })
        .rows.map(({ id, title }) => JSON.stringify([id, title, workspace.documents.text(id)])),
  },
  generate: {
    engine: true,
    setUp: async (workspace) => void (await importDocuments({ workspace }, documents)),
    run: (folder, hooks) =>
      withContext(folder, hooks, async (context) => {
        tellLast(context.workspace, pairLines, hooks);
        const [job] = listGenerations(context).rows;
        if (job?.status === 'finished') return;
        if (job !== undefined) await resumeGeneration(context, job.id);
        else
          await generatePairs(context, {
            modelDir: demoModel,
            settings: { ...synthesisPresets.demo, documentsPerGroup: 2 },
            execution,
          });
      }),
    lines: pairLines,
  },
  audit: {
    engine: false,
    setUp: (workspace) => addPairs({ workspace }, 30),
    run: async (folder, hooks) => {
      const { session, call } = testSession([folder], join(folder, '..', 'settings'));
      await call('workspaces.open', { folder });
      try {
        const verdicts = ['first_better', 'second_better', 'both_good', 'both_bad', 'skipped'] as const;
        const done = session.context.workspace.reviews.list({ limit: 5000 }).rows.length;
        for (let act = done; act < 300; act += 1) {
          const pairId = 1 + (act % 60);
          const shown = await call('audit.pair', { pairId, reviewer: 'ann', blind: null });
          const verdict = verdicts[act % verdicts.length];
          const review = {
            pairId,
            seen: shown.sha256,
            reviewer: 'ann',
            blind: null,
            milliseconds: 1000 + act,
            queue: { reviewer: 'ann' },
            verdict,
          };
          const { id } = (await call('audit.record', review)) as { readonly id: number };
          hooks.stored(works.audit.lines(session.context.workspace)[id - 1] ?? `no review ${id}`);
        }
      } finally {
        await session.closeWorkspace();
      }
    },
    lines: (workspace) =>
      workspace.reviews
        .list({ limit: 5000 })
        .rows.map(({ id, pairId, reviewer, verdict, milliseconds }) =>
          JSON.stringify([id, pairId, reviewer, verdict, milliseconds]),
        ),
  },
  train: {
    engine: true,
    setUp: (workspace) => addPairs({ workspace }, 10),
    run: (folder, hooks) =>
      withContext(folder, hooks, async (context) => {
        tellLast(context.workspace, metricLines, hooks);
        const [run] = listRuns(context).rows;
        if (run?.status === 'finished') return;
        if (run !== undefined) await resumeRun(context, run.id);
        else await train(context, { modelDir: tinyModel, config: tinyRun });
      }),
    // Rows after the last checkpoint are computed again, to the same bits; a line is a row of the one true run.
    lines: metricLines,
    result: (workspace, folder) =>
      readFileSync(
        join(checkpointOf({ workspace: { ...workspace, folder } }, 1).folder, 'trainable.safetensors'),
      ).toString('base64'),
  },
  evaluate: {
    engine: true,
    setUp: () => undefined,
    run: (folder, hooks) =>
      withContext(folder, hooks, async (context) => {
        const { evaluations } = context.workspace;
        onceStored(evaluations as { addItems(...input: unknown[]): unknown }, 'addItems', () => {
          const last = works.evaluate.lines(context.workspace).at(-1);
          if (last !== undefined) hooks.stored(last);
        });
        const rows = evaluations.list({ limit: 100 }).rows;
        if (rows.length > 0)
          await resumeEvaluations(
            context,
            rows.map(({ id }) => id),
          );
        else await evaluate(context, { source: { kind: 'base', modelDir: demoModel }, tasks, execution });
      }),
    lines: (workspace) =>
      workspace.evaluations
        .list({ limit: 100 })
        .rows.flatMap(({ id }) =>
          evaluationItems({ workspace }, id, { limit: 1000 }).rows.map((item) => JSON.stringify([id, item])),
        ),
    result: (workspace) =>
      JSON.stringify(
        workspace.evaluations.list({ limit: 100 }).rows.map(({ kind, status, summary }) => [kind, status, summary]),
      ),
  },
} satisfies Record<string, Work>;
export type WorkName = keyof typeof works;
export const workOf = (name: WorkName): Work => works[name];

/** What the work gives when nothing happens to it, and how long that takes from the start of its process. */
export function look(name: WorkName, folder: string): { readonly lines: readonly string[]; readonly result: string } {
  const work = workOf(name);
  const workspace = openWorkspace(folder);
  try {
    let result = '';
    try {
      result = work.result?.(workspace, folder) ?? '';
    } catch {
      // not at its end yet
    }
    return { lines: work.lines(workspace), result };
  } finally {
    workspace.close();
  }
}
