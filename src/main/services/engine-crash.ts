import { UserError } from '../../shared/errors.ts';
import type { JobKind } from '../engine/protocol/jobs.ts';

/**
 * The sentence for an engine process that ended during a job: `unavailable` where its library could not be loaded,
 * `no_memory`, or `internal`.
 *
 * @param how it ended: exit code or signal
 * @param output the end of what it wrote
 * @param killedForMemory the system ended it for lack of memory
 */
export function crashed(
  kind: JobKind,
  how: string,
  output: string,
  killedForMemory: boolean,
  platform: NodeJS.Platform = process.platform,
): UserError {
  const cause = output.trim() === '' ? {} : { cause: new Error(output.trim()) };
  const reason = reasonIn(output);
  if (output.includes('ERR_DLOPEN_FAILED') && output.includes('onnxruntime')) {
    return new UserError('unavailable', `ONNX Runtime could not be loaded: ${reason}.`, {
      hint:
        platform === 'win32'
          ? 'Install the Microsoft Visual C++ Redistributable of 2022 or newer for this processor, which onnxruntime.dll needs, and start Longhand again.'
          : 'Install Longhand anew, and take other builds of the library out of LD_LIBRARY_PATH or DYLD_LIBRARY_PATH.',
      ...cause,
    });
  }
  if (killedForMemory || /bad_alloc|JavaScript heap out of memory|Array buffer allocation failed/.test(output)) {
    return new UserError('no_memory', `The memory of this machine was not enough for ${kind} (${how}).`, {
      hint: 'What it had reported is stored, so a run or a generation can be continued. Use shorter inputs, gradient checkpointing or an adapter of lower rank; longhand plan shows what needs how much.',
      ...cause,
    });
  }
  return new UserError(
    'internal',
    `The engine process ended unexpectedly (${how}) during ${kind}${reason === '' ? '' : `: ${reason}`}.`,
    {
      hint: 'What it had reported is stored, so a run or a generation can be continued; if it ends again, it may lack memory: use shorter inputs or fewer of them at a time.',
      ...cause,
    },
  );
}

/** What was thrown, as Node writes it before it ends, else the last line; without a full stop. */
function reasonIn(output: string): string {
  const lines = output.trim().split(/\r?\n/);
  const thrown = lines.find((line) => /^(?:Uncaught )?\w*Error(?: \[\w+\])?: /.test(line))?.replace(/^Error: /, '');
  return (thrown ?? lines.at(-1) ?? '').replace(/\.$/, '');
}
