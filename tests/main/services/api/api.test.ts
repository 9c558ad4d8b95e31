import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiEvent } from '../../../../src/shared/api/contract.ts';
import type { ApiJob } from '../../../../src/shared/api/jobs.ts';
import { synthesisPresets } from '../../../../src/shared/synthesis-config.ts';
import { presets } from '../../../../src/shared/presets.ts';
import { demoFolder } from '../../../../src/main/services/demo-folder.ts';
import { testSession } from './test-session.ts';

const folder = mkdtempSync(join(tmpdir(), 'longhand-api-'));
const { session, call } = testSession([folder, demoFolder], join(folder, 'settings'));
const events: ApiEvent[] = [];
const modelDir = join(demoFolder, 'base-model');

async function settled(id: number): Promise<ApiJob> {
  for (;;) {
    const job = (await call('jobs.list', {})).find((candidate) => candidate.id === id);
    if (job !== undefined && !['waiting', 'running', 'pausing'].includes(job.status)) return job;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

beforeAll(() => {
  session.subscribe((event) => events.push(event));
});

afterAll(async () => {
  await session.closeWorkspace();
  rmSync(folder, { recursive: true, force: true });
});

describe('the API on a real workspace, model and engine', { timeout: 120_000 }, () => {
  it('opens a workspace and remembers it', async () => {
    expect(await call('workspaces.current', {})).toBeNull();
    const info = await call('workspaces.open', { folder: join(folder, 'ws'), create: true });
    expect(info).toMatchObject({ documents: 0, pairs: 0, runs: 0 });
    expect(await call('workspaces.recent', {})).toMatchObject([{ folder: info.folder, exists: true }]);
    const listing = await call('files.browse', { path: folder });
    expect(listing.entries.find((entry) => entry.name === 'ws')?.role).toBe('workspace');
  });

  it('adds a model', async () => {
    expect(await call('models.add', { dir: modelDir })).toMatchObject({ architecture: 'llama', problems: [] });
    expect(await call('models.list', {})).toMatchObject([{ path: modelDir, missing: false }]);
    writeFileSync(join(folder, 'config.json'), '{}');
    await expect(call('models.add', { dir: folder })).rejects.toMatchObject({
      code: expect.stringMatching(/unsupported|invalid_input/) as string,
    });
  });

  it('describes a model that cannot be used, with its problems, and does not add it', async () => {
    const broken = join(folder, 'no-tokenizer');
    mkdirSync(broken);
    for (const name of ['config.json', 'model.safetensors']) copyFileSync(join(modelDir, name), join(broken, name));
    const report = await call('models.add', { dir: broken });
    expect(report).toMatchObject({ architecture: 'llama', path: broken });
    expect(report.problems.join(' ')).toContain('tokenizer.json');
    expect(await call('models.list', {})).toHaveLength(1);
  });

  it('imports, counts tokens, reads and searches documents', async () => {
    const files = [1, 2, 3].map((i) => join(demoFolder, 'documents', 'train', `harbour-00${i}.txt`));
    const job = await settled((await call('documents.import', { paths: files })).jobId);
    expect(job).toMatchObject({ status: 'finished', result: { imported: 3 } });
    await settled((await call('documents.countTokens', { modelDir })).jobId);
    const [model] = await call('models.list', {});
    const lengths = await call('documents.lengths', { modelFingerprint: model?.fingerprint ?? '' });
    expect(lengths.tokens).toHaveLength(3);
    const { rows } = await call('documents.list', {});
    const id = rows[0]?.id ?? 0;
    const whole = await call('documents.text', { id, start: 0, end: 1_000_000 });
    expect(whole.text).toHaveLength(whole.length);
    const [hit] = await call('documents.search', { id, query: 'THE' });
    expect(whole.text.slice(hit?.start, hit?.end).toLowerCase()).toBe('the');
    await expect(call('documents.get', { id: 999 })).rejects.toMatchObject({ code: 'not_found' });
  });

  it('previews a template and generates pairs', async () => {
    const { template } = synthesisPresets.demo;
    const preview = await call('generations.preview', { template: { ...template, phrases: [...template.phrases] } });
    expect(preview.prompt).toContain(preview.chunk);
    const { jobId } = await call('generations.start', {
      modelDir,
      settings: synthesisPresets.demo,
      threads: 2,
    });
    const job = await settled(jobId);
    expect(job).toMatchObject({ status: 'finished', kind: 'generate' });
    expect(job.generationId).toBe(1);
    const counts = await call('pairs.counts', {});
    expect(counts.all).toBeGreaterThan(5);
    const { rows } = await call('pairs.list', { limit: 5 });
    const detail = await call('pairs.detail', { id: rows[0]?.id ?? 0 });
    const document = await call('documents.text', {
      id: detail.documentId,
      start: detail.chunkStart,
      end: detail.chunkEnd,
    });
    expect(document.text).toBe(detail.chunkText);
    expect((await call('documents.chunks', { id: detail.documentId })).length).toBeGreaterThan(2);
  });

  it('plans, pauses, resumes and finishes a run; metrics come by cursor', async () => {
    const config = { ...presets.demo, batchSize: 1, epochs: null, maxSteps: 12, checkpointEvery: 4, threads: 2 };
    const plan = await call('runs.plan', { modelDir, config });
    expect(plan).toMatchObject({ steps: 12, verdict: 'fits', advice: null });
    const { jobId } = await call('runs.start', { modelDir, config, name: 'first' });
    for (;;) {
      const job = (await call('jobs.list', {})).find((candidate) => candidate.id === jobId);
      if (job?.progress?.phase === 'train' && job.progress.done >= 2) break;
      if (job?.status === 'finished' || job?.status === 'failed') throw new Error(`it is ${job.status} already`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await call('jobs.pause', { id: jobId });
    const paused = await settled(jobId);
    expect(paused).toMatchObject({ status: 'paused', resumable: true });
    const runId = paused.runId ?? 0;
    expect((await call('runs.get', { id: runId })).run.status).toBe('paused');
    const first = await call('runs.metrics', { id: runId });
    // Events of one job within a tenth of a second are joined: let this one out.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await call('jobs.resume', { id: jobId });
    expect(await settled(jobId)).toMatchObject({ status: 'finished' });
    const rest = await call('runs.metrics', { id: runId, cursor: first.cursor });
    const rows = rest.reset ? rest.rows : [...first.rows, ...rest.rows];
    const steps = rows.filter((row) => row.key === 'loss').map((row) => row.step);
    expect(steps).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(events.some((event) => event.type === 'changed' && event.topic === 'metrics')).toBe(true);
    expect(events.some((event) => event.type === 'job' && event.job.status === 'paused')).toBe(true);
  });

  it('evaluates the base and the run and compares them', async () => {
    const sets = await call('evaluations.builtIn', {});
    const found = sets.find((set) => set.task.name === 'demo closed')?.task;
    if (found?.kind !== 'questions') throw new Error('no such set');
    const task = { ...found, limit: 16 };
    // The demo's own files may be named, what is reached through their folder may not.
    const outside = { ...task, path: `${dirname(task.path)}/../../../../../../../../../../etc/questions.jsonl` };
    await expect(call('evaluations.start', { source: { kind: 'base', modelDir }, tasks: [outside] })).rejects.toThrow(
      'outside the folders',
    );
    const evaluations: number[] = [];
    for (const source of [
      { kind: 'base' as const, modelDir },
      { kind: 'run' as const, runId: 1 },
    ]) {
      const job = await settled((await call('evaluations.start', { source, tasks: [task], threads: 2 })).jobId);
      expect(job.status).toBe('finished');
      evaluations.push(...job.evaluationIds);
    }
    const comparison = await call('evaluations.compare', { ids: evaluations, names: ['base', 'run'] });
    expect(comparison.rows.map((row) => row.name)).toEqual(['base', 'run']);
    expect((await call('evaluations.items', { id: evaluations[0] ?? 0, limit: 3 })).rows).toHaveLength(3);
    const [base, run] = (await call('evaluations.list', {})).rows;
    expect(base).toMatchObject({ source: 'base', model: 'base-model', baseBits: 'own', device: 'cpu', run: null });
    expect(run).toMatchObject({ source: 'run', step: 12, run: { objective: 'longpo' } });
  });

  it('says how large a set is, refuses a file at its line, and shows what an item was asked about', async () => {
    const sets = await call('evaluations.builtIn', {});
    expect(sets.filter(({ family }) => family === 'LongBench')).toHaveLength(17);
    expect(new Set(sets.map(({ task }) => task.name)).size).toBe(sets.length);
    // The demo's model has no room for a summary as long as InfiniteBench allows.
    const [summaries, fitting] = [
      sets.filter(({ label }) => label === 'En.Sum'),
      sets.filter(({ label }) => label !== 'En.Sum'),
    ];
    for (const { task } of summaries) {
      await expect(call('evaluations.check', { modelDir, task })).rejects.toThrow('1200 tokens leaves no room');
    }
    const sizes = await Promise.all(fitting.map(({ task }) => call('evaluations.check', { modelDir, task })));
    expect(sizes.map(({ items }) => items)).toEqual(fitting.map(({ items }) => items));
    expect(sizes[1]?.read).toBeGreaterThan(100_000);
    const ruler = {
      ...{ kind: 'ruler' as const, name: 'needle', task: 'niah_single_1' as const, prompt: 'plain' as const },
      ...{ lengths: [768, 1024], depths: [0, 0.5, 1], itemsPerCell: 2 },
    };
    expect(await call('evaluations.check', { modelDir, task: ruler })).toEqual({
      ...{ items: 12, read: 6 * 768 + 6 * 1024 - 12 * 128, written: 12 * 128, bound: 'most', tooLong: 0 },
    });
    const short = { ...ruler, lengths: [1024, 256] };
    await expect(call('evaluations.check', { modelDir, task: short })).rejects.toThrow('does not fit into 256');
    const published = sets.find(({ task }) => task.kind === 'published')?.task;
    expect(published).toBeDefined();
    const wrong = join(folder, 'wrong.jsonl');
    writeFileSync(wrong, '{"context":"a","question":"b"}\n');
    const task = { kind: 'questions' as const, name: 'wrong', path: wrong };
    await expect(call('evaluations.check', { modelDir, task })).rejects.toThrow('answer');

    const long = sets.find((set) => set.task.name === 'demo long')?.task;
    if (long?.kind !== 'questions') throw new Error('no such set');
    const tasks = [{ ...long, limit: 4 }, ruler];
    const job = await settled(
      (await call('evaluations.start', { source: { kind: 'base', modelDir }, tasks, threads: 2 })).jobId,
    );
    const [questions = 0, needles = 0] = job.evaluationIds;
    for (const [id, index] of [
      ...([0, 1, 2, 3] as const).map((index) => [questions, index] as const),
      ...([0, 5, 11] as const).map((index) => [needles, index] as const),
    ]) {
      const document = await call('evaluations.document', { id, index });
      const item = (await call('evaluations.items', { id, limit: 12 })).rows[index];
      const [start, end] = document.evidence[0] ?? [0, 0];
      const words = document.text.slice(start, end);
      expect(document.found).toBe(id === needles ? 'placed' : 'words');
      expect(id === needles ? words : item?.expected).toContain(id === needles ? item?.expected : words);
    }
  });

  it('exports pairs and the merged model; an adapter of a full run is refused in the job', async () => {
    const pairs = await settled((await call('exports.pairs', { path: join(folder, 'pairs.jsonl') })).jobId);
    expect(pairs.status).toBe('finished');
    const merged = await settled((await call('exports.merged', { runId: 1, dir: join(folder, 'merged') })).jobId);
    expect(merged.status).toBe('finished');
    const adapter = await settled((await call('exports.adapter', { runId: 1, dir: join(folder, 'adapter') })).jobId);
    expect(adapter).toMatchObject({ status: 'failed', error: { code: 'unsupported' } });
    expect(await call('jobs.log', { id: adapter.id })).toMatchObject([
      { text: expect.stringContaining('failed') as string },
    ]);
  });

  it('reports the system without any text of documents', async () => {
    expect(await call('system.info', {})).toMatchObject({ shell: 'loopback' });
    const text = await call('system.diagnostics', {});
    expect(text).toContain('Longhand diagnostics');
    const document = await call('documents.text', { id: 1, start: 0, end: 60 });
    expect(text).not.toContain(document.text);
  });

  it('tries the longest example, and starts a new run from a checkpoint', async () => {
    const config = { ...presets.demo, batchSize: 1, epochs: null, maxSteps: 12, checkpointEvery: 4, threads: 2 };
    const tried = await settled((await call('runs.dryRun', { modelDir, config })).jobId);
    expect(tried).toMatchObject({ status: 'finished', kind: 'dryRun', result: { steps: 12 } });
    const { checkpoints } = await call('runs.get', { id: 1 });
    const at = checkpoints.find((row) => row.step === 8);
    const job = await settled((await call('runs.continueFrom', { runId: 1, checkpointId: at?.id ?? 0 })).jobId);
    expect(job).toMatchObject({ status: 'finished', runId: 2 });
    expect(await call('runs.get', { id: 2 })).toMatchObject({ parent: { runId: 1, step: 8 }, run: { lastStep: 12 } });
    await call('runs.setArchived', { id: 2, archived: true });
  });

  it('lists what was left unfinished after the workspace was opened again, and goes on with each', async () => {
    const config = { ...presets.demo, batchSize: 1, epochs: null, maxSteps: 40, checkpointEvery: 4, threads: 2 };
    const sets = await call('evaluations.builtIn', {});
    const tasks = sets.flatMap(({ task }) => (task.kind === 'questions' ? [{ ...task, limit: 100 }] : []));
    const started = [
      (await call('runs.start', { modelDir, config, name: 'left' })).jobId,
      (await call('generations.start', { modelDir, settings: synthesisPresets.demo, threads: 2 })).jobId,
      (await call('evaluations.start', { source: { kind: 'base', modelDir }, tasks, threads: 2 })).jobId,
    ];
    for (const id of started) {
      for (;;) {
        const job = (await call('jobs.list', {})).find((candidate) => candidate.id === id);
        if (['failed', 'finished'].includes(job?.status ?? '')) throw new Error(`${job?.title} is ${job?.status}`);
        const made = [job?.runId, job?.generationId, job?.evaluationIds[0]].some((row) => typeof row === 'number');
        if (job?.status === 'running' && made) break;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      await call('jobs.pause', { id });
      await settled(id);
    }
    const { jobId: scoring } = await call('audit.scorePairs', { modelDir, threads: 1 });
    // Asked often: the scoring of so few pairs is soon over.
    await expect.poll(() => session.context.workspace.events.latestOf('pair-scores'), { interval: 1 }).toBeDefined();
    await call('jobs.pause', { id: scoring });
    expect(await settled(scoring)).toMatchObject({ status: 'paused' });
    const { folder: ws } = (await call('workspaces.current', {})) ?? { folder: '' };
    await call('workspaces.close', {});
    expect(await call('jobs.list', {})).toEqual([]);
    await call('workspaces.open', { folder: ws });
    const left = await call('jobs.list', {});
    expect(left.map(({ kind, status, earlier }) => [kind, status, earlier])).toEqual([
      ['scorePairs', 'paused', true],
      ['train', 'paused', true],
      ['generate', 'paused', true],
      ['evaluate', 'paused', true],
    ]);
    for (const { id } of left) {
      await call('jobs.resume', { id });
      expect(await settled(id)).toMatchObject({ status: 'finished', earlier: false });
    }
    // All are done, so none is listed again.
    await call('workspaces.close', {});
    await call('workspaces.open', { folder: ws });
    expect(await call('jobs.list', {})).toEqual([]);
    const { rows } = await call('evaluations.list', {});
    const asked = sets.filter(({ task }) => task.kind === 'questions');
    expect(rows.slice(-asked.length).map(({ status, items }) => [status, items])).toEqual(
      asked.map(({ items }) => ['finished', Math.min(items, 100)]),
    );
  });

  it('a failed start leaves the workspace as it was', async () => {
    await expect(call('runs.plan', { modelDir, config: { learningRate: -1 } })).rejects.toMatchObject({
      code: 'invalid_input',
    });
    await expect(call('runs.start', { modelDir, config: { learningRate: -1 } })).rejects.toMatchObject({
      code: 'invalid_input',
    });
    expect((await call('runs.list', {})).rows).toHaveLength(2);
  });
});
