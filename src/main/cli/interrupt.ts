import { exitCode } from './exit-codes.ts';

/**
 * npm passes on the signal that the terminal has sent to the whole process group already, so that one Ctrl+C may arrive
 * twice at once: what comes within this time the same way is the same one.
 */
const sameSignalMs = 300;

/** Counts what arrives, copies left out. */
function presses(): () => number {
  let count = 0;
  let last = -Infinity;
  return () => {
    const now = performance.now();
    if (now - last > sameSignalMs) count += 1;
    last = now;
    return count;
  };
}

/**
 * Turns the first Ctrl+C (or SIGTERM, SIGHUP) into an abort of `signal`, so that the job can stop cleanly; the second ends
 * the process at once with code 130. The engine process ends with this one.
 *
 * A signal comes directly, through the launcher's message (`runInForeground` of scripts/node24.mjs), or both ways. Each
 * way is counted for itself, so that the other's copy is no second Ctrl+C, however late it comes.
 *
 * The process listens to its very end: a signal that met no listener would end it with 130 although its work is done.
 *
 * @param say writes a line to the person
 */
export function interruptible(say: (text: string) => void): { readonly signal: AbortSignal; finish(): void } {
  const controller = new AbortController();
  let finished = false;
  const on = (count: () => number) => (): void => {
    const presses = count();
    if (finished) return; // what is left takes no time
    if (presses > 1) {
      say('error: Stopped at once.');
      process.exit(exitCode('cancelled'));
    }
    if (controller.signal.aborted) return;
    say('Stopping in order. Press Ctrl+C again to end at once.');
    controller.abort();
  };
  const onSignal = on(presses());
  const onPassedOn = on(presses());
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  process.on('message', (message) => {
    if (message === 'signal') onPassedOn();
  });
  process.channel?.unref();
  process.send?.('listens for signals');
  return {
    signal: controller.signal,
    finish: () => {
      finished = true;
    },
  };
}
