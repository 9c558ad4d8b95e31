// Plain JavaScript that Node 20 can run.
import { existsSync, readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ownNode } from './node24.mjs';

const root = join(import.meta.dirname, '..');

/**
 * The packages of a lock file with their folders, none where there is no such file.
 *
 * @param {string} file
 * @returns {[folder: string, entry: { version: string, optional?: boolean, devOptional?: boolean }][]}
 */
function lockedPackages(file) {
  if (!existsSync(file)) return [];
  return Object.entries(JSON.parse(readFileSync(file, 'utf8')).packages ?? {}).filter(([folder]) => folder !== '');
}

/**
 * Why node_modules in `folder` is not what package-lock.json asks for, in a few words, or undefined where it is.
 * npm itself writes node_modules/.package-lock.json at the end of a completed installation: that is the stamp.
 *
 * @param {string} [folder]
 */
export function installationFault(folder = root) {
  const stamp = join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(stamp)) return 'nothing is installed yet';
  const installed = new Map(lockedPackages(stamp).map(([path, entry]) => [path, entry.version]));
  for (const [path, entry] of lockedPackages(join(folder, 'package-lock.json'))) {
    const version = installed.get(path);
    // npm leaves out the optional packages of other systems.
    if (version === undefined && (entry.optional === true || entry.devOptional === true)) continue;
    if (version !== entry.version) {
      return `${path} is ${version ?? 'missing'}, package-lock.json says ${entry.version}`;
    }
  }
  return undefined;
}

/** @param {string[]} args */
function npm(...args) {
  execFileSync('npm', [...args, '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
}

/**
 * Makes node_modules match package-lock.json. Install scripts stay off except that of the package `node`: the others
 * would compile or download what Longhand does not need for its commands and tests.
 */
export function ensureInstalled() {
  const fault = installationFault();
  if (fault !== undefined) {
    console.log(`Installing packages with "npm ci": ${fault}.`);
    npm('ci', '--ignore-scripts');
  }
  if (!existsSync(ownNode)) {
    console.log('Installing Node 24 for this folder (npm package "node").');
    npm('rebuild', 'node', '--ignore-scripts=false', '--foreground-scripts');
  }
}
