/**
 * A dimension: a number, or a symbolic linear expression in canonical text form such as `T`, `2*T+3` or `P+C`.
 * Symbols that start with `?` are unknown: nothing can be proved about them, so they are compatible with everything.
 */
export type Dim = number | string;

interface Linear {
  readonly terms: ReadonlyMap<string, number>;
  readonly constant: number;
}

const known = new Map<string, Linear>();
let unknowns = 0;

/** A fresh dimension of which nothing is known. */
export function unknownDim(): Dim {
  unknowns += 1;
  return `?${unknowns}`;
}

/** True when the dimension contains an unknown part. */
export function isUnknown(dim: Dim): boolean {
  return typeof dim === 'string' && dim.includes('?');
}

function linear(dim: Dim): Linear {
  if (typeof dim === 'number') return { terms: new Map(), constant: dim };
  return known.get(dim) ?? { terms: new Map([[dim, 1]]), constant: 0 };
}

function format(value: Linear): Dim {
  const parts = [...value.terms].filter(([, factor]) => factor !== 0).sort(([a], [b]) => (a < b ? -1 : 1));
  if (parts.length === 0) return value.constant;
  const text = parts
    .map(([symbol, factor]) => (factor === 1 ? symbol : factor === -1 ? `-${symbol}` : `${factor}*${symbol}`))
    .concat(value.constant === 0 ? [] : [String(value.constant)])
    .join('+')
    .replaceAll('+-', '-');
  if (parts.length > 1 || value.constant !== 0 || parts[0]?.[1] !== 1) {
    known.set(text, { terms: new Map(parts), constant: value.constant });
  }
  return text;
}

/** a + factor * b. */
export function addDims(a: Dim, b: Dim, factor = 1): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a + factor * b;
  const left = linear(a);
  const right = linear(b);
  const terms = new Map(left.terms);
  for (const [symbol, value] of right.terms) terms.set(symbol, (terms.get(symbol) ?? 0) + factor * value);
  return format({ terms, constant: left.constant + factor * right.constant });
}

/** a * b; a product of two symbols becomes one new symbol. */
export function multiplyDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  if (typeof b === 'number') return addDims(0, a, b);
  if (typeof a === 'number') return addDims(0, b, a);
  return isUnknown(a) || isUnknown(b) ? unknownDim() : `(${[a, b].sort().join('*')})`;
}

/** floor(a / b); exact where every coefficient is divisible, else one new symbol. */
export function divideDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return Math.floor(a / b);
  if (a === b) return 1;
  if (typeof b === 'number') {
    const value = linear(a);
    const divisible = value.constant % b === 0 && [...value.terms.values()].every((factor) => factor % b === 0);
    if (divisible) {
      return format({
        terms: new Map([...value.terms].map(([symbol, factor]) => [symbol, factor / b])),
        constant: value.constant / b,
      });
    }
  }
  return isUnknown(a) || isUnknown(b) ? unknownDim() : `(${a}/${b})`;
}

/** True unless the two are proved to differ. */
export function mayBeEqual(a: Dim, b: Dim): boolean {
  return a === b || isUnknown(a) || isUnknown(b);
}

/** The better known of two dimensions that may be equal. */
export function merge(a: Dim, b: Dim): Dim {
  return isUnknown(a) ? b : a;
}

/** Product of all dimensions. */
export function productOf(shape: readonly Dim[]): Dim {
  return shape.reduce(multiplyDims, 1);
}

/** `[2, T, 64]` for messages. */
export function formatShape(shape: readonly Dim[]): string {
  return `[${shape.join(', ')}]`;
}
