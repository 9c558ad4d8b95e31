import { reverseMode } from '../../../../src/main/engine/onnx/autodiff.ts';
import type { Dim } from '../../../../src/main/engine/onnx/dim.ts';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import type { TapeEntry, Value } from '../../../../src/main/engine/onnx/graph.ts';
import type { HostTensor } from '../../../../src/main/engine/onnx/session.ts';
import { Session } from '../../../../src/main/engine/onnx/session.ts';

/** One differentiated input. Elements are random in `range` (default [-1, 1]) unless `data` gives them. */
export interface Input {
  readonly shape: readonly number[];
  readonly range?: readonly [number, number];
  readonly data?: readonly number[];
}

/** A function whose gradients are checked. */
export interface Problem {
  readonly inputs: readonly Input[];
  /** Builds the function; is called several times, for graphs of its own. Must be smooth around the inputs. */
  readonly build: (g: Graph, ...inputs: Value[]) => Value | readonly Value[];
  /** Declares the inputs' sizes above 1 as symbols (equal sizes as the same symbol). */
  readonly symbolic?: boolean;
  /**
   * Element type of the inputs, default float64; float32 only for operators that have no float64 kernel, with a step
   * and a tolerance of its own.
   */
  readonly dtype?: 'float64' | 'float32';
  /** Step as a fraction of max(1, |x|). Default 6e-6 (see `checkGradients`). */
  readonly step?: number;
  /** Largest difference allowed, as a fraction of max(1, largest |gradient| of the input). Default 1e-7. */
  readonly tolerance?: number;
}

export interface GradientReport {
  /** Analytic gradient of the projection with respect to each input; undefined where reverse mode gave none. */
  readonly gradients: readonly (readonly number[] | undefined)[];
  /** The operators on the tape that reverse mode walked over ('composite' for composites). */
  readonly operators: ReadonlySet<string>;
  /** Largest difference found, as a fraction of max(1, largest |gradient|). */
  readonly worst: number;
}

const STEP = 6e-6;
const TOLERANCE = 1e-7;

/** Reproducible uniform numbers (mulberry32). */
export function uniform(count: number, seed: number, [low, high]: readonly [number, number] = [-1, 1]): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return low + (((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * (high - low);
  });
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function tensor(data: readonly number[], dims: readonly number[], dtype: 'float64' | 'float32'): HostTensor {
  return { data: dtype === 'float64' ? Float64Array.from(data) : Float32Array.from(data), dims };
}

function declare(g: Graph, problem: Problem): Value[] {
  const size = (n: number): Dim => (problem.symbolic === true && n > 1 ? `N${n}` : n);
  return problem.inputs.map(({ shape }, i) => g.input(`x${i}`, problem.dtype ?? 'float64', shape.map(size)));
}

/** The forward function alone, and the function with its gradients for seeds that are fed. */
function compile(problem: Problem): { forward: Graph; full: Graph; wanted: boolean[]; tape: readonly TapeEntry[] } {
  const forward = new Graph('forward');
  const inputs = declare(forward, problem);
  [problem.build(forward, ...inputs)].flat().forEach((y, k) => forward.output(y, `y${k}`));

  const full = new Graph('gradients');
  const wrt = declare(full, problem);
  const { result, tape } = full.record(() => [problem.build(full, ...wrt)].flat());
  const seeds = result.map((y, k) => ({ value: y, gradient: full.input(`seed${k}`, y.dtype, y.shape) }));
  const gradients = reverseMode(full, tape, seeds, wrt);
  result.forEach((y, k) => full.output(y, `y${k}`));
  gradients.forEach((gradient, i) => gradient !== undefined && full.output(gradient, `d${i}`));
  return { forward, full, wanted: gradients.map((gradient) => gradient !== undefined), tape };
}

/**
 * Compares reverse mode with central differences, both run by ONNX Runtime. A random vector r makes the outputs one
 * scalar, sum r_k y_k: r is the seed of reverse mode and the projection of the differences.
 *
 * Why these numbers: the error of a central difference is h^2 |f'''| / 6 from truncation plus eps |f| / h from
 * rounding, least near h = eps^(1/3) = 6e-6 in float64, about 1e-10 for functions of order 1. The tolerance of 1e-7
 * leaves room for sums and for f''' of order 100; an error in a rule is of the order of the gradient itself. Where a
 * float32 step is inside the function, rounding is 6e-8 |f| / h: give a function without third derivative and a large
 * step instead.
 *
 * @throws Error naming the input, the element and both numbers when they differ; when a gradient's shape is not its
 * input's; when reverse mode gave no gradient for an input that has an influence.
 */
export async function checkGradients(problem: Problem): Promise<GradientReport> {
  const dtype = problem.dtype ?? 'float64';
  const { forward, full, wanted, tape } = compile(problem);
  const options = { device: 'cpu', threads: 1 } as const;
  const [forwardSession, fullSession] = [await Session.create(forward, options), await Session.create(full, options)];
  try {
    const point = problem.inputs.map(({ shape, range, data }, i) => [
      ...(data ?? uniform(sizeOf(shape), i + 1, range)),
    ]);
    const feeds = (): Record<string, HostTensor> =>
      Object.fromEntries(problem.inputs.map(({ shape }, i) => [`x${i}`, tensor(point[i] ?? [], shape, dtype)]));
    const outputs = await forwardSession.run(feeds());
    const names = Object.keys(outputs);
    const projection = names.map((name, k) => uniform(outputs[name]?.data.length ?? 0, 100 + k));
    const objective = async (): Promise<number> => {
      const y = await forwardSession.run(feeds());
      let sum = 0;
      names.forEach((name, k) =>
        projection[k]?.forEach((factor, j) => {
          sum += factor * Number(y[name]?.data[j]);
        }),
      );
      return sum;
    };

    const seeds = names.map((name, k) => [
      name.replace('y', 'seed'),
      // A seed has the type of its output.
      tensor(
        projection[k] ?? [],
        outputs[name]?.dims ?? [],
        outputs[name]?.data instanceof Float32Array ? 'float32' : 'float64',
      ),
    ]);
    const results = await fullSession.run({ ...feeds(), ...(Object.fromEntries(seeds) as Record<string, HostTensor>) });

    let worst = 0;
    const gradients: (readonly number[] | undefined)[] = [];
    for (const [i, { shape }] of problem.inputs.entries()) {
      const found = results[`d${i}`];
      if (found !== undefined && found.dims.join() !== shape.join()) {
        throw new Error(`input ${i} is [${shape.join()}], its gradient [${found.dims.join()}]`);
      }
      const analytic = wanted[i] === true ? Array.from(found?.data ?? [], Number) : undefined;
      gradients.push(analytic);
      const x = point[i] ?? [];
      const numeric: number[] = [];
      for (const [j, at] of x.entries()) {
        const h = (problem.step ?? STEP) * Math.max(1, Math.abs(at));
        x[j] = at + h;
        const above = await objective();
        x[j] = at - h;
        const below = await objective();
        x[j] = at;
        numeric.push((above - below) / (2 * h));
      }
      const scale = Math.max(1, ...numeric.map(Math.abs));
      for (const [j, slope] of numeric.entries()) {
        const error = Math.abs((analytic?.[j] ?? 0) - slope) / scale;
        worst = Math.max(worst, error);
        if (!(error <= (problem.tolerance ?? TOLERANCE))) {
          throw new Error(`input ${i}, element ${j}: gradient ${analytic?.[j]}, central difference ${slope}`);
        }
      }
    }
    return { gradients, operators: new Set(tape.map(({ node }) => node?.opType ?? 'composite')), worst };
  } finally {
    await forwardSession.release();
    await fullSession.release();
  }
}
