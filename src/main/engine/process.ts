import { stopSignals } from '../files/stop-signals.ts';
import { asSystemError } from '../files/system-error.ts';
import { jobs } from './jobs/all.ts';
import type { JobContext } from './jobs/job-context.ts';
import { ModelHolder } from './jobs/model-holder.ts';
import type { JobKind, ReplyTo } from './protocol/jobs.ts';
import type { EngineUsage, FromEngine, ToEngine } from './protocol/messages.ts';
import { fromWireError, toWireError } from './protocol/wire-error.ts';

/** Entry of the engine process: runs the jobs that main asks for, one at a time, and ends when main is gone. */

const progressMilliseconds = 100;

const models = new ModelHolder();
const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>();
let current: { readonly id: number; readonly stop: AbortController } | undefined;
let nextEvent = 1;

function send(message: FromEngine): void {
  // Without a channel the process is about to end (see 'disconnect').
  if (process.connected) process.send?.(message);
}

process.on('message', (message) => {
  const received = message as ToEngine;
  switch (received.type) {
    case 'start':
      void run(received.job, received.kind, received.input);
      return;
    case 'cancel':
      if (current?.id === received.job) current.stop.abort();
      return;
    case 'reply':
      waiting.get(received.event)?.resolve(received.value);
      waiting.delete(received.event);
      return;
    case 'refuse':
      waiting.get(received.event)?.reject(fromWireError(received.error));
      waiting.delete(received.event);
  }
});
process.on('disconnect', () => process.exit(0));
// A terminal sends Ctrl+C to every process of the group. Main decides: it cancels the job, so that the job ends in order.
for (const signal of stopSignals) process.on(signal, () => undefined);

async function run(id: number, kind: JobKind, input: unknown): Promise<void> {
  if (current !== undefined) throw new Error(`job ${id} was started while job ${current.id} runs`);
  const stop = new AbortController();
  current = { id, stop };
  const started = performance.now();
  const usage = (): EngineUsage => ({
    seconds: (performance.now() - started) / 1000,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  });
  send({ type: 'started', job: id });
  try {
    const job = jobs[kind] as (input: unknown, context: JobContext<JobKind>) => Promise<unknown>;
    const result = await job(input, contextOf(id, stop.signal));
    current = undefined;
    send({ type: 'finished', job: id, result, usage: usage() });
  } catch (error) {
    current = undefined;
    send({ type: 'failed', job: id, error: toWireError(asSystemError(error)), usage: usage() });
  }
}

function contextOf(job: number, signal: AbortSignal): JobContext<JobKind> {
  let last = { phase: '', at: -Infinity };
  return {
    signal,
    models,
    emit: <Event>(value: Event) =>
      new Promise<ReplyTo<Event>>((resolve, reject) => {
        const event = nextEvent++;
        waiting.set(event, { resolve: (reply) => resolve(reply as ReplyTo<Event>), reject });
        send({ type: 'event', job, event, value });
      }),
    progress(progress) {
      const now = performance.now();
      const isNews = progress.phase !== last.phase || progress.done >= progress.total;
      if (!isNews && now - last.at < progressMilliseconds) return;
      last = { phase: progress.phase, at: now };
      send({ type: 'progress', job, progress });
    },
    notice: (message) => send({ type: 'notice', job, message }),
  };
}
