import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { environmentPython, environmentReady } from '../../scripts/python-env.ts';

const packages = ['torch', 'numpy', 'onnx', 'transformers', 'peft', 'safetensors', 'tokenizers', 'datasets', 'trl'];

export type PythonEnvironment = { readonly python: string } | { readonly reason: string };

let found: PythonEnvironment | undefined;

/**
 * The Python with torch, transformers and PEFT for interoperability tests, or why there is none:
 * LONGHAND_PYTHON, else the environment that `npm run setup:python` makes, else a python3 that has the packages.
 *
 * Use: `const env = pythonOrSkipReason(); describe.skipIf('reason' in env)(...)`, or in a test
 * `if ('reason' in env) return context.skip(env.reason);`.
 */
export function pythonOrSkipReason(): PythonEnvironment {
  found ??= findPython();
  return found;
}

function findPython(): PythonEnvironment {
  const named = process.env['LONGHAND_PYTHON'];
  if (named !== undefined && named !== '') {
    // Whoever names one wants the tests to run: a wrong name fails in runPython instead of skipping.
    return { python: named };
  }
  if (environmentReady()) return { python: environmentPython };
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const python = join(folder, 'python3');
    if (folder !== '' && existsSync(python) && hasPackages(python)) return { python };
  }
  return { reason: `no Python with ${packages.join(', ')}: run "npm run setup:python" or set LONGHAND_PYTHON` };
}

/** Looks the packages up without importing them, which would take seconds in every test file. */
function hasPackages(python: string): boolean {
  const script = `import importlib.util as u, sys; sys.exit(not all(u.find_spec(p) for p in ${JSON.stringify(packages)}))`;
  return spawnSync(python, ['-c', script], { stdio: 'ignore' }).status === 0;
}

/**
 * Runs a Python script of tests/python and answers what it wrote to standard output.
 *
 * @param script file name within tests/python
 * @throws Error with the end of its standard error when it fails or there is no environment
 */
export async function runPython(script: string, args: readonly string[] = []): Promise<string> {
  const env = pythonOrSkipReason();
  if ('reason' in env) throw new Error(env.reason);
  const options = {
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, HF_HUB_OFFLINE: '1', TRANSFORMERS_OFFLINE: '1', PYTHONDONTWRITEBYTECODE: '1' },
  };
  return new Promise((resolve, reject) => {
    execFile(env.python, [join(import.meta.dirname, script), ...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${script} failed: ${error.message}\n${stderr.slice(-4000)}`));
    });
  });
}
