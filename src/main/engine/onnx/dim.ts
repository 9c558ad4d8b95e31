/**
 * A dimension: a number, or a symbolic polynomial with integer coefficients such as `T`, `2*T+3`, `C+P` or `B*T`, in
 * canonical text form (factors and terms sorted, the constant last), so that equal polynomials are equal texts.
 * A quotient that is not exact is a symbol of its own, `((T+7)/8)`. Symbols that start with `?` are unknown: nothing can
 * be proved about them, so they are compatible with everything.
 */
export type Dim = number | string;

interface Term {
  /** Symbols, sorted; none for the constant. */
  readonly symbols: readonly string[];
  readonly factor: number;
}

type Polynomial = readonly Term[];

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

/** Parts of `text` between operators that are outside parentheses; `operators` stay at the front of a part. */
function cut(text: string, operators: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const char of text) {
    depth += Number(char === '(') - Number(char === ')');
    if (depth === 0 && operators.includes(char) && parts.at(-1) !== '') parts.push('');
    parts.push((parts.pop() ?? '') + char);
  }
  return parts;
}

function parse(dim: Dim): Polynomial {
  if (typeof dim === 'number') return [{ symbols: [], factor: dim }];
  return cut(dim, '+-').map((term) => {
    const sign = term.startsWith('-') ? -1 : 1;
    const factors = cut(term.replace(/^[+-]/, ''), '*').map((factor) => factor.replace(/^\*/, ''));
    const numbers = factors.filter((factor) => /^\d+$/.test(factor)).map(Number);
    const symbols = factors.filter((factor) => !/^\d+$/.test(factor)).sort();
    return { symbols, factor: numbers.reduce((a, b) => a * b, sign) };
  });
}

function format(polynomial: Polynomial): Dim {
  const sums = new Map<string, number>();
  for (const { symbols, factor } of polynomial) {
    const key = symbols.join('*');
    sums.set(key, (sums.get(key) ?? 0) + factor);
  }
  const constant = sums.get('') ?? 0;
  const parts = [...sums].filter(([key, factor]) => key !== '' && factor !== 0).sort(([a], [b]) => (a < b ? -1 : 1));
  if (parts.length === 0) return constant;
  return parts
    .map(([key, factor]) => (factor === 1 ? key : factor === -1 ? `-${key}` : `${factor}*${key}`))
    .concat(constant === 0 ? [] : [String(constant)])
    .join('+')
    .replaceAll('+-', '-');
}

/** a + factor * b. */
export function addDims(a: Dim, b: Dim, factor = 1): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a + factor * b;
  return format([...parse(a), ...parse(b).map((term) => ({ ...term, factor: term.factor * factor }))]);
}

/** a * b. */
export function multiplyDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a * b + 0; // + 0: no negative zero
  const right = parse(b);
  return format(
    parse(a).flatMap((x) =>
      right.map((y) => ({ symbols: [...x.symbols, ...y.symbols].sort(), factor: x.factor * y.factor })),
    ),
  );
}

/** a / b where every term of a is a multiple of b (one term). */
function exactQuotient(a: Dim, b: Dim): Dim | undefined {
  const [divisor, ...more] = parse(b);
  if (divisor === undefined || more.length > 0 || divisor.factor === 0) return undefined;
  const terms: Term[] = [];
  for (const { symbols, factor } of parse(a)) {
    const rest = [...symbols];
    for (const symbol of factor === 0 ? [] : divisor.symbols) {
      const at = rest.indexOf(symbol);
      if (at < 0) return undefined;
      rest.splice(at, 1);
    }
    if (factor % divisor.factor !== 0) return undefined;
    terms.push({ symbols: rest, factor: factor / divisor.factor });
  }
  return format(terms);
}

/** A sum or product as an operand of a quotient. */
function bracketed(dim: Dim): Dim {
  return typeof dim === 'string' && cut(dim, '+-*').length > 1 ? `(${dim})` : dim;
}

/** floor(a / b); exact where every term of a is a multiple of b, else one new symbol. Nothing is known of a / 0. */
export function divideDims(a: Dim, b: Dim): Dim {
  if (b === 0) return unknownDim();
  if (typeof a === 'number' && typeof b === 'number') return Math.floor(a / b) + 0;
  const [above, below] = [addDims(a, 0), addDims(b, 0)];
  if (above === below) return 1;
  const exact = exactQuotient(above, below);
  if (exact !== undefined) return exact;
  return isUnknown(a) || isUnknown(b) ? unknownDim() : `(${bracketed(above)}/${bracketed(below)})`;
}

/** True unless the two are proved to differ: different expressions differ. */
export function mayBeEqual(a: Dim, b: Dim): boolean {
  return a === b || isUnknown(a) || isUnknown(b) || addDims(a, b, -1) === 0;
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
