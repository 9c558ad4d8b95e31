/** Floating-point formats of model files. All arithmetic on the bits; rounding to nearest, ties to even, as PyTorch. */
export type FloatDtype = 'F32' | 'F16' | 'BF16' | 'F64';

/** Bytes of one element. */
export const FLOAT_BYTES: Readonly<Record<FloatDtype, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2 };

/** Values of little-endian bytes in a format, widened (F64: rounded) to float32. `bytes` holds whole elements. */
export function decodeFloats(bytes: Uint8Array, dtype: FloatDtype): Float32Array {
  const aligned = bytes.byteOffset % FLOAT_BYTES[dtype] === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset } = aligned;
  const count = aligned.byteLength / FLOAT_BYTES[dtype];
  if (dtype === 'F32') return new Float32Array(buffer, byteOffset, count);
  if (dtype === 'F64') return Float32Array.from(new Float64Array(buffer, byteOffset, count));
  const halves = new Uint16Array(buffer, byteOffset, count);
  const bits = new Uint32Array(count);
  if (dtype === 'BF16') {
    for (let i = 0; i < count; i++) bits[i] = (halves[i] as number) << 16;
  } else {
    for (let i = 0; i < count; i++) bits[i] = float16ToBits(halves[i] as number);
  }
  return new Float32Array(bits.buffer);
}

/** Little-endian bytes of float32 values in a format. */
export function encodeFloats(values: Float32Array, dtype: FloatDtype): Uint8Array {
  if (dtype === 'F64') return new Uint8Array(Float64Array.from(values).buffer);
  if (dtype === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  if (dtype === 'BF16') {
    for (let i = 0; i < out.length; i++) out[i] = bitsToBfloat16(bits[i] as number);
  } else {
    for (let i = 0; i < out.length; i++) out[i] = bitsToFloat16(bits[i] as number);
  }
  return new Uint8Array(out.buffer);
}

function float16ToBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // Subnormal: shift the leading one out of the fraction, one exponent less a bit.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | ((fraction << (shift + 13)) & 0x7fffff);
}

function bitsToBfloat16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40; // NaN stays NaN, whatever its low bits are
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function bitsToFloat16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // rounds beyond 65504: infinity
  if (magnitude >= 0x38800000) {
    const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
    return sign | ((rounded - 0x38000000) >>> 13);
  }
  // Subnormal: the fraction with its leading one, in units of 2^-24.
  const shift = 126 - (magnitude >>> 23);
  if (shift > 24) return sign;
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const kept = fraction >>> shift;
  const rest = fraction & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return sign | (kept + (rest > middle || (rest === middle && (kept & 1) === 1) ? 1 : 0));
}
