// Runs a task of package.json under Node 24, on a machine that may have nothing but Node 20 and npm yet.
// Plain JavaScript without dependencies; what the tasks do is in tasks.ts.
import { join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { findNode, runInForeground } from './node24.mjs';

const [task, ...args] = process.argv.slice(2);

try {
  ensureInstalled();
  const node = findNode();
  if (node === undefined) {
    throw new Error('Node 24 could not be installed from the npm package "node": use Node 22.18 or newer to run this.');
  }
  process.exitCode = await runInForeground(node, [join(import.meta.dirname, 'tasks.ts'), task ?? '', ...args]);
} catch (error) {
  console.error(`Cannot run "${task ?? ''}": ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
