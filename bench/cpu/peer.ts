import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';

/** These change what some machines' libraries do; the peer runs as installed. */
const UNSET = ['OPENBLAS_CORETYPE', 'OPENBLAS_L2_SIZE', 'OPENBLAS_NUM_THREADS', 'KMP_AFFINITY', 'GOMP_CPU_AFFINITY'];

const answerSchema = z.looseObject({ error: z.string().optional() });

/** PyTorch in a process that stays warm: requests and answers are JSON lines, one at a time. */
export class Peer {
  readonly #child: ChildProcess;
  readonly #input: Writable;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, input: Writable, output: Readable) {
    this.#child = child;
    this.#input = input;
    this.#lines = createInterface({ input: output })[Symbol.asyncIterator]();
  }

  static start(python: string, threads: number): Peer {
    const env: NodeJS.ProcessEnv = { ...process.env };
    for (const name of UNSET) delete env[name];
    env['OMP_NUM_THREADS'] = env['MKL_NUM_THREADS'] = String(threads);
    env['HF_HUB_OFFLINE'] = env['TRANSFORMERS_OFFLINE'] = '1';
    const child = spawn(python, [path.join(import.meta.dirname, 'peer.py')], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const { stdin, stdout } = child;
    return new Peer(child, stdin, stdout);
  }

  async ask<T extends z.ZodRawShape>(
    command: string,
    request: Readonly<Record<string, unknown>>,
    answer: T,
  ): Promise<z.output<z.ZodObject<T>>> {
    this.#input.write(`${JSON.stringify({ command, ...request })}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('The Python process ended (its messages are above).');
    const parsed: unknown = JSON.parse(line.value);
    const { error } = answerSchema.parse(parsed);
    if (error !== undefined) throw new Error(`Python, ${command}: ${error}`);
    return z.object(answer).parse(parsed);
  }

  async step(mode: PeerMode, learningRate: number): Promise<{ milliseconds: number; loss: number }> {
    const { seconds, loss } = await this.ask('step', { mode, learningRate }, { seconds: z.number(), loss: z.number() });
    return { milliseconds: 1000 * seconds, loss };
  }

  async generate(
    prompts: readonly Int32Array[],
    newTokens: number,
  ): Promise<{ milliseconds: number; tokens: number[][] }> {
    const { seconds, tokens } = await this.ask(
      'generate',
      { prompts: prompts.map((prompt) => [...prompt]), newTokens },
      { seconds: z.number(), tokens: z.array(z.array(z.number())) },
    );
    return { milliseconds: 1000 * seconds, tokens };
  }

  /** Highest resident memory so far. */
  async peakMiB(): Promise<number> {
    return (await this.ask('peak', {}, { mib: z.number() })).mib;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#input.end();
    await ended;
  }
}

/** One sequence; the pair as two padded sequences; the same with the reference's forward pass inside the step. */
export type PeerMode = 'single' | 'pair' | 'pair_reference';
