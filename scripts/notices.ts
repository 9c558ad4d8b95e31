// What Longhand is packed with: whose it is, under which licence, and the licence's text.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Notice } from '../src/shared/api/system.ts';
import { bundledFolders } from './bundled-packages.ts';

const root = join(import.meta.dirname, '..');
const texts = join(import.meta.dirname, 'licences');
/** Made last by a build, so its age is the build's. */
export const noticesFile = join(root, 'out', 'third-party-notices.json');

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({
      version: z.string().optional(),
      license: z.string().optional(),
      dev: z.boolean().optional(),
      devOptional: z.boolean().optional(),
    }),
  ),
});
export type LockedPackages = z.output<typeof lockSchema>['packages'];

/** The packages of package-lock.json by their folders, Longhand itself left out. */
export function lockedPackages(file = join(root, 'package-lock.json')): LockedPackages {
  const { packages } = lockSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  return Object.fromEntries(Object.entries(packages).filter(([folder]) => folder !== ''));
}

/** `node_modules/a/node_modules/@b/c` -> `@b/c`. */
export const nameOf = (folder: string): string => folder.replace(/^.*node_modules\//, '');

/** Texts of packages whose folder has none, or not all: files of scripts/licences. */
const kept: Readonly<Record<string, readonly string[]>> = {
  '@bufbuild/protobuf': ['apache-2.0.txt', 'protobuf-bsd.txt'],
  isarray: ['isarray.txt'], // from its README
  'onnxruntime-common': ['onnxruntime.txt'],
  // Both from the Python wheel of the same version.
  'onnxruntime-node': ['onnxruntime.txt', 'onnxruntime-third-party.txt'],
  'react-remove-scroll-bar': ['react-remove-scroll-bar.txt'], // same author and repository family as react-remove-scroll
};

/** What packages hold of others, compiled in. */
const inside: Readonly<Record<string, Omit<Notice, 'text'> & { readonly file: string }>> = {
  unpdf: { name: 'pdf.js (in unpdf)', version: '6.1', licence: 'Apache-2.0', file: 'apache-2.0.txt' },
  'better-sqlite3': {
    name: 'SQLite (in better-sqlite3)',
    version: '3.54.1',
    licence: 'public domain',
    file: 'sqlite.txt',
  },
};

/**
 * The notices of packages, sorted by name.
 *
 * @param folders of the packages, from `base`
 * @throws Error that names every package without an entry in the lock file, a licence or a text
 */
export function noticesOf(folders: readonly string[], packages: LockedPackages, base = root): Notice[] {
  const problems: string[] = [];
  const notices = folders.flatMap((folder): Notice[] => {
    const name = nameOf(folder);
    const { version, license: licence } = packages[folder] ?? {};
    if (version === undefined || licence === undefined) {
      problems.push(`${folder}: package-lock.json has no version and licence of it`);
      return [];
    }
    const own = readdirSync(join(base, folder))
      .filter((file) => /^(licen[cs]e|copying|notice|third.?party)/i.test(file))
      .map((file) => join(base, folder, file));
    const files = [...own, ...(kept[name] ?? []).map((file) => join(texts, file))];
    if (files.length === 0)
      problems.push(`${folder}: no text of its licence (${licence}), put one into scripts/licences`);
    const read = (file: string): string => readFileSync(file, 'utf8').trim();
    const held = inside[name];
    return [
      { name, version, licence, text: files.map(read).join('\n\n') },
      ...(held === undefined ? [] : [{ name: held.name, version: held.version, licence: held.licence, text: read(join(texts, held.file)) }]), // prettier-ignore
    ];
  });
  if (problems.length > 0) throw new Error(`No notice for packages that are packed:\n${problems.join('\n')}`);
  const once = new Map(notices.map((notice) => [`${notice.name} ${notice.version}`, notice]));
  return [...once.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Folders of everything that is packed: packages under "dependencies" with theirs, and what the bundles hold. */
export function packedFolders(packages: LockedPackages): string[] {
  const shipped = Object.entries(packages).filter(([, entry]) => entry.dev !== true && entry.devOptional !== true);
  return [...new Set([...shipped.map(([folder]) => folder), ...bundledFolders(root)])].sort();
}

/** Writes the notices into out/, as JSON for the page System and as text for a person; after the bundles were built. */
export function writeNotices(): void {
  const packages = lockedPackages();
  const notices = noticesOf(packedFolders(packages), packages);
  const rule = '='.repeat(80);
  const asText = notices.map(({ name, version, licence, text }) => `${rule}\n${name} ${version}\n${licence}\n${rule}\n\n${text}\n`); // prettier-ignore
  mkdirSync(dirname(noticesFile), { recursive: true });
  writeFileSync(
    noticesFile.replace(/\.json$/, '.txt'),
    `Longhand is made with the works of others. Electron and Chromium come with files of their own.\n\n${asText.join('\n')}`,
  );
  writeFileSync(noticesFile, JSON.stringify(notices));
}

const listFile = join(root, 'docs', 'licences.md');

/** Every package of the lock file by licence, as Markdown; what is packed first. */
export function licenceList(packages: LockedPackages): string {
  const groupsOf = (chosen: readonly (readonly [string, LockedPackages[string]])[]): string => {
    const groups = new Map<string, Set<string>>();
    for (const [folder, { version = '', license: licence = 'none stated' }] of chosen) {
      groups.set(licence, (groups.get(licence) ?? new Set()).add(`${nameOf(folder)} ${version}`));
    }
    return [...groups]
      .sort(([a, some], [b, others]) => others.size - some.size || (a < b ? -1 : 1))
      .map(([licence, names]) => `**${licence}** (${names.size}): ${[...names].sort().join(', ')}.\n`)
      .join('\n');
  };
  const entries = Object.entries(packages);
  const packed = new Set(packedFolders(packages));
  const [inIt, forWork] = [entries.filter(([folder]) => packed.has(folder)), entries.filter(([folder]) => !packed.has(folder))]; // prettier-ignore
  return `# Licences

Made by \`npm run licences\` from package-lock.json and the list of modules of the built bundles; \`tests/licences.test.ts\` fails
where it is not up to date or a licence is not permissive. The texts of what is packed are on the page System, in
\`out/third-party-notices.txt\` and in every package.

## Packed with Longhand

${groupsOf(inIt)}
## For building and testing only

Never part of what is shipped. MPL-2.0 and CC-BY-4.0 are tools and data of the build, used unchanged.

${groupsOf(forWork)}`;
}

/** Writes docs/licences.md. */
export function writeLicenceList(): void {
  writeFileSync(listFile, licenceList(lockedPackages()));
}
