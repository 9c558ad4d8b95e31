// `npm start`: Electron where its runtime is there, else the loopback host; the bundles are built when they are not fresh.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { runInForeground } from './node24.mjs';
import { noticesFile, writeNotices } from './notices.ts';

const root = join(import.meta.dirname, '..');

/** The newest modification below a folder, in milliseconds. */
function newest(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((latest, entry) => Math.max(latest, statSync(join(entry.parentPath, entry.name)).mtimeMs), 0);
}

/** Builds main, preload and renderer into out/, and the notices of whatever is packed; fails where one is missing. */
export async function build(): Promise<number> {
  const code = await runInForeground(
    process.execPath,
    [join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js'), 'build', '--logLevel', 'warn'],
    { cwd: root },
  );
  if (code !== 0) return code;
  try {
    writeNotices();
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

/** Builds unless out/ is newer than everything that it is made of. */
export async function buildIfStale(): Promise<number> {
  const sources = Math.max(newest(join(root, 'src')), statSync(join(root, 'package-lock.json')).mtimeMs);
  if (existsSync(noticesFile) && statSync(noticesFile).mtimeMs > sources) return 0;
  console.log('Building the application (some seconds).');
  return build();
}

/** The Electron program, where its runtime has been downloaded. */
function electronProgram(): string | undefined {
  const names = { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' } as Readonly<
    Record<string, string>
  >;
  const program = join(root, 'node_modules', 'electron', 'dist', names[process.platform] ?? 'electron');
  return existsSync(program) ? program : undefined;
}

export async function start(...args: string[]): Promise<number> {
  const code = await buildIfStale();
  if (code !== 0) return code;
  const program = electronProgram();
  if (program !== undefined && !args.includes('--browser')) {
    return runInForeground(program, [join(root, 'out', 'main', 'index.js'), ...args], { cwd: root });
  }
  if (!args.includes('--browser')) {
    console.log(
      'The Electron runtime is not installed here, so Longhand opens in your browser (npx electron --version fetches it).',
    );
  }
  return runInForeground(process.execPath, [join(root, 'src', 'main', 'shell', 'loopback', 'main.ts'), ...args], {
    cwd: root,
  });
}
