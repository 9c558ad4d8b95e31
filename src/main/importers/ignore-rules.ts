import { readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import ignore from 'ignore';

/** The rules of one .gitignore, for paths below its folder. */
export interface IgnoreRules {
  /** true: ignored, false: taken in again by a `!` rule, undefined: nothing is said about the path. */
  readonly test: (path: string, isFolder: boolean) => boolean | undefined;
}

const maxRuleBytes = 1024 * 1024;

/** Reads a folder's .gitignore; undefined where it is no text file of a sensible size. */
export async function readIgnoreRules(folder: string): Promise<IgnoreRules | undefined> {
  const bytes = await readFile(join(folder, '.gitignore'));
  if (bytes.length > maxRuleBytes) return undefined;
  const rules = ignore.default().add(bytes.toString('utf8').replace(/^\uFEFF/, ''));
  return {
    test: (path, isFolder) => {
      const below = relative(folder, path).split(sep).join('/') + (isFolder ? '/' : '');
      const { ignored, unignored } = rules.test(below);
      return ignored ? true : unignored ? false : undefined;
    },
  };
}

/** Folders that hold other people's code wherever they stand. */
const dependencies = new Set(['node_modules', 'bower_components', 'site-packages', '__pycache__', 'Pods']);

/** Names that mean dependencies or build outputs beside a project's own files, and anything at all elsewhere. */
const besideProject = new Set([
  ...['vendor', 'third_party', 'venv', 'env', 'dist', 'build', 'out', 'target', 'bin', 'obj', 'coverage', '_build'],
]);
const projectFiles = [
  ...['.git', '.gitignore', 'package.json', 'pyproject.toml', 'setup.py', 'requirements.txt', 'Cargo.toml', 'go.mod'],
  ...['pom.xml', 'build.gradle', 'build.gradle.kts', 'CMakeLists.txt', 'Makefile', 'Gemfile', 'composer.json'],
];

/** Whether a folder of dependencies or build outputs bears this name, among the names beside it. */
export function isLeftOutFolder(name: string, siblings: ReadonlySet<string>): boolean {
  if (dependencies.has(name)) return true;
  return besideProject.has(name) && projectFiles.some((file) => siblings.has(file));
}
