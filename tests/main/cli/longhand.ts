import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
const bin = fileURLToPath(new URL('../../../bin/longhand.mjs', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves once the error output contains the text. */
  readonly said: (text: string) => Promise<void>;
}

/** Starts the real `longhand` command in a process group of its own, as a terminal does. */
export function start(args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}): Running {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: options.cwd ?? root,
    env: { ...process.env, LONGHAND_WORKSPACE: '', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  let onStderr = (): void => undefined;
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString();
    onStderr();
  });
  return {
    child,
    ended: new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    }),
    said: (text) =>
      new Promise((resolve, reject) => {
        onStderr = () => {
          if (stderr.includes(text)) resolve();
        };
        onStderr();
        child.on('close', () => reject(new Error(`ended without "${text}": ${stderr}`)));
      }),
  };
}

/** Runs the real `longhand` command to its end. */
export function longhand(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Ended> {
  return start(args, options).ended;
}

/** Ctrl+C at a terminal: every process of the group gets the signal. */
export function pressCtrlC({ child }: Running): void {
  if (child.pid === undefined) throw new Error('the command did not start');
  process.kill(-child.pid, 'SIGINT');
}
