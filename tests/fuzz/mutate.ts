/** Random numbers below a bound, from a fixed start: the same seed and case give the same input. */
export type Random = (below: number) => number;

/** mulberry32, started from the seed and the number of the case. */
export function randomOf(seed: number, index: number): Random {
  let state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35)) >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

export function pick<T>(random: Random, of: readonly T[]): T {
  const item = of[random(of.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

/** Longest input that is made, in bytes. */
const longest = 256 * 1024;

const integers = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const numbers = ['0', '-1', '1e308', '1e999', '-0', '0.1', '2147483648', '9007199254740993', '1e-400', '99999999999'];
const tokens = [
  ...['\0', '"', '\\', '\\u0000', '\\ud800', '{', '}', '[', ']', '<', '>', '&#xffffffff;', '\n', '\r\n', '\ufeff'],
  ...['null', 'NaN', '__proto__', 'constructor', '../../../x', '%00', 'true', '{{', '}}', '{%', '%}', ' '.repeat(300)],
].map((text) => Buffer.from(text));

/** Between one and six changes of bytes: values, lengths, order, what formats mean by them. */
export function mutateBytes(original: Uint8Array, others: readonly Uint8Array[], random: Random): Buffer {
  let bytes: Buffer = Buffer.from(original);
  for (let changes = 1 + random(6); changes > 0; changes -= 1) bytes = change(bytes, others, random);
  return bytes.subarray(0, longest);
}

function change(bytes: Buffer, others: readonly Uint8Array[], random: Random): Buffer {
  if (bytes.length === 0) return pick(random, tokens);
  const at = random(bytes.length);
  const some = Math.min(bytes.length - at, 1 + random(pick(random, [4, 64, 4096])));
  const [before, piece, after] = [bytes.subarray(0, at), bytes.subarray(at, at + some), bytes.subarray(at + some)];
  switch (random(12)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
      return bytes;
    case 1:
      bytes[at] = random(256);
      return bytes;
    case 2: {
      const width = pick(random, [1, 2, 4]);
      if (at + width > bytes.length) return bytes;
      const value = pick(random, integers) % 2 ** (8 * width);
      if (random(2) === 0) bytes.writeUIntLE(value, at, width);
      else bytes.writeUIntBE(value, at, width);
      return bytes;
    }
    case 3:
      return Buffer.concat([before, after]);
    case 4:
      return Buffer.concat([before, ...Array.from({ length: 1 + random(20) }, () => piece), after]);
    case 5:
      return Buffer.concat([before, pick(random, tokens), piece, after]);
    case 6:
      return before;
    case 7: {
      const other = Buffer.from(pick(random, others));
      const from = random(other.length);
      return Buffer.concat([before, other.subarray(from, from + some), after]);
    }
    case 8:
      return Buffer.concat([after, piece, before]);
    case 9: {
      const text = bytes.toString('latin1');
      const digits = [...text.matchAll(/\d+/g)];
      const found = digits[random(Math.max(1, digits.length))];
      if (found === undefined) return bytes;
      const end = found.index + found[0].length;
      return Buffer.from(text.slice(0, found.index) + pick(random, numbers) + text.slice(end), 'latin1');
    }
    case 10: {
      // Nesting: what a parser that calls itself runs out of.
      const open = pick(random, ['[', '{"a":', '<div>', '(', '{{', '<<', '{% if true %}', '<svg><g>']);
      return Buffer.concat([before, Buffer.from(open.repeat(pick(random, [3, 300, 5000]))), piece, after]);
    }
    default:
      piece.fill(random(256));
      return bytes;
  }
}

/** One to three changes of a JSON value: a member of it replaced, removed, renamed, repeated or moved. */
export function mutateJson(value: unknown, values: readonly unknown[], random: Random): unknown {
  let changed = structuredClone(value);
  for (let changes = 1 + random(3); changes > 0; changes -= 1) changed = changeJson(changed, values, random);
  return changed;
}

function changeJson(root: unknown, values: readonly unknown[], random: Random): unknown {
  let node = root;
  for (;;) {
    if (typeof node !== 'object' || node === null) return structuredClone(pick(random, values));
    const owner = node as Record<string, unknown>;
    const keys = Object.keys(owner);
    if (keys.length === 0) return root;
    const key = pick(random, keys);
    const inner = owner[key];
    if (typeof inner === 'object' && inner !== null && random(4) > 0) {
      node = inner;
      continue;
    }
    switch (random(6)) {
      case 0:
        if (Array.isArray(owner)) owner.splice(Number(key), 1);
        else delete owner[key];
        return root;
      case 1:
        // As a member of its own, as JSON.parse makes it, and not as the prototype.
        Object.defineProperty(owner, pick(random, [...keys, '__proto__', '', 'x']), {
          ...{ value: structuredClone(inner), enumerable: true, writable: true, configurable: true },
        });
        return root;
      case 2:
        owner[key] = typeof inner === 'number' ? Number(pick(random, numbers)) : String(inner) + String(inner);
        return root;
      default:
        owner[key] = structuredClone(pick(random, values));
        return root;
    }
  }
}
