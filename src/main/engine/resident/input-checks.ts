import type { ModelConfig } from '../model/config.ts';
import type { ParameterLayout } from '../model/parameters.ts';
import type { GenerateInput, ModelState, ObjectiveInput, Targets, TreeTokens } from '../model/runner.ts';
import type { RopeTables } from '../model/rope.ts';

// What a graph would answer with garbage or with an error that names an operator is refused here. All of it is a defect
// of the caller, so the errors are plain ones.

/** @throws Error where vector or rotary tables are not the model's */
export function checkState(
  { parameters, rope }: ModelState,
  layout: ParameterLayout,
  { headDim }: Pick<ModelConfig, 'headDim'>,
): void {
  if (parameters.length !== layout.total) {
    throw new Error(`a vector of ${parameters.length} parameters, expected ${layout.total}`);
  }
  if (rope.half !== headDim / 2) {
    throw new Error(`rotary tables of ${rope.half} channel pairs, expected ${headDim / 2}`);
  }
}

/** @throws Error where parts, ids or positions are not usable */
export function checkTree(tokens: TreeTokens, vocabSize: number, rope: RopeTables): void {
  const { ids, prefix, first, second, positions } = tokens;
  const negative = [prefix, first, second].find((size) => !(size >= 0));
  if (negative !== undefined) throw new Error(`a part of a tree has ${negative} tokens`);
  if (ids.length !== prefix + first + second) throw new Error('the parts of a tree do not add up to its tokens');
  if (ids.length === 0) throw new Error('a row with no tokens');
  checkTokens(ids, vocabSize);
  if (positions === undefined) {
    checkPosition(prefix + Math.max(first, second) - 1, rope);
  } else {
    if (positions.length !== ids.length) throw new Error(`${positions.length} positions for ${ids.length} tokens`);
    for (const position of positions) checkPosition(position, rope);
  }
}

/** @throws Error for a row outside the sequence of `length` tokens */
export function checkRows(rows: Int32Array, length: number): void {
  const outside = rows.find((row) => row < 0 || row >= length);
  if (outside !== undefined) throw new Error(`row ${outside} of a sequence of ${length} tokens`);
}

/** @throws Error where rows and targets do not fit each other or the sequence */
export function checkTargets({ from, target }: Targets, length: number, vocabSize: number): void {
  if (from.length !== target.length) throw new Error(`${target.length} targets for ${from.length} rows`);
  checkRows(from, length);
  checkTokens(target, vocabSize);
}

/** @throws Error where a weight or mask is not one number for each target */
export function checkObjective(objective: ObjectiveInput, targets: number): void {
  for (const name of ['nllWeight', 'chosenMask', 'rejectedMask'] as const) {
    const { length } = objective[name];
    if (length !== targets) throw new Error(`${name} has ${length} numbers for ${targets} targets`);
  }
}

/** @throws Error where prompts, lengths, sampling settings or uniform numbers are not usable */
export function checkGenerate(input: GenerateInput, vocabSize: number, rope: RopeTables): void {
  const { prefix, prompts, maxNewTokens, temperature, topK, topP, uniforms } = input;
  if (prompts.length === 0) throw new Error('no prompts to continue');
  const empty = prompts.findIndex((prompt) => prompt.length === 0);
  if (empty >= 0) throw new Error(`prompt ${empty} is empty`);
  for (const ids of [prefix, ...prompts]) checkTokens(ids, vocabSize);
  if (!Number.isInteger(maxNewTokens) || maxNewTokens < 1) throw new Error(`maxNewTokens is ${maxNewTokens}`);
  if (!(temperature >= 0) || !Number.isFinite(temperature)) throw new Error(`temperature is ${temperature}`);
  if (!Number.isInteger(topK) || topK < 0) throw new Error(`topK is ${topK}`);
  if (!(topP > 0 && topP <= 1)) throw new Error(`topP is ${topP}`);
  const wanted = prompts.length * maxNewTokens;
  if (uniforms.length !== wanted && !(temperature === 0 && uniforms.length === 0)) {
    throw new Error(`${uniforms.length} uniform numbers, expected ${wanted}`);
  }
  const outside = uniforms.find((uniform) => !(uniform >= 0 && uniform < 1));
  if (outside !== undefined) throw new Error(`the uniform number ${outside} is not in [0, 1)`);
  // The last new token is not read again.
  const longest = prompts.reduce((length, prompt) => Math.max(length, prompt.length), 0);
  checkPosition(prefix.length + longest + maxNewTokens - 2, rope);
}

function checkTokens(ids: Int32Array, vocabSize: number): void {
  const outside = ids.find((id) => id < 0 || id >= vocabSize);
  if (outside !== undefined) throw new Error(`token ${outside} is not in the vocabulary of ${vocabSize}`);
}

function checkPosition(position: number, { length }: RopeTables): void {
  if (position < 0 || position >= length) {
    throw new Error(`position ${position} is not in the rotary tables of ${length} positions`);
  }
}
