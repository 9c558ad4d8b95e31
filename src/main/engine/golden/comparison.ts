import type { QuantityReport } from './report.ts';
import { RECORDED_FACTOR, SCALAR_TOLERANCES, TENSOR_TOLERANCES } from './tolerances.ts';
import type { ScalarKind, Tolerance, TensorKind, TensorTolerance } from './tolerances.ts';

/** A value of ours and how it is compared. */
export class Leaf {
  readonly kind: ScalarKind;
  readonly value: number | string;

  constructor(kind: ScalarKind, value: number | string) {
    this.kind = kind;
    this.value = value;
  }
}

export function leaf(kind: ScalarKind, value: number | string): Leaf {
  return new Leaf(kind, value);
}

/** Our values in the structure of expected.json. */
export type Tree = Leaf | readonly Tree[] | { readonly [key: string]: Tree };

export interface FileTensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** A tensor of ours under the file's name. */
export interface OurTensor {
  readonly name: string;
  /** Name of the quantity that it belongs to. */
  readonly group: string;
  readonly kind: TensorKind;
  readonly data: Float32Array | Float64Array;
  readonly shape: readonly number[];
  /** The elements to compare, half-open; all when left out. */
  readonly ranges?: readonly (readonly [number, number])[];
}

/** What a case records of its own fp32 reference's errors. */
export interface RecordedErrors {
  readonly scalars: Readonly<Record<string, number>>;
  readonly tensors: Readonly<
    Record<string, { readonly max_abs?: number | undefined; readonly rel_l2?: number | undefined }>
  >;
}

/** One value of a quantity: its error and, for the report, where it is. */
interface Outcome {
  readonly error: number;
  readonly tolerance: number;
  readonly describe: () => string;
}

/** Keys of records with one value a tensor: one quantity together. */
const MANY: ReadonlySet<string> = new Set(['norms', 'update_l2']);

/** Collects the comparisons of one case. */
export class Comparison {
  readonly #recorded: RecordedErrors;
  readonly #quantities = new Map<string, QuantityReport>();
  /** Paths of the scalars compared, and how. */
  readonly #scalars = new Map<string, { kind: ScalarKind; expected: unknown; path: readonly string[] }>();
  readonly #tensors = new Set<string>();

  constructor(recorded: RecordedErrors) {
    this.#recorded = recorded;
  }

  get quantities(): QuantityReport[] {
    return [...this.#quantities.values()];
  }

  /**
   * Compares every value that both sides have. Arrays must have the same length.
   * @param route the way of computing ours, shown behind the names
   */
  tree(expected: unknown, ours: Tree, route?: string): void {
    this.#walk(expected, ours, [], [], route === undefined ? '' : ` (${route})`);
  }

  #walk(
    expected: unknown,
    ours: Tree | undefined,
    path: readonly string[],
    group: readonly string[],
    route: string,
  ): void {
    if (ours === undefined || expected === undefined) return;
    const name = (group.join('.') || path.join('.')) + route;
    if (ours instanceof Leaf) {
      this.#scalars.set(key(path), { kind: ours.kind, expected, path });
      this.#scalar(name, path.join('.'), expected, ours);
    } else if (isArray(ours)) {
      if (!Array.isArray(expected) || expected.length !== ours.length) {
        const found = Array.isArray(expected) ? `${expected.length} values` : JSON.stringify(expected);
        this.#mismatch(name, `${path.join('.')}: expected ${found}, got ${ours.length} values`);
        return;
      }
      ours.forEach((item, i) => {
        this.#walk(expected[i], item, [...path, String(i)], group, route);
      });
    } else if (!isRecord(expected)) {
      this.#mismatch(name, `${path.join('.')}: expected a record, found ${JSON.stringify(expected)}`);
    } else {
      const together = MANY.has(path.at(-1) ?? '');
      for (const [field, item] of Object.entries(ours)) {
        this.#walk(expected[field], item, [...path, field], together ? group : [...group, field], route);
      }
    }
  }

  #scalar(name: string, path: string, expected: unknown, { kind, value }: Leaf): void {
    const rule: Tolerance = SCALAR_TOLERANCES[kind];
    this.#add(name, {
      error: scalarError(rule, expected, value),
      tolerance: this.#allowed(rule),
      describe: () => `${path}: expected ${show(expected)}, got ${show(value)}`,
    });
  }

  #allowed({ tolerance, recordedAs }: Tolerance): number {
    const recorded = recordedAs === undefined ? 0 : (this.#recorded.scalars[recordedAs] ?? 0);
    return Math.max(tolerance, RECORDED_FACTOR * recorded);
  }

  /** One value outside the structure of expected.json. */
  value(name: string, kind: ScalarKind, expected: unknown, ours: number | string): void {
    this.#scalar(name, name, expected, leaf(kind, ours));
  }

  /**
   * Two lists of whole numbers that must be the same.
   * @param of what the list belongs to, where several share the name
   */
  list(name: string, expected: ArrayLike<number>, ours: ArrayLike<number>, of?: string): void {
    const length = Math.max(expected.length, ours.length);
    let different = 0;
    let first = -1;
    for (let i = 0; i < length; i += 1) {
      if (expected[i] === ours[i]) continue;
      different += 1;
      if (first < 0) first = i;
    }
    const at = (values: ArrayLike<number>): string => (first < values.length ? String(values[first]) : 'the end');
    this.#add(name, {
      error: different,
      tolerance: 0,
      describe: () =>
        `${of === undefined ? '' : `${of}: `}${different} of ${length} entries differ, the first at ${first}: expected ${at(expected)}, got ${at(ours)}`,
    });
  }

  /** Compares a tensor with the file's. */
  tensor(file: FileTensor, ours: OurTensor, route?: string): void {
    this.#tensors.add(ours.name);
    const name = ours.group + (route === undefined ? '' : ` (${route})`);
    if (file.shape.join() !== ours.shape.join()) {
      this.#mismatch(
        name,
        `${ours.name} has the shape [${file.shape.join(', ')}], expected [${ours.shape.join(', ')}]`,
      );
      return;
    }
    const rule: TensorTolerance = TENSOR_TOLERANCES[ours.kind];
    const recorded = this.#recorded.tensors[ours.name];
    const { maxAbs, at, relL2 } = difference(file.data, ours.data, ours.ranges ?? [[0, file.data.length]]);
    const largest = (): string =>
      `${ours.name}[${place(at, ours.shape)}]: expected ${show(file.data[at])}, got ${show(ours.data[at])}`;
    if (rule.maxAbs !== undefined) {
      const tolerance = Math.max(rule.maxAbs, RECORDED_FACTOR * (recorded?.max_abs ?? 0));
      this.#add(name, { error: maxAbs, tolerance, describe: largest });
    }
    if (rule.relL2 !== undefined) {
      const tolerance = Math.max(rule.relL2, RECORDED_FACTOR * (recorded?.rel_l2 ?? 0));
      const label = rule.maxAbs === undefined ? name : `${name}, relative L2`;
      this.#add(label, { error: relL2, tolerance, describe: () => `relative L2, most at ${largest()}` });
    }
  }

  /** The case's own single-precision values must fit its double-precision ones, where both were given. */
  singlePrecision(fp32: unknown): void {
    for (const { kind, expected, path } of this.#scalars.values()) {
      const single = path.reduce<unknown>(
        (value, name) => (value as Record<string, unknown> | undefined)?.[name],
        fp32,
      );
      if (single === undefined || typeof expected !== 'number') continue;
      const rule: Tolerance = SCALAR_TOLERANCES[kind];
      this.#add('fp32 against fp64 in expected.json', {
        error: typeof single === 'number' ? scalarError(rule, expected, single) : Infinity,
        tolerance: this.#allowed(rule),
        describe: () => `${path.join('.')}: fp64 has ${show(expected)}, fp32 has ${show(single)}`,
      });
    }
  }

  /** Quantities of the file that were not compared, each once. */
  uncovered(expected: unknown): string[] {
    const found = new Set<string>();
    const visit = (value: unknown, path: readonly string[], group: readonly string[]): void => {
      if (isRecord(value)) {
        const together = MANY.has(path.at(-1) ?? '');
        for (const [field, item] of Object.entries(value))
          visit(item, [...path, field], together ? group : [...group, field]);
      } else if (Array.isArray(value)) value.forEach((item, i) => visit(item, [...path, String(i)], group));
      else if (value !== undefined && !this.#scalars.has(key(path))) found.add(group.join('.'));
    };
    visit(expected, [], []);
    return [...found];
  }

  hasTensor(name: string): boolean {
    return this.#tensors.has(name);
  }

  #mismatch(name: string, detail: string): void {
    this.#add(name, { error: Infinity, tolerance: 0, describe: () => detail });
  }

  #add(name: string, outcome: Outcome): void {
    const error = Number.isNaN(outcome.error) ? Infinity : outcome.error;
    const { tolerance } = outcome;
    const before = this.#quantities.get(name);
    const count = (before?.count ?? 0) + 1;
    const worse = before === undefined || share(error, tolerance) > share(before.error, before.tolerance);
    if (!worse) {
      this.#quantities.set(name, { ...before, count });
      return;
    }
    const ok = error <= tolerance;
    this.#quantities.set(name, { name, error, tolerance, count, ok, ...(ok ? {} : { detail: outcome.describe() }) });
  }
}

/** A path as one string: names may hold dots. */
function key(path: readonly string[]): string {
  return path.join('\n');
}

/** How much of its tolerance an error takes; above 1 it fails. */
function share(error: number, tolerance: number): number {
  return error === 0 ? 0 : error / tolerance;
}

function scalarError({ measure }: Tolerance, expected: unknown, ours: number | string): number {
  if (typeof expected !== 'number' || typeof ours !== 'number') return expected === ours ? 0 : Infinity;
  const difference = Math.abs(expected - ours);
  return measure === 'absolute' || difference === 0 ? difference : difference / Math.abs(expected);
}

function difference(
  expected: Float32Array,
  ours: Float32Array | Float64Array,
  ranges: readonly (readonly [number, number])[],
): { maxAbs: number; at: number; relL2: number } {
  let maxAbs = 0;
  let at = ranges[0]?.[0] ?? 0;
  let square = 0;
  let norm = 0;
  for (const [start, end] of ranges) {
    for (let i = start; i < end; i += 1) {
      const value = expected[i] as number; // both have the same shape, checked by the caller
      const distance = Math.abs(value - (ours[i] as number));
      if (!(distance <= maxAbs)) {
        // also NaN, which then stays
        if (!Number.isNaN(maxAbs)) at = i;
        maxAbs = distance;
      }
      square += distance * distance;
      norm += value * value;
    }
  }
  return { maxAbs, at, relL2: square === 0 ? 0 : Math.sqrt(square / norm) };
}

/** Indices of a flat position. */
function place(flat: number, shape: readonly number[]): string {
  const indices: number[] = [];
  let rest = flat;
  for (const size of [...shape].reverse()) {
    indices.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return indices.join(', ');
}

function show(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(10)));
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

function isArray(value: Tree): value is readonly Tree[] {
  return Array.isArray(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
