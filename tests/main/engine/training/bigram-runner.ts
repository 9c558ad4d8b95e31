import type { ModelConfig } from '../../../../src/main/engine/model/config.ts';
import type { ParameterLayout } from '../../../../src/main/engine/model/parameters.ts';
import type { RopeTables } from '../../../../src/main/engine/model/rope.ts';
import type {
  GenerateInput,
  GradientOutput,
  ModelRunner,
  ModelState,
  ObjectiveInput,
  Targets,
  TreeTokens,
} from '../../../../src/main/engine/model/runner.ts';
import { objectiveValue } from '../../../../src/main/engine/training/objectives.ts';
import { randomStream } from '../../../../src/main/engine/random.ts';

export const VOCABULARY = 12;
/** From this position on the model adds other logits: a long context is read worse than a short one. */
const FAR = 16;

/** The bigram model does not rotate anything. */
export const NO_ROPE: RopeTables = { cos: new Float32Array(), sin: new Float32Array(), length: 0, half: 0 };

/**
 * A real, very small language model in float64 with exact gradients: the logits of the next token are a table row of
 * the last token plus a row for near or far positions. Parameters: table [V, V], position [2, V].
 */
export class BigramRunner implements ModelRunner {
  readonly layout: ParameterLayout = {
    kind: 'full',
    tensors: [
      { name: 'table', shape: [VOCABULARY, VOCABULARY], offset: 0, size: VOCABULARY ** 2 },
      { name: 'position', shape: [2, VOCABULARY], offset: VOCABULARY ** 2, size: 2 * VOCABULARY },
    ],
    total: VOCABULARY ** 2 + 2 * VOCABULARY,
  };

  readonly config: ModelConfig = {
    modelType: 'llama',
    hiddenSize: 2,
    intermediateSize: 2,
    numLayers: 1,
    numHeads: 1,
    numKvHeads: 1,
    headDim: 2,
    vocabSize: VOCABULARY,
    rmsNormEps: 1e-5,
    rope: { type: 'default', theta: 10000 },
    tieWordEmbeddings: false,
    qkvBias: false,
    outputBias: false,
    mlpBias: false,
    qkNorm: false,
    maxPositionEmbeddings: 64,
    bosTokenId: null,
    eosTokenIds: [1],
    padTokenId: 0,
    torchDtype: 'float64',
  };

  /** Rows scored so far, to see what was computed. */
  scored = 0;

  /** Full fine-tuning: the start is the model itself. */
  readonly initialParameters = (): Promise<Float32Array> => this.referenceParameters();
  readonly referenceParameters = (): Promise<Float32Array> => Promise.resolve(randomParameters(0));

  async score(tokens: TreeTokens, { from, target }: Targets, state: ModelState): Promise<Float32Array> {
    this.scored += from.length;
    return Float32Array.from(
      from,
      (row, m) => logSoftmax(logitsAt(tokens, row, state.parameters))[target[m] ?? -1] ?? NaN,
    );
  }

  async logProbabilities(tokens: TreeTokens, rows: Int32Array, state: ModelState): Promise<Float32Array> {
    return Float32Array.from([...rows].flatMap((row) => logSoftmax(logitsAt(tokens, row, state.parameters))));
  }

  async gradients(
    tokens: TreeTokens,
    targets: Targets,
    objective: ObjectiveInput,
    state: ModelState,
  ): Promise<GradientOutput> {
    const { from, target } = targets;
    const logps = await this.score(tokens, targets, state);
    const { loss, nll, preference, slopes } = objectiveValue(logps, objective);
    const gradient = new Float64Array(this.layout.total);
    from.forEach((row, m) => {
      const weight = slopes[m] ?? NaN; // d loss / d logp
      const { table, position } = offsetsAt(tokens, row);
      logSoftmax(logitsAt(tokens, row, state.parameters)).forEach((logp, v) => {
        const value = weight * ((v === target[m] ? 1 : 0) - Math.exp(logp));
        gradient[table + v] = (gradient[table + v] ?? 0) + value;
        gradient[position + v] = (gradient[position + v] ?? 0) + value;
      });
    });
    return { logps, loss, nll, preference, gradient: Float32Array.from(gradient) };
  }

  logits = notOfThisModel;
  hiddenStates = notOfThisModel;

  /** One sequence at a time, sampled by the inverse of the distribution function. */
  async generate({ prompts, maxNewTokens, uniforms, stopIds }: GenerateInput, state: ModelState) {
    const tokens = prompts.map((prompt, p) => {
      const ids = [...prompt];
      while (ids.length < prompt.length + maxNewTokens && !stopIds.includes(ids.at(-1) ?? -1)) {
        const row = { ids: Int32Array.from(ids), prefix: ids.length, first: 0, second: 0 };
        let left = uniforms[p * maxNewTokens + ids.length - prompt.length] ?? NaN;
        const logps = logSoftmax(logitsAt(row, ids.length - 1, state.parameters));
        const drawn = logps.findIndex((logp) => (left -= Math.exp(logp)) < 0);
        ids.push(drawn < 0 ? VOCABULARY - 1 : drawn);
      }
      return Int32Array.from(ids.slice(prompt.length));
    });
    return { tokens, finish: tokens.map(() => 'length' as const) };
  }

  async release(): Promise<void> {}
}

function notOfThisModel(): never {
  throw new Error('The bigram model has no such program.');
}

/** Parameters of a bigram model, uniform in +-0.5. */
export function randomParameters(seed: number): Float32Array {
  const random = randomStream(seed, 'bigram');
  return Float32Array.from({ length: VOCABULARY ** 2 + 2 * VOCABULARY }, () => random.next() / 2 ** 32);
}

function offsetsAt({ ids, prefix, first }: TreeTokens, row: number): { table: number; position: number } {
  const at = row < prefix + first ? row : row - first;
  return { table: (ids[row] ?? -1) * VOCABULARY, position: VOCABULARY ** 2 + (at >= FAR ? VOCABULARY : 0) };
}

function logitsAt(tokens: TreeTokens, row: number, parameters: Float32Array): number[] {
  const { table, position } = offsetsAt(tokens, row);
  return Array.from(
    { length: VOCABULARY },
    (_, v) => (parameters[table + v] ?? NaN) + (parameters[position + v] ?? NaN),
  );
}

function logSoftmax(logits: number[]): number[] {
  const max = Math.max(...logits);
  const logSum = max + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
  return logits.map((logit) => logit - logSum);
}
