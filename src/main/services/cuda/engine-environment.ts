import { delimiter } from 'node:path';
import { UserError } from '../../../shared/errors.ts';
import type { CudaReport } from '../../../shared/cuda-report.ts';
import { libraryPath } from './libraries.ts';
import { cudaReport } from './report.ts';

/** What the engine computes on; a process of its own for each. */
export type EngineDevice = 'cpu' | 'cuda';

/**
 * ONNX Runtime's official builds send what they are used for to their maker (since 1.29 also on Linux and macOS: a device id
 * and a queue of events under the person's cache folder, then HTTPS). This is the documented way to have none of it:
 * https://github.com/microsoft/onnxruntime/blob/main/docs/Privacy.md
 */
const noTelemetry = { ORT_DISABLE_TELEMETRY: '1' } as const;

/**
 * Environment of an engine process. For CUDA, the loader's path leads to the GPU build of libonnxruntime: it is looked at
 * before the binding's own folder, so that nothing in node_modules is changed.
 *
 * @throws UserError('unavailable') with the reason where CUDA cannot be used: never a silent run on the CPU
 */
export async function engineEnvironment(
  device: EngineDevice,
  env: NodeJS.ProcessEnv = process.env,
  report: () => Promise<CudaReport> = () => cudaReport({ env }),
): Promise<NodeJS.ProcessEnv> {
  if (device === 'cpu') return { ...env, ...noTelemetry };
  const found = await report();
  const [problem, ...more] = found.problems;
  if (problem !== undefined) {
    const others = more.length === 0 ? '' : ` (and ${more.length} more: see longhand doctor)`;
    throw new UserError('unavailable', `CUDA cannot be used: ${problem.message}${others}`, { hint: problem.hint });
  }
  const before = env['LD_LIBRARY_PATH'] ?? '';
  return {
    ...env,
    ...noTelemetry,
    LD_LIBRARY_PATH: [...libraryPath(found.folder, found.libraries), ...(before === '' ? [] : [before])].join(
      delimiter,
    ),
    // The engine sees the chosen card alone, as number 0; numbers are nvidia-smi's.
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    ...(found.chosen === null || found.chosen === '' ? {} : { CUDA_VISIBLE_DEVICES: found.chosen }),
    // Products in float32 are float32: with TF32, cuBLAS's default under ONNX Runtime, gradients are off by 1e-3.
    NVIDIA_TF32_OVERRIDE: env['NVIDIA_TF32_OVERRIDE'] ?? '0',
  };
}
