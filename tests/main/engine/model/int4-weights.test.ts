import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { UserError } from '../../../../src/shared/errors.ts';
import { loadModelConfig } from '../../../../src/main/engine/model/config.ts';
import { dequantizeInt4, quantizeInt4 } from '../../../../src/main/engine/model/int4.ts';
import { openInt4Weights, readInt4Scales } from '../../../../src/main/engine/model/int4-weights.ts';
import { readBytes } from '../../../../src/main/engine/model/safetensors.ts';
import { openWeights, readWeight } from '../../../../src/main/engine/model/weights.ts';
import { changedCopy, expectUserError, goldenModel, temporaryFolder } from './model-folder.ts';

async function open(dir: string, folder: string, more: object = {}) {
  const config = await loadModelConfig(dir);
  const weights = await openWeights(dir, config);
  return { weights, int4: await openInt4Weights(weights, config, { folder, ...more }) };
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.safetensors'))
    .map((name) => join(folder, name))
    .sort();

it('holds every linear weight as the quantiser rounds it, and nothing of the others', async () => {
  const folder = temporaryFolder();
  const { weights, int4 } = await open(goldenModel('qwen3'), folder);
  const linear = [...weights.tensors.keys()].filter((name) => /_proj\.weight$/.test(name));
  expect([...int4.keys()].sort()).toEqual(linear.sort());
  for (const [name, place] of int4) {
    const packed = await readBytes(place.path, place.packed.offset, place.packed.length);
    const expected = dequantizeInt4(quantizeInt4(await readWeight(weights, name)));
    expect(dequantizeInt4({ packed, scales: await readInt4Scales(place) })).toEqual(expected);
  }
});

it('is made once, mends what is missing or broken, and makes another folder for other weights', async () => {
  const folder = temporaryFolder();
  await open(goldenModel('llama'), folder);
  const [first = '', second = ''] = filesIn(folder);
  const bytes = readFileSync(second);
  const stamp = statSync(first).mtimeMs;
  rmSync(second);
  await open(goldenModel('llama'), folder);
  expect(statSync(first).mtimeMs).toBe(stamp);
  expect(readFileSync(second)).toEqual(bytes);
  writeFileSync(second, bytes.subarray(0, bytes.length - 5));
  await open(goldenModel('llama'), folder);
  expect(readFileSync(second)).toEqual(bytes);
  await open(goldenModel('mistral'), folder);
  expect(readdirSync(folder)).toHaveLength(2);
});

it('goes on after an interruption with the layer that is missing', async () => {
  const folder = temporaryFolder();
  const stop = new AbortController();
  const onProgress = (): void => {
    stop.abort();
  };
  await expect(open(goldenModel('llama'), folder, { signal: stop.signal, onProgress })).rejects.toThrow(UserError);
  expect(filesIn(folder)).toHaveLength(1);
  await open(goldenModel('llama'), folder);
  expect(filesIn(folder)).toHaveLength(2);
});

it('says which tensor is not a multiple of 32 wide', async () => {
  const config = await loadModelConfig(goldenModel('llama'));
  const weights = await openWeights(goldenModel('llama'), config);
  const narrow = { ...config, intermediateSize: 100 };
  await expectUserError(
    openInt4Weights(weights, narrow, { folder: temporaryFolder() }),
    'unsupported',
    'mlp.down_proj.weight',
    '100',
  );
});

it('says which tensor holds values that are not numbers', async () => {
  const dir = changedCopy(goldenModel('llama'), 'config.json', {});
  const config = await loadModelConfig(dir);
  const weights = await openWeights(dir, config);
  const tensor = weights.tensors.get('model.layers.1.mlp.up_proj.weight');
  const path = join(dir, 'model.safetensors');
  const bytes = readFileSync(path);
  bytes.writeFloatLE(NaN, tensor?.offset ?? 0);
  writeFileSync(path, bytes);
  await expectUserError(
    openInt4Weights(weights, config, { folder: temporaryFolder() }),
    'invalid_input',
    'model.layers.1.mlp.up_proj.weight',
  );
});
