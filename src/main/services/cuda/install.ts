import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { UserError } from '../../../shared/errors.ts';
import { writeFileAtomic } from '../../files/atomic-write.ts';
import { installedFile, libraryFolder } from './folder.ts';
import { fromSystem, systemLibraries } from './libraries.ts';
import type { SystemLibraries } from './libraries.ts';
import { WHEELS } from './wheels.ts';
import type { Wheel, WheelFile } from './wheels.ts';

export interface InstallOptions {
  readonly folder: string;
  /** Bring every library, also those of a CUDA toolkit that is on the machine. */
  readonly all?: boolean;
  readonly wheels?: readonly Wheel[];
  readonly python?: string;
  readonly system?: SystemLibraries;
  /** A line of progress. */
  readonly say: (line: string) => void;
  /** Arguments of pip beside the usual ones (tests: a folder of wheels instead of an index). */
  readonly pipArguments?: readonly string[];
}

/** The wheels are chosen for this Python and these systems, whatever Python downloads them. */
const TARGET = [
  ...['--no-deps', '--only-binary=:all:', '--python-version', '3.12', '--implementation', 'cp'],
  ...[
    'manylinux_2_28_x86_64',
    'manylinux_2_27_x86_64',
    'manylinux2014_x86_64',
    'manylinux2010_x86_64',
    'linux_x86_64',
  ].flatMap((platform) => ['--platform', platform]),
  ...['--disable-pip-version-check', '--no-cache-dir'],
];
/** From this version on, pip goes on with a download that broke off. */
const RESUMING_PIP = 25.1;
/** Room beside what is needed. */
const SPARE = 2 ** 28;

const run = promisify(execFile);

/** Takes members out of a wheel; zipfile checks their CRC. Arguments: wheel, then member and target in turn. */
const UNPACK = `
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for member, target in zip(sys.argv[2::2], sys.argv[3::2]):
        with wheel.open(member) as source, open(target, 'wb') as out:
            shutil.copyfileobj(source, out, 1 << 22)
`;

/**
 * Brings the CUDA provider and the CUDA libraries into the folder, from Python wheels with pinned versions and hashes; no
 * Python package is installed. Whatever is there and whole is kept, a library whose hash is wrong is replaced, and a wheel
 * that was downloaded to its end is not downloaded again: an interrupted installation goes on where it was.
 *
 * @returns how many wheels had to be brought
 * Errors: `unavailable` without Python and pip or when a download fails, `no_space`.
 */
export async function installCuda(options: InstallOptions): Promise<number> {
  const { folder, say, wheels = WHEELS } = options;
  const python = options.python ?? 'python3';
  const library = libraryFolder(folder);
  await mkdir(library, { recursive: true });
  const system = options.all === true ? new Map<string, string>() : (options.system ?? (await systemLibraries()));
  const versions: Record<string, string> = {};
  const wanted: Wheel[] = [];
  for (const wheel of wheels) {
    if (await isInstalled(wheel, library)) {
      say(`${wheel.name} ${wheel.version}: is there`);
      versions[wheel.name] = wheel.version;
      continue;
    }
    const shared = fromSystem(wheel, system);
    if (shared === undefined) wanted.push(wheel);
    else say(`${wheel.name}: the machine's own (${shared[0] ?? ''})`);
  }
  if (wanted.length > 0) {
    await checkSpace(folder, wanted);
    const resume = await pipOptions(python);
    for (const [i, wheel] of wanted.entries()) {
      say(`[${i + 1}/${wanted.length}] ${wheel.name} ${wheel.version}, ${megabytes(wheel.bytes)} MB`);
      const file = await download(
        wheel,
        join(folder, 'downloads'),
        python,
        [...resume, ...(options.pipArguments ?? [])],
        say,
      );
      await unpack(wheel, file, library, python);
      versions[wheel.name] = wheel.version;
    }
  }
  await writeFileAtomic(installedFile(folder), `${JSON.stringify({ versions }, null, 1)}\n`);
  await rm(join(folder, 'downloads'), { recursive: true, force: true });
  return wanted.length;
}

/** SHA-256 of a file, in hexadecimal. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 22 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}

async function isWhole(path: string, { bytes, sha256: hash }: { readonly bytes: number; readonly sha256: string }) {
  return statSync(path, { throwIfNoEntry: false })?.size === bytes && (await sha256(path)) === hash;
}

async function isInstalled(wheel: Wheel, library: string): Promise<boolean> {
  for (const file of wheel.files) if (!(await isWhole(join(library, file.name), file))) return false;
  return true;
}

async function checkSpace(folder: string, wheels: readonly Wheel[]): Promise<void> {
  const needed = wheels.reduce(
    (sum, { bytes, files }) => sum + bytes + files.reduce((all, file) => all + file.bytes, 0),
    SPARE,
  );
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= needed) return;
  throw new UserError(
    'no_space',
    `The CUDA libraries need ${megabytes(needed)} MB in ${folder}, but only ${megabytes(bavail * bsize)} MB are free.`,
    { hint: 'Free some space, or name another folder with LONGHAND_CUDA.', place: { file: folder } },
  );
}

/** Whether Python and pip can be used, and how pip goes on with a broken download. */
async function pipOptions(python: string): Promise<string[]> {
  let text: string;
  try {
    text = (await run(python, ['-m', 'pip', '--version'], { encoding: 'utf8' })).stdout;
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new UserError('unavailable', missing ? `There is no ${python} on this machine.` : `${python} has no pip.`, {
      hint: 'The wheels are downloaded with Python 3 and its pip (python3-pip on Debian and Ubuntu); nothing is installed into Python.',
      cause: error,
    });
  }
  const version = Number.parseFloat(/^pip (\d+\.\d+)/.exec(text)?.[1] ?? '0');
  return version >= RESUMING_PIP ? ['--resume-retries', '10'] : [];
}

/** The wheel's file, downloaded unless it is there and whole. */
async function download(
  wheel: Wheel,
  folder: string,
  python: string,
  pipArguments: readonly string[],
  say: (line: string) => void,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const prefix = `${wheel.name.replaceAll('-', '_')}-${wheel.version}-`;
  const present = (): string[] =>
    readdirSync(folder)
      .filter((name) => name.startsWith(prefix) && name.endsWith('.whl'))
      .map((name) => join(folder, name));
  for (const path of present()) {
    if (await isWhole(path, wheel)) return path;
    say(`  ${path} is damaged and is downloaded again`);
    await rm(path);
  }
  const list = join(folder, `${wheel.name}.txt`);
  await writeFile(list, `${wheel.name}==${wheel.version} --hash=sha256:${wheel.sha256}\n`);
  const args = ['-m', 'pip', 'download', ...TARGET, ...pipArguments, '--require-hashes', '-r', list, '-d', folder];
  const { code, tail } = await runPip(python, args);
  const [path] = present();
  if (code !== 0 || path === undefined || !(await isWhole(path, wheel))) {
    throw new UserError('unavailable', `${wheel.name} ${wheel.version} could not be downloaded${tail}.`, {
      hint: 'Check the network and run it again: what is there is kept.',
    });
  }
  return path;
}

/** Runs pip with its progress on this terminal; `tail` is its last error. */
function runPip(
  python: string,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly tail: string }> {
  return new Promise((resolve) => {
    const child = spawn(python, args, { stdio: ['ignore', process.stdout.isTTY ? 'inherit' : 'ignore', 'pipe'] });
    let text = '';
    child.stderr.on('data', (piece: Buffer) => {
      text = (text + piece.toString()).slice(-4000);
    });
    child.on('error', (error) => {
      resolve({ code: null, tail: `: ${error.message}` });
    });
    child.on('close', (code) => {
      const errors = text.split('\n').filter((line) => line.startsWith('ERROR:'));
      const last = errors
        .at(-1)
        ?.replace(/^ERROR:\s*/, '')
        .replace(/\.$/, '');
      resolve({ code, tail: last === undefined ? '' : `: ${last}` });
    });
  });
}

/** Takes the libraries out under temporary names, checks their hashes and puts them in their places. */
async function unpack(wheel: Wheel, path: string, library: string, python: string): Promise<void> {
  const temporary = ({ name }: WheelFile): string => join(library, `${name}.tmp`);
  const pairs = wheel.files.flatMap((file) => [file.member, temporary(file)]);
  try {
    await run(python, ['-c', UNPACK, path, ...pairs]);
    for (const file of wheel.files) {
      if (await isWhole(temporary(file), file)) continue;
      throw new UserError('unavailable', `${file.name} in ${wheel.name} ${wheel.version} is not what it should be.`, {
        hint: 'Run it again; if it stays so, this version of Longhand does not fit the wheel.',
      });
    }
    for (const file of wheel.files) await rename(temporary(file), join(library, file.name));
    await rm(path);
  } finally {
    for (const file of wheel.files) if (existsSync(temporary(file))) await rm(temporary(file));
  }
}

function megabytes(bytes: number): string {
  return Math.ceil(bytes / 1e6).toLocaleString('en');
}
