import type { GenerationView } from '../../../shared/api/generations.ts';
import type { GenerationReport } from '../pairs.ts';

/** A generation as windows get it. */
export function generationView({ job, counts }: GenerationReport): GenerationView {
  const { id, name, status, modelFingerprint, createdAt, endedAt, error } = job;
  return { id, name, status, modelFingerprint, createdAt, endedAt, error, counts };
}
