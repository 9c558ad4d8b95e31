import * as ort from 'onnxruntime-node';
import { UserError } from '../../../shared/errors.ts';
import type { Graph } from './graph.ts';
import { outOfMemory } from './out-of-memory.ts';
import { encodeModel } from './wire.ts';

/** Typed data of a graph input or output; int64 travels as BigInt64Array, bool as bytes, float16 as its bits. */
export type TensorData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array | Uint16Array;

export interface HostTensor {
  readonly data: TensorData;
  readonly dims: readonly number[];
}

export type Device = 'cpu' | 'cuda';

export interface SessionOptions {
  readonly device: Device;
  /** Number of the CUDA card, default 0. */
  readonly deviceId?: number;
  /** Threads inside one operator on the CPU; fixed, so that sums are made in the same order each time. */
  readonly threads?: number;
  /** Folder that the external data's paths are relative to. */
  readonly weightFolder?: string;
  /** External data that is in memory instead: name in the graph, and bytes (copied at load). */
  readonly memoryFiles?: readonly { readonly path: string; readonly data: Uint8Array }[];
  /** Path prefix of a Chrome trace that onnxruntime writes. */
  readonly profile?: string;
  /** Keep memory between runs (faster); off, memory goes back after each run. */
  readonly arena?: boolean;
}

function typeOf(data: TensorData): ort.Tensor.Type {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof BigInt64Array) return 'int64';
  if (data instanceof Uint16Array) return 'float16';
  return 'bool';
}

/**
 * A tensor of the data. onnxruntime-common turns the bits of float16 into a Float16Array where Node has that, of which
 * onnxruntime-node 1.30 sees no bytes ("not enough space: expected 131072, got 0"): the tensor gets the bits back.
 */
function tensorOf({ data, dims }: HostTensor): ort.Tensor {
  const tensor = new ort.Tensor(typeOf(data), data as Float32Array, [...dims]);
  return data instanceof Uint16Array ? Object.assign(tensor, { cpuData: data }) : tensor;
}

/** onnxruntime-node gives float16 as a Float16Array where Node has that, else as its bits. */
function dataOf({ type, data }: ort.Tensor): TensorData {
  if (type !== 'float16') return data as TensorData;
  const { buffer, byteOffset, length } = data as Uint16Array;
  return new Uint16Array(buffer, byteOffset, length);
}

/** Session configuration entries (onnxruntime_session_options_config_keys.h), all of them texts. */
function sessionEntries({ device, weightFolder }: SessionOptions): Record<string, string> {
  return {
    ...(weightFolder === undefined ? {} : { model_external_initializers_file_folder_path: weightFolder }),
    // Weights beside the arena: it grows in powers of two.
    ...(device === 'cuda' ? { use_device_allocator_for_initializers: '1' } : {}),
  };
}

/**
 * cuBLAS takes a workspace for each of its handles, and onnxruntime makes a handle for each Loop and Scan body: 64 MiB each on
 * an H100, 16 GB for 32 layers. 4 MiB give the same speed and the same sums (docs/results/gpu-2026-11.md). cuBLAS reads the
 * variable when a handle is made, so it can be set in the running process.
 */
const CUBLAS_WORKSPACE = { name: 'CUBLAS_WORKSPACE_CONFIG', value: ':4096:1' } as const;

/** One ONNX Runtime session over a compiled graph. `run` blocks the thread; the engine process owns it. */
export class Session {
  private readonly session: ort.InferenceSession;
  private readonly device: Device;

  private constructor(session: ort.InferenceSession, device: Device) {
    this.session = session;
    this.device = device;
  }

  /**
   * Compiles the graph. ONNX Runtime checks it in full (types, shapes, single assignment, order).
   * @throws UserError('unavailable') when CUDA is asked for and cannot be used: never a silent CPU run; 'no_memory'.
   */
  static async create(graph: Graph, options: SessionOptions): Promise<Session> {
    return Session.fromBytes(encodeModel(graph), options);
  }

  /** The same from ModelProto bytes. */
  static async fromBytes(model: Uint8Array, options: SessionOptions): Promise<Session> {
    if (options.device === 'cuda') process.env[CUBLAS_WORKSPACE.name] ??= CUBLAS_WORKSPACE.value;
    const settings: ort.InferenceSession.SessionOptions = {
      executionProviders: [options.device === 'cpu' ? 'cpu' : { name: 'cuda', deviceId: options.deviceId ?? 0 }],
      // The graph is written as it should run; an optimiser could merge recomputation with the forward pass.
      graphOptimizationLevel: 'disabled',
      enableMemPattern: false,
      enableCpuMemArena: options.arena ?? true,
      executionMode: 'sequential',
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
      ...(options.memoryFiles === undefined ? {} : { externalData: [...options.memoryFiles] }),
      ...(options.profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profile }),
      extra: { session: sessionEntries(options) },
    };
    try {
      return new Session(await ort.InferenceSession.create(model, settings), options.device);
    } catch (error) {
      const memory = outOfMemory(error, options.device, 'loading');
      if (memory !== undefined) throw memory;
      if (options.device !== 'cuda') throw error;
      throw new UserError(
        'unavailable',
        `CUDA cannot be used: ${error instanceof Error ? error.message : String(error)}`,
        {
          hint: 'Check the driver and the CUDA provider, or choose the CPU.',
          cause: error,
        },
      );
    }
  }

  /**
   * Runs the graph. Inputs are copied in, outputs out; all outputs are returned by name.
   * @throws UserError('no_memory') where memory is not enough; the session should be released then
   */
  async run(feeds: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>> {
    // onnxruntime-node passes over names that it does not know: a misspelt feed would go unnoticed.
    const unknown = Object.keys(feeds).find((name) => !this.session.inputNames.includes(name));
    if (unknown !== undefined) throw new Error(`the graph has no input "${unknown}"`);
    const tensors = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, tensorOf(tensor)]));
    const results = await this.session.run(tensors).catch((error: unknown) => {
      throw outOfMemory(error, this.device, 'running') ?? error;
    });
    return Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => [name, { data: dataOf(tensor), dims: tensor.dims }]),
    );
  }

  /** Ends profiling (the file is written). */
  endProfiling(): void {
    this.session.endProfiling();
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
