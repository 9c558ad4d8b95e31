import { join, resolve } from 'node:path';
import type { Execution, GoldenCase, GoldenResult, SelfTestReport } from '../engine/protocol/jobs.ts';
import { demoFolder } from './demo-folder.ts';
import type { EngineClient, JobOptions } from './engine-client.ts';

/** Compares the engine with golden cases: folders of cases, or folders that hold such folders. */
export function runGolden(
  engine: EngineClient,
  dirs: readonly string[],
  options: JobOptions & {
    readonly onCase?: (report: GoldenCase) => void;
    readonly execution?: Partial<Execution>;
    /** Folder of SmolLM2 for its case; left out, that case is skipped. */
    readonly realModelDir?: string;
  } = {},
): Promise<GoldenResult> {
  const { realModelDir } = options;
  return engine.run(
    'golden',
    {
      dirs: dirs.map((dir) => resolve(dir)),
      realModelDir: realModelDir === undefined ? null : resolve(realModelDir),
      device: 'cpu',
      threads: 0,
      ...options.execution,
    },
    { case: ({ report }) => options.onCase?.(report) },
    options,
  );
}

/** Whether this machine computes as it should: device, versions, a small gradient against finite differences. */
export function selfTest(
  engine: EngineClient,
  execution: Partial<Execution> = {},
  options: JobOptions = {},
): Promise<SelfTestReport> {
  return engine.run(
    'selfTest',
    { modelDir: join(demoFolder, 'base-model'), device: 'cpu', threads: 0, ...execution },
    {},
    options,
  );
}
