import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { alwaysCheckedBytes } from './database.ts';

/** Up to this size the check takes less time than a thread. */
const quickBytes = 16 * 1024 * 1024;

const checking = `
  const { parentPort, workerData } = require('node:worker_threads');
  const Database = require(workerData.library);
  let whole = false;
  try {
    const database = new Database(workerData.file, { readonly: true, timeout: 2000 });
    whole = database.pragma('quick_check(1)', { simple: true }) === 'ok';
    database.close();
  } catch {}
  parentPort.postMessage(whole);
`;

/**
 * Checks the database of a closed workspace in a thread of its own, where opening it would check it and that would take
 * long: 1.3 s a gigabyte. True where it was found whole, so that `openWorkspace` need not look (`checked`); false where it
 * should look itself, and say what is wrong.
 *
 * @param file of the database
 * @param lockFile says after an end out of order who held the workspace
 */
export async function foundWhole(folder: string, file: string, lockFile: string): Promise<boolean> {
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes <= quickBytes) return false;
  if (bytes > alwaysCheckedBytes && !existsSync(join(folder, lockFile))) return false;
  const library = createRequire(import.meta.url).resolve('better-sqlite3');
  const worker = new Worker(checking, { eval: true, workerData: { file, library } });
  try {
    const [whole] = (await once(worker, 'message')) as [boolean];
    return whole;
  } catch {
    return false;
  } finally {
    await worker.terminate();
  }
}
