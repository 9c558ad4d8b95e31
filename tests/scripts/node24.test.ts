import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findNode, ownNode, runInForeground, runsTypeScript } from '../../scripts/node24.mjs';

const node24 = join(import.meta.dirname, '../../scripts/node24.mjs');

describe('finding Node', () => {
  it.each([
    ['20.20.2', false],
    ['22.17.1', false],
    ['22.18.0', true],
    ['24.0.0', true],
  ])('%s runs TypeScript: %s', (version, expected) => {
    expect(runsTypeScript(version)).toBe(expected);
  });

  it('takes the own Node where the running one is too old', () => {
    expect(findNode({ current: '20.20.2', preferOwn: false })).toBe(ownNode);
    expect(findNode({ current: '24.1.0', preferOwn: false })).toBe(process.execPath);
  });
});

describe('runInForeground', () => {
  it('answers the exit code', async () => {
    expect(await runInForeground(process.execPath, ['-e', 'process.exit(7)'])).toBe(7);
    expect(await runInForeground(process.execPath, ['-e', 'process.kill(process.pid, "SIGKILL")'])).toBe(128 + 9);
  });

  it('passes signals on and waits for the program to end in its own way', async () => {
    const inner = `process.on('SIGTERM', () => process.exit(5)); setInterval(() => {}, 1000); console.log('up')`;
    const outer = `import { runInForeground } from ${JSON.stringify(node24)};
      process.exitCode = await runInForeground(process.execPath, ['-e', ${JSON.stringify(inner)}]);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', outer], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([5, null]);
  });
});
