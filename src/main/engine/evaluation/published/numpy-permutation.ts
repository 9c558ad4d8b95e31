/**
 * `numpy.random.default_rng(seed).permutation(n)`, number for number: with it `datasets` shuffles, and so HELMET draws
 * its worked examples. The parts are SeedSequence and PCG64 (XSL-RR, 128 bits of state; O'Neill 2014) of numpy's
 * random module, whole numbers by rejection, and Fisher-Yates from the end.
 * @param seed whole, 0 to 2^32 - 1
 */
export function numpyPermutation(seed: number, n: number): Uint32Array {
  const next = uint32s(seed);
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i -= 1) {
    const j = upTo(next, i);
    const held = order[i] as number; // j <= i < n
    order[i] = order[j] as number;
    order[j] = held;
  }
  return order;
}

/** A whole number from 0 to `most`: as many low bits as that has, drawn again while they are more. */
function upTo(next: () => number, most: number): number {
  const shift = Math.clz32(most);
  for (;;) {
    const drawn = (next() << shift) >>> shift;
    if (drawn <= most) return drawn;
  }
}

const bits128 = (value: bigint): bigint => BigInt.asUintN(128, value);
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** PCG64's numbers of 32 bits: the low half of each output, then the high one. */
function uint32s(seed: number): () => number {
  const [s0 = 0n, s1 = 0n, i0 = 0n, i1 = 0n] = seedWords(seed);
  const increment = bits128((((i0 << 64n) | i1) << 1n) | 1n);
  const step = (state: bigint): bigint => bits128(state * MULTIPLIER + increment);
  let state = step(bits128(increment + ((s0 << 64n) | s1)));
  let high: number | null = null;
  return () => {
    if (high !== null) {
      const kept = high;
      high = null;
      return kept;
    }
    state = step(state);
    const mixed = BigInt.asUintN(64, state >> 64n) ^ BigInt.asUintN(64, state);
    const turn = state >> 122n;
    const output = BigInt.asUintN(64, (mixed >> turn) | (mixed << ((64n - turn) & 63n)));
    high = Number(output >> 32n);
    return Number(output & 0xffffffffn);
  };
}

/** SeedSequence(seed).generate_state(4, uint64). */
function seedWords(seed: number): bigint[] {
  let constant = 0x43b0d7e5;
  const hashed = (given: number): number => {
    const value = given ^ constant;
    constant = Math.imul(constant, 0x931e8875);
    const product = Math.imul(value, constant);
    return product ^ (product >>> 16);
  };
  const pool = [seed, 0, 0, 0].map(hashed);
  for (let from = 0; from < 4; from += 1) {
    for (let to = 0; to < 4; to += 1) {
      if (from === to) continue;
      const mixed = Math.imul(0xca01f9dd, pool[to] ?? 0) - Math.imul(0x4973f715, hashed(pool[from] ?? 0));
      pool[to] = mixed ^ ((mixed | 0) >>> 16);
    }
  }
  let constantOut = 0x8b51f9dd;
  const words = Array.from({ length: 8 }, (_, i) => {
    const value = (pool[i % 4] ?? 0) ^ constantOut;
    constantOut = Math.imul(constantOut, 0x58f38ded);
    const product = Math.imul(value, constantOut);
    return BigInt((product ^ (product >>> 16)) >>> 0);
  });
  return [0, 2, 4, 6].map((i) => (words[i] ?? 0n) | ((words[i + 1] ?? 0n) << 32n));
}
