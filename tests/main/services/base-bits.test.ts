import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSafetensors } from '../../../src/main/engine/model/safetensors.ts';
import { exportAdapter, exportMerged } from '../../../src/main/services/exports.ts';
import { continueFrom, runDetail, train } from '../../../src/main/services/runs.ts';
import { addPairs, exactRows, open, temporaryFolder, tinyModel } from './fixtures.ts';
import { tinyRun } from './tiny-run.ts';

const before = process.env['LONGHAND_WEIGHTS'];
beforeAll(() => {
  process.env['LONGHAND_WEIGHTS'] = temporaryFolder();
});
afterAll(() => {
  if (before === undefined) delete process.env['LONGHAND_WEIGHTS'];
  else process.env['LONGHAND_WEIGHTS'] = before;
});

test('a run on 4-bit weights has references, checkpoints and an adapter of its own', async () => {
  const context = open();
  addPairs(context, 10);
  const config = { ...tinyRun, epochs: null, maxSteps: 2, heldOutFraction: 0 };
  const request = (baseBits: 'own' | '4') => ({ modelDir: tinyModel('llama'), config: { ...config, baseBits } });
  const references = (): { name: string; rows: number }[] => {
    const database = new Database(join(context.workspace.folder, 'workspace.db'), { readonly: true });
    const sql =
      'SELECT model_fingerprint AS name, count(*) AS rows FROM reference_logps GROUP BY 1 ORDER BY length(name)';
    const rows = database.prepare<[], { name: string; rows: number }>(sql).all();
    database.close();
    return rows;
  };

  const { run: own } = await train(context, request('own'));
  const [plain] = references();
  const converted: string[] = [];
  const { run: packed } = await train(context, request('4'), {
    onProgress: ({ phase, done, total, unit }) => {
      if (phase === 'convert') converted.push(`${done}/${total} ${unit}`);
    },
  });
  expect(converted.at(-1)).toMatch(/^(\d+)\/\1 layers to 4 bits$/);
  expect(converted[0]).toMatch(/^0\//);
  const [same, other] = references();
  expect(same).toEqual(plain);
  expect(other).toEqual({ name: `${own.modelFingerprint}+int4-b32-v1`, rows: plain?.rows });
  expect(packed.modelFingerprint).toBe(own.modelFingerprint);
  const losses = (id: number): number[] => exactRows(context, id).filter(({ key }) => key === 'loss').map((row) => row.value); // prettier-ignore
  const [[a = 0] = [], [b = 0] = []] = [losses(own.id), losses(packed.id)];
  expect(a).not.toBe(b);
  expect(Math.abs(a / b - 1)).toBeLessThan(0.05);
  expect(readdirSync(process.env['LONGHAND_WEIGHTS'] ?? '')).toHaveLength(1);

  const [checkpoint] = runDetail(context, packed.id).checkpoints;
  const from = { runId: packed.id, checkpointId: checkpoint?.id ?? 0 };
  const changed = continueFrom(context, { ...from, config: { baseBits: 'own', maxSteps: 3 } });
  await expect(changed).rejects.toMatchObject({ code: 'invalid_input', place: { field: 'baseBits' } });

  const metadata = async (runId: number): Promise<string | undefined> => {
    const { dir } = await exportAdapter(context, { runId, dir: join(temporaryFolder(), 'adapter') });
    return (await openSafetensors(join(dir, 'adapter_model.safetensors'))).metadata['base_precision'];
  };
  expect([await metadata(own.id), await metadata(packed.id)]).toEqual([undefined, 'int4-b32-v1']);
  const notices: string[] = [];
  const merge = (runId: number) =>
    exportMerged(
      context,
      { runId, dir: join(temporaryFolder(), 'merged') },
      { onNotice: (text) => notices.push(text) },
    );
  await merge(own.id);
  expect(notices).toEqual([]);
  await merge(packed.id);
  expect(notices.join()).toContain('4 bits');
}, 60_000);
