import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { crashed } from '../../../src/main/services/engine-crash.ts';
import { longhand } from '../cli/longhand.ts';

test.skipIf(process.platform !== 'linux')('doctor says in one sentence that the library cannot be loaded', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'longhand-broken-'));
  try {
    // Looked at before the binding's own folder, as the GPU build of the library is.
    writeFileSync(join(folder, 'libonnxruntime.so.1'), 'no library\n');
    const { code, stderr } = await longhand(['doctor', '--device', 'cpu'], { env: { LD_LIBRARY_PATH: folder } });
    expect(code).toBe(7);
    expect(stderr).toMatch(/^error: ONNX Runtime could not be loaded: .*libonnxruntime\.so\.1: file too short\.$/m);
    expect(stderr).toMatch(/what to do: .*LD_LIBRARY_PATH/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

// A fake: written after what Node says on Windows where a library that a module needs is missing; nothing was run there.
const fakeWindowsOutput = String.raw`node:internal/modules/cjs/loader:2087
  return process.dlopen(module, path.toNamespacedPath(filename));
                 ^

Error: The specified module could not be found.
\\?\C:\Longhand\resources\app.asar.unpacked\node_modules\onnxruntime-node\bin\napi-v6\win32\x64\onnxruntime_binding.node
    at Module._extensions..node (node:internal/modules/cjs/loader:2087:18)
    at Object.<anonymous> (C:\Longhand\resources\app.asar\node_modules\onnxruntime-node\dist\binding.js:11:1) {
  code: 'ERR_DLOPEN_FAILED'
}

Node.js v24.21.0`;

test('on Windows it names the runtime that the library needs (with a fake output of Node)', () => {
  const error = crashed('selfTest', 'exit code 1', fakeWindowsOutput, false, 'win32');
  expect(error.code).toBe('unavailable');
  expect(error.message).toBe('ONNX Runtime could not be loaded: The specified module could not be found.');
  expect(error.hint).toContain('Microsoft Visual C++ Redistributable');
  expect(crashed('selfTest', 'exit code 1', fakeWindowsOutput, false, 'linux').hint).not.toContain('Visual');
});

test('of another defect the error is told, not the last line of what Node says', () => {
  const output = `/a/b.ts:3\n  throw new TypeError('x')\n  ^\n\nTypeError: x is not a function\n    at c (/a/b.ts:3:9)\n\nNode.js v24.21.0\n`;
  expect(crashed('train', 'exit code 1', output, false).message).toBe(
    'The engine process ended unexpectedly (exit code 1) during train: TypeError: x is not a function.',
  );
  expect(crashed('train', 'signal SIGSEGV', 'one\ntwo\n', false).message).toContain('during train: two.');
  expect(crashed('train', 'signal SIGKILL', '', false).message).toMatch(/during train\.$/);
});
