import type { ItemPair } from '../../../shared/api/evaluations.ts';
import { klDetailSchema } from '../../../shared/evaluation-details.ts';
import type { EvaluationItem } from '../../../shared/evaluations.ts';
import { heldOutMetrics } from '../../../shared/metrics.ts';
import { hrefOf } from '../../app/router.ts';
import { formatCount, formatNumber } from '../../components/format.ts';
import type { Change } from './flips.ts';
import { ChangeMark } from './score.tsx';

/** The pairs that an item was made of, turn by turn, with the way to each. */
export function PairTexts({ pairs }: { readonly pairs: readonly ItemPair[] }) {
  if (pairs.length === 0)
    return <div className="muted">Which pairs these were was not noted. Evaluate again to see their texts.</div>;
  return pairs.map(({ pairId, question, chosen, rejected }) => (
    <section key={pairId} className="pair-texts" aria-label={`Pair ${pairId}`}>
      <div className="text">
        <a href={hrefOf('pairs', pairId)}>Pair {pairId}</a> <span className="muted">asks: </span>
        {question}
      </div>
      <div className="answers-grid">
        {[
          { side: 'Chosen', text: chosen },
          { side: 'Rejected', text: rejected },
        ].map(({ side, text }) => (
          <div key={side} role="group" aria-label={`${side} answer`}>
            <strong style={{ color: `var(--${side.toLowerCase()})` }}>{side}</strong>
            <div className="text" tabIndex={0}>
              {text}
            </div>
          </div>
        ))}
      </div>
    </section>
  ));
}

/** The held-out metrics of an item, each model in a column. */
export function PairFigures({
  answers,
  names,
  changes,
}: {
  readonly answers: readonly (EvaluationItem | undefined)[];
  readonly names: readonly string[];
  readonly changes: readonly Change[];
}) {
  const details = answers.map((answer) => klDetailSchema.safeParse(answer?.detail).data);
  const [known] = details.flatMap((detail) => detail ?? []);
  // The task is named after the exact KL: it comes first, its estimates follow.
  const order = (name: string): number => (name.includes('kl/exact') ? 0 : name.includes('kl/') ? 1 : 2);
  const metrics = Object.entries(heldOutMetrics)
    .filter(([name]) => details.some((detail) => detail?.values[name] !== undefined))
    .sort(([a], [b]) => order(a) - order(b));
  return (
    <div style={{ overflowX: 'auto', marginTop: 8 }}>
      <table className="data" aria-label="Figures of the pair">
        <thead>
          <tr>
            <th scope="col">
              Figure{known === undefined ? '' : ` over ${formatCount(known.tokens)} tokens of the packed pair`}
            </th>
            {names.map((name, i) => (
              <th key={name} scope="col">
                {name} {i > 0 && <ChangeMark change={changes[i] ?? 'same'} />}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {metrics.map(([name, { label, unit, meaning }]) => (
            <tr key={name}>
              <td title={meaning}>
                {label} {unit !== '' && <span className="muted">{unit}</span>}
              </td>
              {details.map((detail, i) => {
                const value = detail?.values[name];
                return <td key={names[i]}>{value === undefined ? '' : formatNumber(value)}</td>;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
