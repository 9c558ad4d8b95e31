/** One NVIDIA card. Memory in bytes; null where the driver does not say. */
export interface CudaCard {
  /** Number in the order of the PCI bus, as nvidia-smi counts. */
  readonly index: number;
  readonly uuid: string;
  readonly name: string;
  readonly computeCapability: string | null;
  readonly memoryTotal: number | null;
  readonly memoryUsed: number | null;
  /** Programs that hold memory of it, the largest first. */
  readonly processes: readonly { readonly pid: number; readonly name: string; readonly memory: number | null }[];
}

/** One library that CUDA runs need. */
export interface CudaLibrary {
  readonly file: string;
  /** What brings it: the wheel, or `NVIDIA driver`. */
  readonly from: string;
  readonly status: 'found' | 'missing' | 'damaged' | 'other_version';
  /** Where it is; for `other_version` the one that was found instead. */
  readonly path: string | null;
}

/** Something in the way of CUDA, or worth knowing: one sentence, and what to do. */
export interface CudaProblem {
  readonly kind:
    | 'platform'
    | 'no_driver'
    | 'driver_failed'
    | 'old_driver'
    | 'no_card'
    | 'choose_card'
    | 'unknown_card'
    | 'no_bfloat16'
    | 'memory_taken'
    | 'provider'
    | 'library';
  readonly message: string;
  readonly hint: string;
}

/** Whether CUDA can be used on this machine, and all that this rests on. */
export interface CudaReport {
  readonly usable: boolean;
  readonly driver: { readonly version: string; readonly from: 'nvidia-smi' | '/proc/driver/nvidia' } | null;
  readonly cards: readonly CudaCard[];
  /** UUID of the card that runs would use. */
  readonly chosen: string | null;
  /** Folder that `npm run setup:cuda` fills. */
  readonly folder: string;
  /** Version of ONNX Runtime that the provider must have, and the one that is installed. */
  readonly provider: { readonly wanted: string; readonly installed: string | null };
  readonly libraries: readonly CudaLibrary[];
  readonly problems: readonly CudaProblem[];
}
