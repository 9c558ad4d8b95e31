import { setImmediate } from 'node:timers/promises';

/** Work cut into steps; between two of them it can be left. */
export type Steps<Result> = Generator<undefined, Result>;

/** Does one step in a turn of the event loop: other calls are answered in between. */
export async function inTurns<Result>(steps: Steps<Result>): Promise<Result> {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    await setImmediate();
  }
}

/** Does all steps at once, where nobody waits. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}
