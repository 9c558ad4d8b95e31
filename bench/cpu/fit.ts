export interface LinearFit {
  readonly intercept: number;
  readonly slope: number;
  readonly r2: number;
  /** Largest |measured - fitted| / measured. */
  readonly largestDeviation: number;
}

/** Least squares with y = c0 + c1 x + ... ; x is scaled inside so that high powers stay in range. */
function leastSquares(x: readonly number[], y: readonly number[], degree: number): number[] {
  const scale = Math.max(...x);
  const size = degree + 1;
  const power = (value: number, k: number): number => (value / scale) ** k;
  // Normal equations with the right-hand side as a last column, solved by elimination with pivoting.
  const rows = Array.from({ length: size }, (_, i) => [
    ...Array.from({ length: size }, (_, j) => x.reduce((sum, value) => sum + power(value, i + j), 0)),
    x.reduce((sum, value, n) => sum + power(value, i) * (y[n] ?? NaN), 0),
  ]);
  const cell = (i: number, j: number): number => rows[i]?.[j] ?? NaN;
  for (let k = 0; k < size; k++) {
    rows.splice(k, size, ...rows.slice(k).sort((a, b) => Math.abs(b[k] ?? 0) - Math.abs(a[k] ?? 0)));
    for (let i = 0; i < size; i++) {
      if (i === k) continue;
      const factor = cell(i, k) / cell(k, k);
      rows[i] = (rows[i] ?? []).map((value, j) => value - factor * cell(k, j));
    }
  }
  return rows.map((_, k) => cell(k, size) / cell(k, k) / scale ** k);
}

/** A straight line through the points. */
export function linearFit(x: readonly number[], y: readonly number[]): LinearFit {
  const [intercept = NaN, slope = NaN] = leastSquares(x, y, 1);
  const mean = y.reduce((a, b) => a + b, 0) / y.length;
  const residuals = y.map((value, i) => value - intercept - slope * (x[i] ?? NaN));
  const squares = (values: readonly number[]): number => values.reduce((sum, value) => sum + value * value, 0);
  return {
    intercept,
    slope,
    r2: 1 - squares(residuals) / squares(y.map((value) => value - mean)),
    largestDeviation: Math.max(...residuals.map((residual, i) => Math.abs(residual / (y[i] ?? NaN)))),
  };
}

/** c0 + c1 x + c2 x^2 through the points. */
export function quadraticFit(x: readonly number[], y: readonly number[]): readonly [number, number, number] {
  const [c0 = NaN, c1 = NaN, c2 = NaN] = leastSquares(x, y, 2);
  return [c0, c1, c2];
}
