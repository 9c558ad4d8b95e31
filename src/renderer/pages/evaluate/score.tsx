import { hasScore } from '../../../shared/evaluations.ts';
import type { EvaluationItem } from '../../../shared/evaluations.ts';
import { formatNumber } from '../../components/format.ts';
import type { Change } from './flips.ts';

/** What an answer is worth: right or not (`judged`), or its value. */
export function Score({ item, judged }: { readonly item: EvaluationItem | undefined; readonly judged: boolean }) {
  if (item === undefined) return null;
  if (!hasScore(item)) {
    const unrated = typeof item.detail === 'object' && item.detail !== null && 'rating' in item.detail;
    return <span className="muted">{unrated ? 'not rated' : 'too long'}</span>;
  }
  // Part of the outputs may have been named.
  if (!judged || (item.score > 0 && item.score < 1)) return formatNumber(item.score);
  return item.score === 1 ? <>yes</> : <span style={{ color: 'var(--rejected)' }}>no</span>;
}

/** Won or lost against the baseline. */
export function ChangeMark({ change }: { readonly change: Change }) {
  return change === 'won' || change === 'lost' ? <span className={change}>{change}</span> : null;
}
