// The tasks of package.json; scripts/run.mjs has made sure that this runs under Node 24 with everything installed.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closingLine, countTests, type VitestReport } from './test-counts.ts';
import { runInForeground, withMessages } from './node24.mjs';

const root = join(import.meta.dirname, '..');

/** Runs a package's own command with this Node. */
function tool(path: string, ...args: string[]): Promise<number> {
  return runInForeground(process.execPath, [join(root, 'node_modules', path), ...args], { cwd: root });
}

const eslint = (...args: string[]) => tool('eslint/bin/eslint.js', ...args);
const prettier = (...args: string[]) => tool('prettier/bin/prettier.cjs', ...args);
async function typecheck(): Promise<number> {
  const codes = [];
  for (const project of ['.', 'src/renderer', 'tests/renderer', 'tests/e2e', 'bench/ui']) {
    const known = join(root, '.cache', 'tsc', `${project.replaceAll(/\W/g, '-')}.json`);
    codes.push(
      await tool('typescript/bin/tsc', '--noEmit', '--incremental', '--tsBuildInfoFile', known, '-p', project),
    );
  }
  return codes.some((code) => code !== 0) ? 1 : 0;
}
const vitest = (...args: string[]) => tool('vitest/vitest.mjs', 'run', ...args);

async function lint(): Promise<number> {
  const codes = [await eslint('--max-warnings=0', '.'), await prettier('--check', '--log-level=warn', '.')];
  return codes.some((code) => code !== 0) ? 1 : 0;
}

/** Lint, types and tests, all three even where one fails; ends with the line `N passed, N failed`. */
async function test(...args: string[]): Promise<number> {
  const failedChecks: string[] = [];
  for (const [name, check] of [
    ['lint', lint],
    ['typecheck', typecheck],
  ] as const) {
    console.log(`\n> ${name}`);
    if ((await check()) !== 0) failedChecks.push(name);
  }

  // Without it the end-to-end tests are skipped, and it says what to install.
  (await import('./chromium.ts')).setUpChromium();

  console.log('\n> vitest run');
  const folder = mkdtempSync(join(tmpdir(), 'longhand-test-'));
  try {
    const report = join(folder, 'vitest.json');
    const code = await vitest('--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args);
    const counts = countTests(readReport(report), code, failedChecks.length);
    if (failedChecks.length > 0) console.log(`Failed besides the tests: ${failedChecks.join(', ')} (see above)`);
    console.log(closingLine(counts));
    return counts.failed === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(file: string): VitestReport | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as VitestReport;
  } catch {
    return undefined; // vitest died before it wrote one: counted as a failure
  }
}

/** Runs one of our own programs with this Node. */
function own(path: string, ...args: string[]): Promise<number> {
  return runInForeground(process.execPath, [join(root, path), ...args], { cwd: root });
}

const tasks: Record<string, (...args: string[]) => Promise<number>> = {
  test,
  lint,
  typecheck,
  format: () => prettier('--write', '--log-level=warn', '.'),
  start: async (...args: string[]) => (await import('./start.ts')).start(...args),
  build: async () => (await import('./start.ts')).build(),
  // Needs Electron's runtime, which it downloads: --linux, --win, --mac, or dir for a folder without an installer.
  package: async (...args: string[]) => {
    const { publisherFrom, publisherProblem } = await import('./publisher.ts');
    const problem = publisherProblem(args, publisherFrom(process.env));
    if (problem !== undefined) {
      console.error(problem);
      return 1;
    }
    const built = await (await import('./start.ts')).build();
    if (built !== 0) return built;
    const code = await tool('electron-builder/cli.js', '--config', 'electron-builder.config.ts', ...args);
    if (code !== 0) {
      console.error(
        "Not packaged. Where the error above is about the network: electron-builder downloads Electron's runtime, once, and packages offline after that.",
      );
    }
    return code;
  },
  // What a package would hold, without downloading anything.
  'package:sizes': async () => {
    const built = await (await import('./start.ts')).buildIfStale();
    return built === 0 ? (await import('./package-sizes.ts')).printPackageSizes() : built;
  },
  // The list of all licences in docs, from the lock file and the bundles.
  licences: async () => {
    const built = await (await import('./start.ts')).buildIfStale();
    if (built === 0) (await import('./notices.ts')).writeLicenceList();
    return built;
  },
  'guide:images': async () => (await import('./guide-images.ts')).copyGuideImages(),
  demo: (...args: string[]) =>
    runInForeground(process.execPath, [join(root, 'src', 'main', 'cli.ts'), 'demo', ...args], {
      cwd: root,
      stdio: withMessages,
    }),
  // 200 kills at random moments and a million damaged files; `npm test` has the short forms.
  'test:faults': (...args: string[]) => own('tests/faults/main.ts', ...args),
  'test:soak': (...args: string[]) =>
    runInForeground(process.execPath, ['--expose-gc', join(root, 'tests', 'soak', 'main.ts'), ...args], { cwd: root }),
  'test:fuzz': (...args: string[]) => own('tests/fuzz/main.ts', ...args),
  'setup:python': async () => (await import('./python-env.ts')).makePythonEnvironment(),
  'setup:cuda': async (...args: string[]) => (await import('./cuda.ts')).setUpCuda(...args),
  'setup:chromium': async () => (await import('./chromium.ts')).setUpChromium(),
};

const [name = '', ...args] = process.argv.slice(2);
const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
if (task === undefined) {
  console.error(`No task "${name}". There are: ${Object.keys(tasks).join(', ')}.`);
  process.exitCode = 1;
} else {
  process.exitCode = await task(...args);
}
