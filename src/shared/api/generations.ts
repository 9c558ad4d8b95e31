import { z } from 'zod';
import { idSchema } from '../documents.ts';
import { instructionTemplateSchema } from '../instruction-templates.ts';
import { pageRequestSchema } from '../paging.ts';
import type { Page } from '../paging.ts';
import type { JobStatus } from '../runs.ts';
import { synthesisConfigSchema } from '../synthesis-config.ts';
import type { SynthesisConfig } from '../synthesis-config.ts';
import { method } from './method.ts';
import { baseBits } from '../run-config.ts';

/** A generation with what it has made so far and why the rest was left out. */
export interface GenerationView {
  readonly id: number;
  readonly name: string;
  readonly status: JobStatus;
  readonly modelFingerprint: string;
  readonly createdAt: number;
  readonly endedAt: number | null;
  readonly error: string | null;
  readonly counts: {
    readonly documents: number;
    readonly chunks: number;
    readonly questions: number;
    readonly pairs: number;
    readonly identical: number;
    /** Number by reason. */
    readonly dropped: Readonly<Record<string, number>>;
  };
}

/** The request as the model will get it, on a real chunk. */
export interface TemplatePreview {
  readonly documentTitle: string;
  /** Place of the chunk among the document's; null for a stretch of a document that is not cut yet. */
  readonly chunkIndex: number | null;
  /** Number of the document's chunks, as it was cut last; 0 where it is not cut yet. */
  readonly chunks: number;
  readonly chunk: string;
  readonly prompt: string;
}

/** A pair as it has just been made. */
export interface GeneratedPair {
  readonly id: number;
  readonly documentId: number;
  readonly documentTitle: string;
  readonly question: string;
  readonly chosen: string;
  readonly rejected: string;
  readonly flags: readonly string[];
}

const settings = synthesisConfigSchema;

export const generationMethods = {
  'generations.list': method<Page<GenerationView>>()(pageRequestSchema),
  'generations.get': method<GenerationView>()(z.strictObject({ id: idSchema })),
  /** Settings with every default filled in, as they would run. */
  'generations.settings': method<SynthesisConfig>()(z.strictObject({ settings })),
  /** The template filled in with a chunk of a document: the first document and its middle chunk when left out. */
  'generations.preview': method<TemplatePreview>()(
    z.strictObject({
      template: instructionTemplateSchema,
      documentId: idSchema.optional(),
      chunkIndex: z.int().min(0).optional(),
    }),
  ),
  /** The pairs made last, newest first: of one generation, or of all. */
  'generations.latest': method<readonly GeneratedPair[]>()(
    z.strictObject({ id: idSchema.nullable().default(null), limit: z.int().min(1).max(50).default(8) }),
  ),
  'generations.start': method<{ readonly jobId: number }>()(
    z.strictObject({
      modelDir: z.string().trim().min(1, 'choose a model'),
      settings,
      documentIds: z.array(idSchema).optional(),
      name: z.string().trim().min(1).optional(),
      threads: z.int().min(0).default(0),
      baseBits: z.enum(baseBits).default('own'),
      device: z.enum(['cpu', 'cuda']).default('cpu'),
    }),
  ),
  'generations.resume': method<{ readonly jobId: number }>()(z.strictObject({ id: idSchema })),
  'generations.cancel': method<GenerationView>()(z.strictObject({ id: idSchema })),
};
