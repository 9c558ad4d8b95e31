/** Values that share a scale, along the input axis of a linear layer. */
export const INT4_BLOCK = 32;

/** Values as 4-bit integers: value i is `(q[i] - 8) * scales[floor(i / 32)]`, q from 0 to 15. */
export interface Int4Values {
  /** Two a byte, the first in the low half (the layout of ONNX Runtime's GatherBlockQuantized and MatMulNBits). */
  readonly packed: Uint8Array;
  /** One a block, each a bfloat16 number. May be negative: the largest value of a block is then -8 times its scale. */
  readonly scales: Float32Array;
}

/** A block's largest value becomes this many steps; -8 is the lowest integer. The best of them is taken. */
const STEPS = [-8, -7.5, -7] as const;

/**
 * Rounds values to 4 bits in blocks of 32, symmetric: of three scales a block, the one with the least squared error.
 * @param values a multiple of 32, rows of a matrix whose rows are whole blocks
 * @throws Error where a value is not a finite number
 */
export function quantizeInt4(values: Float32Array): Int4Values {
  if (values.length % INT4_BLOCK !== 0)
    throw new Error(`${values.length} values are not whole blocks of ${INT4_BLOCK}`);
  const packed = new Uint8Array(values.length / 2);
  const scales = new Float32Array(values.length / INT4_BLOCK);
  for (let block = 0; block < scales.length; block++) {
    const start = block * INT4_BLOCK;
    let largest = 0;
    for (let i = start; i < start + INT4_BLOCK; i++) {
      const value = values[i] as number;
      if (!Number.isFinite(value)) throw new Error('a value is not a finite number');
      if (Math.abs(value) > Math.abs(largest)) largest = value;
    }
    let [scale, least] = [0, Infinity];
    for (const steps of largest === 0 ? [] : STEPS) {
      const tried = bfloat16(largest / steps);
      const error = squaredError(values, start, tried);
      if (error < least) [scale, least] = [tried, error];
    }
    scales[block] = scale;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = start; i < start + INT4_BLOCK; i += 2) {
      packed[i / 2] = step(values[i] as number, inverse) | (step(values[i + 1] as number, inverse) << 4);
    }
  }
  return { packed, scales };
}

/** The values that the 4-bit integers stand for, exact in float32. */
export function dequantizeInt4({ packed, scales }: Int4Values): Float32Array {
  const values = new Float32Array(packed.length * 2);
  for (let i = 0; i < values.length; i++) {
    const byte = packed[i >>> 1] as number;
    values[i] = ((i % 2 === 0 ? byte & 15 : byte >>> 4) - 8) * (scales[Math.floor(i / INT4_BLOCK)] as number);
  }
  return values;
}

function squaredError(values: Float32Array, start: number, scale: number): number {
  const inverse = scale === 0 ? 0 : 1 / scale;
  let sum = 0;
  for (let i = start; i < start + INT4_BLOCK; i++) {
    const value = values[i] as number;
    const error = value - (step(value, inverse) - 8) * scale;
    sum += error * error;
  }
  return sum;
}

function step(value: number, inverse: number): number {
  const q = Math.floor(value * inverse + 8.5);
  return q < 0 ? 0 : q > 15 ? 15 : q;
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The nearest bfloat16 number, ties to even. */
function bfloat16(value: number): number {
  float[0] = value;
  const found = bits[0] as number;
  bits[0] = ((found + 0x7fff + ((found >>> 16) & 1)) >>> 16) << 16;
  return float[0];
}
