#!/usr/bin/env node
// The `longhand` command: runs src/main/cli.ts under a Node that runs TypeScript.
import { join } from 'node:path';
import { installationFault } from '../scripts/install.mjs';
import { findNode, runInForeground, withMessages } from '../scripts/node24.mjs';

const node = findNode({ preferOwn: false });
const fault = installationFault();
if (node === undefined || fault !== undefined) {
  const reason = fault ?? `Node ${process.versions.node} is too old and Longhand's own Node 24 is missing`;
  console.error(`Longhand cannot start: ${reason}.\nRun "npm ci" in ${join(import.meta.dirname, '..')} first.`);
  process.exitCode = 7; // unavailable, see src/main/cli/exit-codes.ts
} else {
  // To the very end: the command answers signals, and its exit code is the answer.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
  const entry = join(import.meta.dirname, '..', 'src', 'main', 'cli.ts');
  process.exit(await runInForeground(node, [entry, ...process.argv.slice(2)], { stdio: withMessages }));
}
