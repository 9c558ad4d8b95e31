import type { PlanShape } from '../../../shared/memory-plan.ts';
import type { ModelConfig } from './config.ts';
import { expectedTensors } from './weights.ts';

/** What the memory planner asks of a model. */
export function planShape(config: ModelConfig): PlanShape {
  return {
    parameters: expectedTensors(config).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    layers: config.numLayers,
    hiddenSize: config.hiddenSize,
    intermediateSize: config.intermediateSize,
    heads: config.numHeads,
    kvHeads: config.numKvHeads,
    headDim: config.headDim,
    vocabSize: config.vocabSize,
    tiedEmbeddings: config.tieWordEmbeddings,
  };
}
