import { watchedRunner } from '../model/runner.ts';
import type { ModelRunner, TreeTokens } from '../model/runner.ts';

/** Tokens read and written so far. */
export interface Meter {
  read: number;
  written: number;
}

/**
 * The same runner, whose tokens are counted. A prompt counts whole, also where its beginning is read once for several:
 * so can be said before what a set will take.
 */
export function meteredRunner(runner: ModelRunner, meter: Meter): ModelRunner {
  const reads = ({ ids }: TreeTokens): void => void (meter.read += ids.length);
  return {
    ...watchedRunner(runner, {}),
    async score(tokens, ...rest) {
      reads(tokens);
      return runner.score(tokens, ...rest);
    },
    async logProbabilities(tokens, ...rest) {
      reads(tokens);
      return runner.logProbabilities(tokens, ...rest);
    },
    async generate(input, state) {
      meter.read += input.prompts.reduce((sum, prompt) => sum + input.prefix.length + prompt.length, 0);
      const output = await runner.generate(input, state);
      meter.written += output.tokens.reduce((sum, tokens) => sum + tokens.length, 0);
      return output;
    },
  };
}
