import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { AnswerTree, Span } from '../../../../src/main/engine/training/objectives.ts';

/** The LongPO cases of tests/fixtures/golden (conventions: its README). */
export const GOLDEN_CASES = [
  'llama-full',
  'llama-lora',
  'mistral-full',
  'mistral-lora',
  'qwen2-full',
  'qwen2-lora',
  'qwen3-full',
  'qwen3-lora',
] as const;

export interface GoldenSequence {
  readonly input_ids: number[];
  readonly labels: number[];
  readonly response_spans: [number, number][];
}

export interface GoldenPacked {
  readonly input_ids: number[];
  readonly position_ids: number[];
  readonly branch: number[];
  readonly predicted_from: number[];
  readonly labels: number[];
}

export interface GoldenPair {
  readonly chosen: GoldenSequence;
  readonly rejected: GoldenSequence;
  readonly packed: GoldenPacked;
}

export interface GoldenExample extends GoldenPair {
  readonly id: string;
  readonly text: {
    readonly document: string;
    readonly chunks: string[];
    readonly turns: { chunk: number; question: string; chosen: string; rejected: string }[];
  };
  readonly turns: readonly GoldenPair[];
}

export interface GoldenKl {
  readonly tokens: number;
  readonly log_ratio_sum: number;
  readonly k3_sum: number;
  readonly exact_kl_policy_reference_sum: number;
  readonly exact_kl_reference_policy_sum: number;
}

type PerSide<T> = { readonly chosen: T; readonly rejected: T };

export interface GoldenValues {
  readonly policy_chosen_logps: number;
  readonly policy_rejected_logps: number;
  readonly reference_chosen_logps: number;
  readonly reference_rejected_logps: number;
  readonly reference_long_chosen_logps: number;
  readonly reference_long_rejected_logps: number;
  readonly policy_turn_logps: PerSide<number[]>;
  readonly reference_turn_logps: PerSide<number[]>;
  readonly nll_full: number;
  readonly nll_full_tokens: number;
  readonly nll_answer: number;
  readonly nll_answer_tokens: number;
  readonly chosen_log_ratio: number;
  readonly rejected_log_ratio: number;
  readonly 'rewards_b0.1': PerSide<number> & { readonly margin: number };
  readonly kl: PerSide<GoldenKl[]>;
  readonly losses: Readonly<Record<string, number>>;
}

interface GoldenOptimizer {
  readonly learning_rate: number;
  readonly betas: [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly max_grad_norm: number;
  readonly warmup_steps: number;
  readonly total_steps: number;
}

export interface GoldenCase {
  readonly inputs: {
    /** Folders under the golden root. */
    readonly model: string;
    readonly adapter: string | null;
    readonly policy: { readonly rope_theta: number };
    readonly reference: { readonly rope_theta: number };
    readonly optimizer: GoldenOptimizer;
    readonly examples: GoldenExample[];
  };
  /** The double-precision values: the truth. */
  readonly expected: {
    readonly examples: Readonly<Record<string, GoldenValues>>;
    readonly batch: Readonly<Record<string, number>>;
    readonly gradients: Readonly<Record<string, { global_norm: number; norms: Readonly<Record<string, number>> }>>;
    readonly training: {
      readonly steps: { step: number; learning_rate: number; loss: number; grad_norm_before_clipping: number }[];
      readonly loss_after: number;
      readonly update_l2: Readonly<Record<string, number>>;
    };
  };
  readonly tensors: ReadonlyMap<string, Float32Array>;
}

export const GOLDEN_ROOT = path.join(import.meta.dirname, '../../../fixtures/golden');

export function readGoldenCase(name: string): GoldenCase {
  const json = (file: string): unknown =>
    JSON.parse(readFileSync(path.join(GOLDEN_ROOT, 'longpo', name, file), 'utf8'));
  return {
    inputs: json('inputs.json') as GoldenCase['inputs'],
    expected: (json('expected.json') as { fp64: GoldenCase['expected'] }).fp64,
    tensors: readFloatTensors(path.join(GOLDEN_ROOT, 'longpo', name, 'tensors.safetensors')),
  };
}

function readFloatTensors(file: string): Map<string, Float32Array> {
  const bytes = readFileSync(file);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const data = bytes.subarray(8 + headerLength);
  return new Map(
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(
        ([
          name,
          {
            data_offsets: [start, end],
          },
        ]) => [name, new Float32Array(new Uint8Array(data.subarray(start, end)).buffer)],
      ),
  );
}

/** The golden pair in packed form; spans are turned from sequence into row coordinates. */
export function goldenTree({ chosen, rejected, packed }: GoldenPair): AnswerTree {
  const size = (branch: number): number => packed.branch.filter((b) => b === branch).length;
  const prefix = size(0);
  const first = size(1);
  return {
    tokens: { ids: Int32Array.from(packed.input_ids), prefix, first, second: size(2) },
    chosen: chosen.response_spans,
    rejected: rejected.response_spans.map(([start, end]): Span => [start + first, end + first]),
  };
}

/** A log-probability for every token of the packed row (index 0 is never used), from those of the two sequences. */
export function packedLogps(tree: AnswerTree, chosen: Float32Array, rejected: Float32Array): Float32Array {
  const { prefix, first, second } = tree.tokens;
  const row = new Float32Array(prefix + first + second);
  row.set(chosen.subarray(0, prefix + first - 1), 1);
  row.set(rejected.subarray(prefix - 1, prefix - 1 + second), prefix + first);
  return row;
}
