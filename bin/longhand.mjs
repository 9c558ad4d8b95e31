#!/usr/bin/env node
// The `longhand` command: runs src/main/cli.ts under a Node that runs TypeScript.
import { join } from 'node:path';
import { findNode, runInForeground } from '../scripts/node24.mjs';

const node = findNode({ preferOwn: false });
if (node === undefined) {
  console.error(
    `Node ${process.versions.node} is too old for Longhand, and its own Node 24 is not installed.\n` +
      'Run "npm ci" in the Longhand folder, or use Node 22.18 or newer.',
  );
  process.exitCode = 1;
} else {
  const entry = join(import.meta.dirname, '..', 'src', 'main', 'cli.ts');
  process.exitCode = await runInForeground(node, [entry, ...process.argv.slice(2)]);
}
