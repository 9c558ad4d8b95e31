import type { JobProgress } from '../../shared/job-progress.ts';
import { duration, whole } from './format.ts';

/** Where progress goes: the error stream, so that the output can be piped. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  /** Clock in milliseconds. */
  readonly now?: () => number;
  /** Least time between two rewritings of the line on a terminal, and between two lines elsewhere. */
  readonly terminalMs?: number;
  readonly plainMs?: number;
}

/** How long one phase took. */
export interface PhaseTime {
  readonly phase: string;
  readonly seconds: number;
}

/** One line that says how far a job is, such as `train: 12 of 76 steps, 16%, about 31 s left`. */
export function progressLine(progress: JobProgress): string {
  const { phase, done, total, unit, part, etaSeconds } = progress;
  if (total <= 0) return done > 0 ? `${phase}: ${whole(done)} ${unit}` : phase;
  const share = `${Math.floor((100 * Math.min(done, total)) / total)}%`;
  const left = done >= total || etaSeconds === null ? '' : `, about ${duration(etaSeconds)} left`;
  const within = part === undefined ? '' : `, part ${whole(part.done)} of ${whole(part.total)} of the next`;
  return `${phase}: ${whole(done)} of ${whole(total)} ${unit}, ${share}${within}${left}`;
}

/**
 * Shows a job's progress: on a terminal one line that is rewritten, elsewhere whole lines without control characters,
 * one when a phase starts, one when it is complete and one now and then between. It also keeps each phase's wall time.
 */
export function progressReporter(stream: ProgressStream, options: ProgressOptions = {}) {
  const { now = () => performance.now(), terminalMs = 100, plainMs = 15_000 } = options;
  const terminal = stream.isTTY === true;
  let current: { readonly phase: string; readonly since: number } | null = null;
  const complete = new Set<string>();
  let lastWrite = -Infinity;
  let lineShown = false;
  const seconds = new Map<string, number>();

  const closePhase = (): void => {
    if (current === null) return;
    seconds.set(current.phase, (seconds.get(current.phase) ?? 0) + (now() - current.since) / 1000);
    current = null;
  };
  const clear = (): void => {
    if (lineShown) stream.write('\r\u001b[K');
    lineShown = false;
  };
  const show = (text: string): void => {
    lastWrite = now();
    if (!terminal) {
      stream.write(`${text}\n`);
      return;
    }
    const room = Math.max(20, (stream.columns || 80) - 1); // a terminal without a size says 0
    stream.write(`\r${text.length > room ? `${text.slice(0, room - 1)}…` : text}\u001b[K`);
    lineShown = true;
  };

  return {
    onProgress(progress: JobProgress): void {
      let started = false;
      if (current?.phase !== progress.phase) {
        closePhase();
        // Phases may take turns; only the first turn of each is news.
        started = !seconds.has(progress.phase);
        current = { phase: progress.phase, since: now() };
      }
      const due = now() - lastWrite >= (terminal ? terminalMs : plainMs);
      const isComplete = progress.total > 0 && progress.done >= progress.total;
      const justComplete = isComplete && !complete.has(progress.phase);
      if (isComplete) complete.add(progress.phase);
      else complete.delete(progress.phase);
      if (started || due || justComplete) show(progressLine(progress));
    },
    /** Writes a line above the progress. */
    note(text: string): void {
      clear();
      stream.write(`${text}\n`);
    },
    /** Takes the line off the terminal; answers how long each phase took, in the order of their start. */
    finish(): PhaseTime[] {
      closePhase();
      clear();
      return [...seconds].map(([phase, time]) => ({ phase, seconds: time }));
    },
  };
}

export type ProgressReporter = ReturnType<typeof progressReporter>;
