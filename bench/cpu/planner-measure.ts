import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { GRID_MODELS, GRID_POINTS } from './planner-grid.ts';
import type { PlannerPoint } from './planner-point.ts';
import { writeRandomModel } from './random-model.ts';

// node bench/cpu/planner-measure.ts OUT.json: highest resident memory (VmHWM) of a process for each point of the grid.
const [out = 'planner-points.json'] = process.argv.slice(2);
const run = promisify(execFile);
const folder = await mkdtemp(path.join(tmpdir(), 'longhand-planner-'));
const measured: unknown[] = [];
try {
  for (const model of GRID_MODELS) {
    const modelDir = path.join(folder, model.name);
    await writeRandomModel(modelDir, model.config);
    for (const point of GRID_POINTS) {
      const request: PlannerPoint = { modelDir, answer: 128, threads: 2, ...point };
      const script = path.join(import.meta.dirname, 'planner-point.ts');
      const { stdout } = await run(process.execPath, [script, JSON.stringify(request)]);
      const row = { model: model.name, answer: 128, ...point, ...(JSON.parse(stdout) as object) };
      measured.push(row);
      console.log(JSON.stringify(row));
      await writeFile(out, `${JSON.stringify(measured, null, 1)}\n`);
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
