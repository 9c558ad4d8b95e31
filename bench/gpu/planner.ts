// The memory planner against the card: for each point what the plan says, and the peak of a step (`ours.ts`, which takes in advance what the plan says).
// node planner.ts POINT... with POINT = MODEL_DIR:LENGTH[:RANK[:SEGMENT_LAYERS]]; a JSON line each, and a table at the end.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { loadModelConfig } from '../../src/main/engine/model/config.ts';
import { planShape } from '../../src/main/engine/model/plan-shape.ts';
import { planMemory } from '../../src/shared/memory-plan.ts';

/** As `ours.ts` makes its pairs. */
const ANSWER = 256;
const MIB = 2 ** 20;

interface Point {
  readonly dir: string;
  readonly length: number;
  readonly rank: number;
  /** 0: one run. */
  readonly segmentLayers: number;
}

function pointOf(text: string): Point {
  const [dir = '', length, rank = '16', segments = '0'] = text.split(':');
  const point = { dir, length: Number(length), rank: Number(rank), segmentLayers: Number(segments) };
  if (dir === '' || ![point.length, point.rank, point.segmentLayers].every(Number.isInteger)) {
    throw new Error(`"${text}" is no MODEL_DIR:LENGTH[:RANK[:SEGMENT_LAYERS]]`);
  }
  return point;
}

async function measure({ dir, length, rank, segmentLayers }: Point) {
  const shape = planShape(await loadModelConfig(dir));
  const model = { ...shape, dtypes: { BF16: shape.parameters } };
  const plan = planMemory(model, {
    device: 'cuda',
    tokens: length + 2 * ANSWER,
    trainable: {
      ...{ kind: 'lora', rank, alpha: 32, rslora: false },
      targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
    },
    checkpointing: 'layer',
    segmentLayers,
  });
  const ours = new URL('ours.ts', import.meta.url).pathname;
  const flags = ['--lengths', String(length), '--rank', String(rank), '--answer', String(ANSWER), '--repeat', '2'];
  const segments = segmentLayers === 0 ? [] : ['--segments', String(segmentLayers)];
  const { stdout } = await promisify(execFile)(process.execPath, [ours, dir, ...flags, ...segments], {
    maxBuffer: 2 ** 26,
  });
  const last = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { memoryMiB?: number | null; error?: string };
  const predicted = plan.peak / MIB;
  const measured = last.memoryMiB ?? NaN;
  return {
    ...{ model: dir, layers: model.layers, length, rank, segmentLayers, reserveMiB: plan.reserveBytes / MIB },
    ...{ predictedMiB: Math.round(predicted), measuredMiB: measured, off: predicted / measured - 1 },
    ...(last.error === undefined ? {} : { error: last.error }),
  };
}

const rows: string[] = [];
for (const point of process.argv.slice(2).map(pointOf)) {
  const row = await measure(point).catch((error: unknown) => ({ ...point, error: String(error).slice(0, 400) }));
  console.log(JSON.stringify(row));
  if (!('off' in row)) continue;
  const off = `${row.off > 0 ? '+' : ''}${(100 * row.off).toFixed(1)}%`;
  const cells = [row.layers, row.length, row.rank, row.segmentLayers, row.predictedMiB, row.measuredMiB, off];
  rows.push(`| ${cells.join(' | ')} |`);
}
console.log(
  [
    '| layers | length | rank | segments of | predicted MiB | measured MiB | off |',
    `|${' --- |'.repeat(7)}`,
    ...rows,
  ].join('\n'),
);
