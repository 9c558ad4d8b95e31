import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModelConfig } from '../../../../src/main/engine/model/config.ts';
import { exportMergedModel } from '../../../../src/main/engine/model/merge.ts';
import {
  fullLayout,
  initialFull,
  initialLora,
  loraLayout,
  loraLayoutOf,
} from '../../../../src/main/engine/model/parameters.ts';
import type { ParameterLayout } from '../../../../src/main/engine/model/parameters.ts';
import { readAdapter, writeAdapter } from '../../../../src/main/engine/model/peft.ts';
import { openSafetensors, readTensor } from '../../../../src/main/engine/model/safetensors.ts';
import { linearModules, openWeights } from '../../../../src/main/engine/model/weights.ts';
import { pythonOrSkipReason, runPython } from '../../../python/python.ts';
import { ADAPTER_NAMES, MODEL_NAMES, goldenAdapter, goldenModel } from './model-folder.ts';

/** One row of ids of the golden vocabulary (320), long enough that RoPE matters. */
const IDS = [Array.from({ length: 48 }, (_, i) => 16 + ((i * 71) % 300))];
/** float32 sums in another order; golden/README.md states 3e-5 for logits. */
const TOLERANCE = 3e-5;

interface Job {
  name: string;
  model: string;
  adapter?: string;
  theta?: number;
}
interface Report {
  dtype: string;
  rope_theta: number;
  missing: string[];
  unexpected: string[];
  tokenizer: number;
  warnings: string[];
  lora: string[];
  scale: number;
}

const env = pythonOrSkipReason();
if ('reason' in env) it.skip(`transformers and PEFT read what we write: ${env.reason}`, () => undefined);

describe.skipIf('reason' in env)('transformers and PEFT', () => {
  let root = '';
  const jobs: Job[] = [];
  let reports: Record<string, Report> = {};
  const logits = new Map<string, Float32Array>();
  const uneven = new Map<string, ParameterLayout>();
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  // One Python process for all: importing torch and PEFT takes most of the time.
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'longhand-interop-'));
    for (const name of MODEL_NAMES) {
      const model = goldenModel(name);
      const config = await loadModelConfig(model);
      const weights = await openWeights(model, config);
      const base = { sourceDir: model, config, weights };
      const layout = fullLayout(config);
      const full = join(root, `${name}-full`);
      const vector = await initialFull(layout, weights);
      await exportMergedModel(full, { ...base, layout, vector, ropeTheta: 77777 });
      jobs.push({ name: `${name} base, theta`, model, theta: 77777 }, { name: `${name} full, theta`, model: full });

      if (!ADAPTER_NAMES.includes(name)) continue;
      const golden = await readAdapter(goldenAdapter(name), config);
      const adapter = join(root, `${name}-adapter`);
      await writeAdapter(adapter, { ...golden, baseModel: model });
      const merged = join(root, `${name}-merged`);
      await exportMergedModel(merged, { ...base, ...golden });
      const part = join(root, `${name}-merged-part`);
      await exportMergedModel(part, { ...base, ...golden, scale: 0.7 });
      // PEFT takes 0.7 of what an adapter learned when its B is 0.7 times as large.
      const weaker = golden.vector.slice();
      for (const { name: tensor, offset, size } of golden.layout.tensors) {
        if (!tensor.includes('lora_B')) continue;
        for (let i = offset; i < offset + size; i++) weaker[i] = (weaker[i] ?? NaN) * 0.7;
      }
      const weak = join(root, `${name}-adapter-part`);
      await writeAdapter(weak, { layout: golden.layout, vector: weaker, baseModel: model });
      const long = join(root, `${name}-merged-theta`);
      await exportMergedModel(long, { ...base, ...golden, ropeTheta: 4e7 });
      jobs.push(
        { name: `${name} base`, model },
        { name: `${name} golden`, model, adapter: goldenAdapter(name) },
        { name: `${name} golden, theta`, model, adapter: goldenAdapter(name), theta: 4e7 },
        { name: `${name} ours`, model, adapter },
        { name: `${name} merged`, model: merged },
        { name: `${name} merged, part`, model: part },
        { name: `${name} ours, part`, model, adapter: weak },
        { name: `${name} merged, theta`, model: long },
      );
      for (const dtype of ['bfloat16', 'float16'] as const) {
        const rounded = join(root, `${name}-${dtype}`);
        await exportMergedModel(rounded, { ...base, ...golden, dtype });
        jobs.push({ name: `${name} ${dtype}`, model: rounded });
      }
    }

    const model = goldenModel('llama');
    const config = await loadModelConfig(model);
    const weights = await openWeights(model, config);
    const choice = { rank: 3, alpha: 40, rslora: true };
    const modules = linearModules(config);
    uneven.set(
      'layers',
      loraLayoutOf(
        config,
        modules.filter(({ layer }) => layer === 1),
        choice,
      ),
    );
    uneven.set(
      'uneven',
      loraLayoutOf(
        config,
        modules.filter((_, i) => i % 3 === 0),
        choice,
      ),
    );
    uneven.set('targets', loraLayout(config, { ...choice, targets: ['up_proj', 'v_proj'] }));
    for (const [name, layout] of uneven) {
      const vector = initialLora(layout, 5).map((value, i) => (value === 0 ? 0.05 * Math.sin(i) : value));
      const [adapter, merged] = [join(root, name), join(root, `${name}-merged`)];
      await writeAdapter(adapter, { layout, vector, baseModel: model });
      await exportMergedModel(merged, { sourceDir: model, config, weights, layout, vector });
      jobs.push({ name, model, adapter }, { name: `${name} merged`, model: merged });
    }
    const fresh = join(root, 'fresh');
    const layout = loraLayout(config, { ...choice, targets: ['q_proj'] });
    await writeAdapter(fresh, { layout, vector: initialLora(layout, 1), baseModel: model });
    jobs.push({ name: 'fresh', model, adapter: fresh });

    const [work, out] = [join(root, 'jobs.json'), join(root, 'logits.safetensors')];
    writeFileSync(work, JSON.stringify({ ids: IDS, jobs }));
    reports = JSON.parse(await runPython('logits.py', [work, out])) as Record<string, Report>;
    const file = await openSafetensors(out);
    for (const name of file.tensors.keys()) logits.set(name, await readTensor(file, name));
  }, 120_000);

  function difference(a: string, b: string): number {
    const [x, y] = [logits.get(a), logits.get(b)];
    if (x === undefined || y === undefined || x.length !== y.length) throw new Error(`no logits of ${a} and ${b}`);
    return x.reduce((most, value, i) => Math.max(most, Math.abs(value - (y[i] as number))), 0);
  }

  it('load every folder without missing or unexpected tensors', () => {
    for (const { name } of jobs)
      expect([name, reports[name]?.missing, reports[name]?.unexpected]).toEqual([name, [], []]);
    for (const { name } of jobs) expect([name, reports[name]?.warnings ?? []]).toEqual([name, []]);
    for (const { name } of jobs) expect(reports[name]?.tokenizer).toBe(320);
  });

  it.each(ADAPTER_NAMES)('give the logits of the golden adapter for ours: %s', (name) => {
    expect(difference(`${name} base`, `${name} golden`)).toBeGreaterThan(0.1);
    expect(difference(`${name} ours`, `${name} golden`)).toBe(0);
  });

  it.each(ADAPTER_NAMES)('give the logits of base and adapter for the merged folder: %s', (name) => {
    expect(difference(`${name} merged`, `${name} golden`)).toBeLessThan(TOLERANCE);
    expect(difference(`${name} merged, theta`, `${name} golden, theta`)).toBeLessThan(TOLERANCE);
    expect(difference(`${name} merged, theta`, `${name} merged`)).toBeGreaterThan(0.01);
    expect(difference(`${name} merged, part`, `${name} ours, part`)).toBeLessThan(TOLERANCE);
    expect(difference(`${name} merged, part`, `${name} merged`)).toBeGreaterThan(0.01);
    expect(reports[`${name} merged`]?.dtype).toBe('float32');
  });

  it.each(ADAPTER_NAMES)('read the 16-bit folders in their type, close to the exact one: %s', (name) => {
    for (const [dtype, tolerance] of [
      ['bfloat16', 0.3],
      ['float16', 0.05],
    ] as const) {
      expect(reports[`${name} ${dtype}`]?.dtype).toBe(dtype);
      expect(difference(`${name} ${dtype}`, `${name} merged`)).toBeLessThan(tolerance);
    }
  });

  it.each(MODEL_NAMES)('take the RoPE base from the exported config: %s', (name) => {
    expect(reports[`${name} full, theta`]?.rope_theta).toBe(77777);
    expect(difference(`${name} full, theta`, `${name} base, theta`)).toBe(0);
  });

  it.each(['layers', 'uneven', 'targets'])(
    'adapt exactly the layers of the layout, with the rsLoRA scale: %s',
    (name) => {
      const layout = uneven.get(name);
      expect(reports[name]?.lora).toEqual(layout?.tensors.map((tensor) => tensor.name).sort());
      expect(reports[name]?.scale).toBeCloseTo(40 / Math.sqrt(3), 12);
      expect(difference(name, 'llama base')).toBeGreaterThan(0.1);
      expect(difference(`${name} merged`, name)).toBeLessThan(TOLERANCE);
    },
  );

  it('give the base model for a fresh adapter', () => {
    expect(difference('fresh', 'llama base')).toBe(0);
  });
});
