import { freemem } from 'node:os';
import { stepRequest, withSegments } from '../../shared/memory-plan.ts';
import type { PlanModel, Room } from '../../shared/memory-plan.ts';
import type { RunConfig } from '../../shared/run-config.ts';
import { freeOnCard } from './cuda/free-memory.ts';

/** What is free now for a run. @throws UserError('unavailable') where the run wants CUDA and it cannot be used */
export async function roomFor({ device }: Pick<RunConfig, 'device'>, ownPids: readonly number[]): Promise<Room> {
  const host = freemem();
  return { host, memory: device === 'cpu' ? host : await freeOnCard(ownPids) };
}

/**
 * The configuration with its segments settled, as a run keeps it: on CUDA, 0 (what fits) becomes a number, that of all
 * layers where one run fits. On the CPU 0 stays: segments take no less memory there.
 */
export async function withSettledSegments(
  model: PlanModel,
  config: RunConfig,
  longestTokens: number,
  ownPids: readonly number[],
): Promise<RunConfig> {
  if (config.device === 'cpu' || config.segmentLayers > 0) return config;
  const request = withSegments(model, stepRequest(config, longestTokens), await roomFor(config, ownPids));
  return { ...config, segmentLayers: request.segmentLayers || model.layers };
}
