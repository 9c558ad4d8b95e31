// `npm run package:sizes`: packs by electron-builder's own rules, without Electron's runtime, and says what is how large.
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import configuration from '../electron-builder.config.ts';

const root = join(import.meta.dirname, '..');

export type System = 'linux' | 'win';
export type Architecture = 'x64' | 'arm64';

/** A file of the packaged application: `path` from its root, `size` in bytes. */
export interface PackedFile {
  readonly path: string;
  readonly size: number;
  /** Beside the archive, where the system can open it. */
  readonly unpacked: boolean;
  readonly read: () => Buffer;
}

/**
 * Runs electron-builder on the built bundles with a few empty files for Electron's runtime, which is therefore not
 * counted and not needed. Answers the folder with `app.asar` and `app.asar.unpacked`. Nothing is downloaded.
 *
 * @param folder empty, for all that is written
 */
export async function packWithoutRuntime(folder: string, system: System, architecture: Architecture): Promise<string> {
  const { Arch, Platform, build } = await import('electron-builder');
  const runtime = join(folder, 'runtime');
  mkdirSync(join(runtime, 'resources'), { recursive: true });
  for (const name of ['electron', 'electron.exe', 'LICENSE', 'LICENSES.chromium.html', 'version']) {
    writeFileSync(join(runtime, name), '');
  }
  chmodSync(join(runtime, 'electron'), 0o755);
  await build({
    projectDir: root,
    publish: 'never',
    targets: (system === 'linux' ? Platform.LINUX : Platform.WINDOWS).createTarget('dir', Arch[architecture]),
    config: {
      ...configuration,
      electronDist: runtime,
      // Both write into the runtime's program.
      electronFuses: null,
      disableAsarIntegrity: true,
      win: { ...configuration.win, signAndEditExecutable: false },
      directories: { ...configuration.directories, output: join(folder, 'packed') },
    },
  });
  const suffix = architecture === 'x64' ? '' : `-${architecture}`;
  return join(folder, 'packed', `${system}${suffix}-unpacked`, 'resources');
}

interface ArchiveEntry {
  readonly files?: Readonly<Record<string, ArchiveEntry>> | undefined;
  readonly size?: number | undefined;
  readonly offset?: string | undefined;
  readonly unpacked?: boolean | undefined;
}
const entrySchema: z.ZodType<ArchiveEntry> = z.lazy(() =>
  z.object({
    files: z.record(z.string(), entrySchema).optional(),
    size: z.int().optional(),
    offset: z.string().optional(),
    unpacked: z.boolean().optional(),
  }),
);

/** All files of an `app.asar` and of the folder beside it. Format: four u32 (lengths), a JSON header, the files' bytes. */
export function packedFiles(resources: string): PackedFile[] {
  const archive = join(resources, 'app.asar');
  const at = (position: number, length: number): Buffer => {
    const file = openSync(archive, 'r');
    try {
      const bytes = Buffer.alloc(length);
      readSync(file, bytes, 0, length, position);
      return bytes;
    } finally {
      closeSync(file);
    }
  };
  const lengths = at(0, 16);
  const start = 8 + lengths.readUInt32LE(4);
  const header = entrySchema.parse(JSON.parse(at(16, lengths.readUInt32LE(12)).toString()));
  const found: PackedFile[] = [];
  const walk = (entry: ArchiveEntry, path: string): void => {
    for (const [name, child] of Object.entries(entry.files ?? {})) walk(child, path === '' ? name : `${path}/${name}`);
    const { size, offset, unpacked = false } = entry;
    if (size === undefined) return;
    const read = (): Buffer =>
      unpacked ? readFileSync(`${archive}.unpacked/${path}`) : at(start + Number(offset ?? 0), size);
    found.push({ path, size, unpacked, read });
  };
  walk(header, '');
  return found;
}

/** Writes the files of a package out as a folder, as Electron shows them to the application. */
export function unpackTo(folder: string, files: readonly PackedFile[]): void {
  for (const { path, read } of files) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), read());
  }
}

/** A line of the size table; `compressed` in bytes is gzip's, file by file. */
export interface SizeRow {
  readonly part: string;
  readonly files: number;
  readonly bytes: number;
  readonly compressed: number;
}

/** Sums by part: each bundle, each package above 1 MB, the rest of the packages, the demo; the largest first. */
export function sizeTable(files: readonly PackedFile[]): SizeRow[] {
  const nameOf = (path: string): string => {
    const [top = '', name = '', scoped = ''] = path.split('/');
    if (top !== 'node_modules') return name === '' || path.split('/').length < 3 ? top : `${top}/${name}`;
    return `${top}/${name.startsWith('@') ? `${name}/${scoped}` : name}`;
  };
  const sums = new Map<string, SizeRow>();
  const add = (part: string, files: number, bytes: number, compressed: number): void => {
    const sum = sums.get(part) ?? { part, files: 0, bytes: 0, compressed: 0 };
    sums.set(part, {
      part,
      files: sum.files + files,
      bytes: sum.bytes + bytes,
      compressed: sum.compressed + compressed,
    });
  };
  for (const file of files) add(nameOf(file.path), 1, file.size, gzipSync(file.read()).length);
  for (const row of [...sums.values()]) {
    if (!row.part.startsWith('node_modules/') || row.bytes >= 1e6) continue;
    sums.delete(row.part);
    add('other packages', row.files, row.bytes, row.compressed);
  }
  return [...sums.values()].toSorted((a, b) => b.bytes - a.bytes);
}

/** Prints one table a system and architecture, in MB of 10^6 bytes. */
export async function printPackageSizes(): Promise<number> {
  const targets = [['linux', 'x64'], ['linux', 'arm64'], ['win', 'x64'], ['win', 'arm64']] as const; // prettier-ignore
  const lines: string[] = [];
  for (const [system, architecture] of targets) {
    const folder = mkdtempSync(join(tmpdir(), 'longhand-sizes-'));
    try {
      const rows = sizeTable(packedFiles(await packWithoutRuntime(folder, system, architecture)));
      const sum = (key: 'files' | 'bytes' | 'compressed'): number => rows.reduce((all, row) => all + row[key], 0);
      const all = { part: 'all', files: sum('files'), bytes: sum('bytes'), compressed: sum('compressed') };
      lines.push('', `${system} ${architecture}, without Electron's runtime`, '', '| part | files | MB | gzip, MB |', '|---|---:|---:|---:|'); // prettier-ignore
      for (const { part, files, bytes, compressed } of [...rows, all]) {
        lines.push(`| ${part} | ${files} | ${(bytes / 1e6).toFixed(2)} | ${(compressed / 1e6).toFixed(2)} |`);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  console.log(lines.join('\n'));
  return 0;
}
