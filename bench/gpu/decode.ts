// Time a token when questions are answered behind a long document: node decode.ts MODEL --prefix 32768 --batches 1,4. The time
// a token is the difference of two runs of unequal length, so that reading the document does not count. --products: attention by
// plain products instead of PagedAttention; --together, --apart: over all sequences at once, or each alone (default: what the
// runner chooses); --merge: the adapter added to a copy of the weights; --targets: the adapted layers.
import { parseArgs } from 'node:util';
import { loadResidentModel } from '../../src/main/engine/resident/resident-model.ts';
import { ropeForModel } from '../../src/main/engine/training/rope-for.ts';
import { MemoryWatch } from './memory-watch.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    prefix: { type: 'string', default: '32768' },
    batches: { type: 'string', default: '1,4' },
    tokens: { type: 'string', default: '64' },
    repeat: { type: 'string', default: '3' },
    targets: { type: 'string', default: 'q_proj,v_proj' },
    products: { type: 'boolean', default: false },
    merge: { type: 'boolean', default: false },
    together: { type: 'boolean', default: false },
    apart: { type: 'boolean', default: false },
  },
});
const memory = new MemoryWatch();
const model = await loadResidentModel(positionals[0] ?? '', {
  device: 'cuda',
  threads: 8,
  trainable: { kind: 'lora', rank: 16, alpha: 32, rslora: false, targets: values.targets.split(',') },
  programs: ['generate'],
  mergeAdapter: values.merge,
  ...(values.together || values.apart ? { together: values.together } : {}),
  paged: !values.products,
});
const prefix = Int32Array.from({ length: Number(values.prefix) }, (_, i) => (i * 7919) % model.config.vocabSize);
const state = {
  parameters: await model.referenceParameters(),
  rope: ropeForModel(model.config, null)(prefix.length + 512),
};
const sampling = { temperature: 0, topK: 0, topP: 1, uniforms: new Float32Array(0), stopIds: [] };
for (const batch of values.batches.split(',').map(Number)) {
  const prompts = Array.from({ length: batch }, (_, i) => Int32Array.from({ length: 16 }, (_, j) => 100 * i + j));
  const run = async (maxNewTokens: number): Promise<number> => {
    const start = performance.now();
    await model.generate({ prefix, prompts, maxNewTokens, ...sampling }, state);
    return (performance.now() - start) / 1000;
  };
  await run(2);
  const pairs: [number, number][] = [];
  for (let i = 0; i < Number(values.repeat); i++) pairs.push([await run(2), await run(2 + Number(values.tokens))]);
  const all = pairs.map(([few, many]) => (1000 * (many - few)) / Number(values.tokens));
  console.log(
    JSON.stringify({
      side: 'ours',
      task: 'decode',
      attention: values.products ? 'products' : values.together ? 'together' : values.apart ? 'paged' : 'chosen',
      adapter: values.merge ? 'merged' : 'apart',
      targets: values.targets,
      layers: model.config.numLayers,
      prefix: prefix.length,
      batch,
      prefillSeconds: pairs[0]?.[0],
      millisecondsPerToken: all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)],
      all,
      memoryMiB: memory.peak(),
    }),
  );
}
memory.stop();
