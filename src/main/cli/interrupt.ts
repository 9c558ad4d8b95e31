import { exitCode } from './exit-codes.ts';

/**
 * npm and bin/longhand.mjs pass on the signal that the terminal has sent to the whole process group already, so that one
 * Ctrl+C may arrive up to three times at once: what comes within this time is the same one.
 */
const sameSignalMs = 300;

/**
 * Turns the first Ctrl+C (or SIGTERM, SIGHUP) into an abort of `signal`, so that the job can stop cleanly; the second ends
 * the process at once with code 130. The engine process ends with this one.
 *
 * @param say writes a line to the person
 */
export function interruptible(say: (text: string) => void): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  let first: number | null = null;
  const onSignal = (): void => {
    const now = performance.now();
    if (first === null) {
      first = now;
      say('Stopping in order. Press Ctrl+C again to end at once.');
      controller.abort();
    } else if (now - first > sameSignalMs) {
      process.exit(exitCode('cancelled'));
    }
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    release: () => {
      for (const name of signals) process.off(name, onSignal);
    },
  };
}
