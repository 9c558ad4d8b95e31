// Rounds a model's linear weights to 4 bits, with several processes at once.
// node int4_weights.ts MODEL FOLDER [--processes 8]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { loadModelConfig } from '../../src/main/engine/model/config.ts';
import { openInt4Weights } from '../../src/main/engine/model/int4-weights.ts';
import { openWeights } from '../../src/main/engine/model/weights.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { processes: { type: 'string', default: '8' }, part: { type: 'string' } },
});
const [dir = '', folder = ''] = positionals;
const count = Number(values.processes);
const start = performance.now();

if (values.part === undefined) {
  const parts = Array.from({ length: count }, (_, i) =>
    fork(import.meta.filename, [dir, folder, '--processes', String(count), '--part', String(i)]),
  );
  const codes = await Promise.all(parts.map(async (part) => (await once(part, 'exit'))[0] as number));
  if (codes.some((code) => code !== 0)) process.exitCode = 1;
  console.log(JSON.stringify({ side: 'conversion', processes: count, seconds: (performance.now() - start) / 1000 }));
} else {
  const config = await loadModelConfig(dir);
  const layers = Array.from({ length: config.numLayers }, (_, i) => i);
  const only = layers.filter((layer) => layer % count === Number(values.part));
  await openInt4Weights(await openWeights(dir, config), config, { folder, only });
}
