import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * Memory in use on the card, sampled by nvidia-smi every 50 ms into a file: a session's run blocks this process, so it cannot
 * sample itself.
 */
export class MemoryWatch {
  readonly #file = path.join(mkdtempSync(path.join(tmpdir(), 'memory-')), 'used');
  readonly #child: ChildProcess;

  constructor() {
    const card = process.env['CUDA_VISIBLE_DEVICES'];
    const one = card === undefined ? [] : ['-i', card];
    const query = [...one, '--query-gpu=memory.used', '--format=csv,noheader,nounits', '-lms', '50'];
    this.#child = spawn('nvidia-smi', query, { stdio: ['ignore', openSync(this.#file, 'w'), 'ignore'] });
    this.#child.on('error', () => undefined); // no card: peak() is null
  }

  /** Most MiB seen so far, of the whole card (the one of `CUDA_VISIBLE_DEVICES`, where that is set). */
  peak(): number | null {
    const seen = readFileSync(this.#file, 'utf8')
      .split('\n')
      .map(Number)
      .filter((value) => value > 0);
    return seen.length === 0 ? null : Math.max(...seen);
  }

  stop(): void {
    this.#child.kill();
  }
}
