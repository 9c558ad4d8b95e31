import type { Sample } from '../../../shared/pairs.ts';
import type { SampleRequest } from '../protocol/jobs.ts';
import type { EventSink } from './job-context.ts';
import { stopIfAborted } from './job-context.ts';

/** Fetches `count` samples of a set from main, one at a time (they hold whole documents). */
export async function readSamples(
  context: EventSink<SampleRequest>,
  set: SampleRequest['set'],
  count: number,
  from = 0,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let index = from; index < from + count; index += 1) {
    stopIfAborted(context.signal);
    samples.push(await context.emit({ type: 'readSample', set, index }));
  }
  return samples;
}
