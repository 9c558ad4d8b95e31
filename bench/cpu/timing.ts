import { setTimeout as sleep } from 'node:timers/promises';

/** Something that is timed: one call is one measurement, in milliseconds. */
export interface Contender {
  readonly name: string;
  readonly run: () => Promise<number>;
}

export interface Times {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly runs: number;
}

/** Threads of both sides spin for a moment after their work. */
const SETTLE_MS = 50;

/** Times the contenders in turn, A B C A B C ..., so that a slow minute hits all; `warmup` rounds are not counted. */
export async function inTurn(contenders: readonly Contender[], rounds: number, warmup: number): Promise<Times[]> {
  const times = contenders.map((): number[] => []);
  for (let round = 0; round < warmup + rounds; round++) {
    for (const [i, { run }] of contenders.entries()) {
      await sleep(SETTLE_MS);
      const time = await run();
      if (round >= warmup) times[i]?.push(time);
    }
  }
  return times.map(summary);
}

/** Milliseconds of one call. */
export async function timed(call: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await call();
  return performance.now() - start;
}

function summary(times: readonly number[]): Times {
  const sorted = times.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const at = (i: number): number => sorted[i] ?? NaN;
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { median, least: at(0), most: at(sorted.length - 1), runs: sorted.length };
}
