// Plain JavaScript that Node 20 can run: it is what finds the Node that runs everything else.
import { existsSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** The project's own Node 24, which the npm package `node` brings. */
export const ownNode = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/**
 * Whether a Node version, such as '22.18.0', runs TypeScript without a flag.
 *
 * @param {string} version
 */
export function runsTypeScript(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 18);
}

/**
 * The Node to run TypeScript with: the project's own or the running one (where it is new enough), in the order asked
 * for; undefined where there is neither.
 */
export function findNode({ current = process.versions.node, preferOwn = true } = {}) {
  // The running Node may be the project's own and have gone with an old node_modules.
  const usable = runsTypeScript(current) && existsSync(process.execPath) ? process.execPath : undefined;
  const own = existsSync(ownNode) ? ownNode : undefined;
  return preferOwn ? (own ?? usable) : (usable ?? own);
}

/**
 * The stdio of a program that is told of signals by messages, once it has said that it listens
 * (src/main/cli/interrupt.ts): a terminal sends a signal to the program, too, and it could not tell that one from our copy.
 *
 * @type {import('node:child_process').StdioOptions}
 */
export const withMessages = ['inherit', 'inherit', 'inherit', 'ipc'];

/**
 * Runs a program in the foreground (its stdio is ours, signals reach it) and answers its exit code, 128 + n where
 * signal n ended it.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<number>}
 */
export function runInForeground(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', ...options });
    let listens = false;
    child.on('message', (message) => (listens = message === 'listens for signals'));
    const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
    const pass = (/** @type {NodeJS.Signals} */ signal) => {
      if (listens && child.connected) child.send('signal', () => undefined);
      else child.kill(signal);
    };
    for (const signal of signals) process.on(signal, pass);
    const done = () => {
      for (const signal of signals) process.off(signal, pass);
    };
    child.on('error', (error) => {
      done();
      reject(error);
    });
    child.on('exit', (code, signal) => {
      done();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
