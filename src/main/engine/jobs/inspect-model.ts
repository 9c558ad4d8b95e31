import { UserError } from '../../../shared/errors.ts';
import { planMemory } from '../../../shared/memory-plan.ts';
import type { PlanModel } from '../../../shared/memory-plan.ts';
import type { MemoryEstimate, ModelReport } from '../../../shared/model-report.ts';
import { loadModelConfig } from '../model/config.ts';
import type { ModelConfig } from '../model/config.ts';
import type { Trainable } from '../../../shared/run-config.ts';
import { planShape } from '../model/plan-shape.ts';
import { openWeights, weightsFingerprint } from '../model/weights.ts';
import { loadChatTemplate, readTurnFormat } from '../text/chat-template.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { Job } from './job-context.ts';

const EXAMPLE = 'What is this text about?';
const LORA: Trainable = { kind: 'lora', rank: 16, alpha: 32, rslora: false, targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] }; // prettier-ignore

/** Describes a model folder without loading its weights. */
export const inspectModel: Job<'inspectModel'> = async ({ modelDir }) => {
  const config = await loadModelConfig(modelDir);
  const problems: string[] = [];
  const attempt = async <T>(action: () => T | Promise<T>): Promise<T | null> => {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push(error.message);
      return null;
    }
  };
  const weights = await attempt(() => openWeights(modelDir, config));
  const tokenizer = await attempt(() => loadTokenizer(modelDir));
  const template = await attempt(() => loadChatTemplate(modelDir));
  const chatExample =
    template &&
    (await attempt(() => template.render([{ role: 'user', content: EXAMPLE }], { addGenerationPrompt: true })));
  if (tokenizer !== null && template !== null) await attempt(() => readTurnFormat(tokenizer, template));
  if (tokenizer !== null && tokenizer.vocabSize > config.vocabSize) {
    problems.push(
      `${modelDir}: the tokenizer has ${tokenizer.vocabSize} tokens, the model only ${config.vocabSize} ("vocab_size").`,
    );
  }

  const dtypes: Record<string, number> = {};
  for (const { dtype, length } of weights?.tensors.values() ?? []) dtypes[dtype] = (dtypes[dtype] ?? 0) + length;
  const report: Omit<ModelReport, 'memory'> = {
    path: modelDir,
    fingerprint: await weightsFingerprint(modelDir),
    architecture: config.modelType,
    ...planShape(config),
    contextLength: config.maxPositionEmbeddings,
    rope: config.rope,
    dtypes,
    weightBytes: Object.values(dtypes).reduce((sum, bytes) => sum + bytes, 0),
    tokenizer: tokenizer && tokenizerFacts(tokenizer),
    chatExample,
    problems,
  };
  return { ...report, memory: memoryByLength(config, report) };
};

function tokenizerFacts(tokenizer: Tokenizer): NonNullable<ModelReport['tokenizer']> {
  const { vocabSize, bosToken, eosToken, padToken, eosTokenIds } = tokenizer;
  return { vocabSize, bosToken, eosToken, padToken, stopTokens: eosTokenIds.map((id) => tokenizer.tokenOf(id)) };
}

/** Estimates on the CPU for doubling context lengths up to the model's own. */
function memoryByLength(config: ModelConfig, model: PlanModel): MemoryEstimate[] {
  const lengths: number[] = [];
  for (let tokens = 1024; tokens < config.maxPositionEmbeddings; tokens *= 2) lengths.push(tokens);
  lengths.push(config.maxPositionEmbeddings);
  const train = (tokens: number, trainable: Trainable): number =>
    planMemory(model, { device: 'cpu', tokens, trainable, checkpointing: 'layer' }).peak;
  return lengths.map((tokens) => ({
    tokens,
    generate: 4 * (model.parameters + generationFloats(config, tokens)),
    trainFull: train(tokens, { kind: 'full' }),
    trainLora: train(tokens, LORA),
  }));
}

/** Keys and values of all layers, one layer's work, one row of logits. */
function generationFloats(config: ModelConfig, tokens: number): number {
  const { numLayers, numKvHeads, headDim, hiddenSize, intermediateSize, vocabSize } = config;
  return tokens * (2 * numLayers * numKvHeads * headDim + 4 * hiddenSize + 3 * intermediateSize) + vocabSize;
}
