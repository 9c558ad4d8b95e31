import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import SqliteDatabase from 'better-sqlite3';

/** One piece of synchronous work that took long. */
export interface SlowCall {
  /** A statement's SQL, `JSON.stringify`, or the calls that came while the thread was held up. */
  readonly what: string;
  readonly milliseconds: number;
  /** Processor time of this thread: less than the time where another process had the core. */
  readonly cpu: number;
  /** Of the time, how long this thread was ready and waited for a core; 0 where the system does not tell. */
  readonly waited: number;
}

export interface ThreadReport {
  /** Event-loop delay in milliseconds (perf_hooks), the timer's own interval taken off. */
  readonly delay: { readonly max: number; readonly p99: number; readonly mean: number };
  /** The longest processor time between two ticks of a 5 ms timer: what the thread did at one stretch. */
  readonly longestStretch: SlowCall;
  /** The same without the time that the thread waited for a core: what main itself, the disk or a lock took. */
  readonly longestOwn: number;
  readonly slow: readonly SlowCall[];
  readonly statements: number;
  /** Processor time of the whole process since the last report, in milliseconds. */
  readonly cpu: number;
  readonly rss: number;
}

const resolution = 1;
const tick = 5;
/** What counts as slow, in milliseconds. */
const slowFrom = 8;
const nothing: SlowCall = { what: '', milliseconds: 0, cpu: 0, waited: 0 };

function threadCpu(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Time that this thread was ready to run and had no core so far, in milliseconds. Source: Linux, sched-stats.rst. */
function threadWait(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[1] ?? 0) / 1e6;
  } catch {
    return 0;
  }
}

/** Watches this thread: how long it is held up, and by which statement or call. `noteCall` names calls as they come. */
export function watchThread(): { noteCall(name: string): void; report(): ThreadReport } {
  const delay = monitorEventLoopDelay({ resolution });
  delay.enable();
  let slow: SlowCall[] = [];
  let statements = 0;
  let calls: string[] = [];
  let longest = nothing;
  let longestOwn = 0;
  let usage = process.cpuUsage();

  const timed = <Result>(what: () => string, action: () => Result): Result => {
    const [start, cpu, wait] = [performance.now(), threadCpu(), threadWait()];
    try {
      return action();
    } finally {
      const milliseconds = performance.now() - start;
      if (milliseconds >= slowFrom) {
        slow.push({
          what: what().replaceAll(/\s+/g, ' ').trim().slice(0, 160),
          ...{ milliseconds, cpu: threadCpu() - cpu, waited: threadWait() - wait },
        });
      }
    }
  };
  const prototype = Object.getPrototypeOf(new SqliteDatabase(':memory:').prepare('SELECT 1')) as Record<
    'all' | 'get' | 'run',
    (this: SqliteDatabase.Statement, ...values: unknown[]) => unknown
  >;
  for (const name of ['all', 'get', 'run'] as const) {
    const original = prototype[name];
    prototype[name] = function (...values) {
      statements += 1;
      return timed(
        () => this.source,
        () => original.apply(this, values),
      );
    };
  }
  const { stringify } = JSON;
  JSON.stringify = ((...values: Parameters<typeof stringify>) =>
    timed(
      () => 'JSON.stringify',
      () => stringify(...values),
    )) as typeof stringify;

  let [last, lastCpu, lastWait] = [performance.now(), threadCpu(), threadWait()];
  setInterval(() => {
    const [now, cpu, wait] = [performance.now(), threadCpu(), threadWait()];
    const stretch = {
      ...{ what: calls.join(', '), milliseconds: now - last - tick },
      ...{ cpu: cpu - lastCpu, waited: wait - lastWait },
    };
    if (stretch.milliseconds > longest.milliseconds) longest = stretch;
    longestOwn = Math.max(longestOwn, stretch.milliseconds - stretch.waited);
    if (stretch.milliseconds >= 20) slow.push({ ...stretch, what: `held up after ${stretch.what}` });
    calls = [];
    [last, lastCpu, lastWait] = [now, cpu, wait];
  }, tick).unref();

  return {
    noteCall(name) {
      calls.push(name);
    },
    report() {
      const { user, system } = process.cpuUsage(usage);
      const inMilliseconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - resolution);
      const found: ThreadReport = {
        delay: {
          max: inMilliseconds(delay.max),
          p99: inMilliseconds(delay.percentile(99)),
          mean: inMilliseconds(delay.mean),
        },
        longestStretch: longest,
        longestOwn,
        slow: slow.sort((a, b) => b.milliseconds - a.milliseconds).slice(0, 20),
        statements,
        cpu: (user + system) / 1000,
        rss: process.memoryUsage.rss(),
      };
      delay.reset();
      slow = [];
      statements = 0;
      longest = nothing;
      longestOwn = 0;
      usage = process.cpuUsage();
      return found;
    },
  };
}
