import type { ComparisonRow } from '../../shared/evaluation-tasks.ts';
import { formatCount, formatNumber } from './format.ts';

/** A number with its sign. */
export function signed(value: number): string {
  return `${value > 0 ? '+' : ''}${formatNumber(value)}`;
}

/** A paired difference to the baseline with its 95% interval; a word says whether it can be chance. */
export function Difference({ row }: { readonly row: ComparisonRow }) {
  const { difference, better, worse } = row;
  if (difference === null) return <span className="muted">baseline</span>;
  const { value, low, high } = difference;
  const clear = low > 0 || high < 0;
  return (
    <span title={`${formatCount(better.length)} items better, ${formatCount(worse.length)} worse`}>
      {signed(value)}{' '}
      <span className="muted">
        [{signed(low)}, {signed(high)}] {clear ? '' : 'within chance, '}
        {formatCount(better.length)} better, {formatCount(worse.length)} worse
      </span>
    </span>
  );
}
