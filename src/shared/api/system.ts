import { z } from 'zod';
import type { CudaReport } from '../cuda-report.ts';
import { method } from './method.ts';

export interface SystemInfo {
  readonly version: string;
  readonly commit: string | null;
  readonly node: string;
  readonly onnxruntime: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  /** Bytes. */
  readonly memoryTotal: number;
  readonly memoryFree: number;
  readonly mainRss: number;
  /** The engine process, while there is one. */
  readonly engine: { readonly pid: number; readonly peakBytes: number | null } | null;
  readonly shell: 'electron' | 'loopback';
  /** Longest delay of main's event loop since it started, and its 99th percentile, in milliseconds. */
  readonly eventLoopDelay: { readonly max: number; readonly p99: number };
}

export interface EventView {
  readonly id: number;
  readonly at: number;
  readonly kind: string;
  readonly message: string;
}

/** Whose work is packed into Longhand, under which licence (SPDX), with the licence's text. */
export interface Notice {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly text: string;
}

export const systemMethods = {
  'system.info': method<SystemInfo>()(z.strictObject({})),
  /** Latest events of the workspace, newest first. */
  'system.events': method<readonly EventView[]>()(z.strictObject({ limit: z.int().min(1).max(1000).default(200) })),
  /** Driver, cards, provider and libraries for CUDA, and what stands in the way. */
  'system.cuda': method<CudaReport>()(z.strictObject({})),
  'system.selfTest': method<{ readonly jobId: number }>()(
    z.strictObject({ device: z.enum(['cpu', 'cuda']).default('cpu') }),
  ),
  /** Notices of everything that is packed into the application, by name; `not_found` before it was built. */
  'system.notices': method<readonly Notice[]>()(z.strictObject({})),
  /** Everything that a bug report needs, as text without document contents. */
  'system.diagnostics': method<string>()(z.strictObject({})),
};
