import { choiceDetailSchema } from '../../../shared/evaluation-details.ts';
import type { EvaluationItem } from '../../../shared/evaluations.ts';
import { formatNumber } from '../../components/format.ts';
import type { Change } from './flips.ts';
import { ChangeMark, Score } from './score.tsx';

/** The options of a question: which is right, and of each model how likely it finds them and which it chose. */
export function ChoicesTable({
  choices,
  waiting,
  answers,
  names,
  changes,
}: {
  /** Their texts; null while they are read. */
  readonly choices: readonly string[] | null;
  /** They are read once the running job has ended. */
  readonly waiting: boolean;
  readonly answers: readonly (EvaluationItem | undefined)[];
  readonly names: readonly string[];
  readonly changes: readonly Change[];
}) {
  const details = answers.map((answer) => choiceDetailSchema.safeParse(answer?.detail).data);
  const [known] = details.flatMap((detail) => detail ?? []);
  if (known === undefined) return null;
  return (
    <div style={{ overflowX: 'auto', marginTop: 8 }}>
      <table className="data choices" aria-label="Options">
        <thead>
          <tr>
            <th scope="col">Option</th>
            {names.map((name, i) => (
              <th key={name} scope="col">
                {name} <Score item={answers[i]} judged /> {i > 0 && <ChangeMark change={changes[i] ?? 'same'} />}
                <div>log-likelihood, nats</div>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {known.logLikelihoods.map((_, option) => (
            <tr key={option}>
              <td className="text">
                <span className="muted">{String.fromCharCode(65 + option)}: </span>
                {choices?.[option] ?? (
                  <span className="muted">{waiting ? 'read once the running job has ended' : ''}</span>
                )}{' '}
                {option === known.gold && <span className="tag right">right</span>}
              </td>
              {details.map((detail, i) => (
                <td key={names[i]}>
                  {detail === undefined ? (
                    <span className="muted">not answered</span>
                  ) : (
                    <>
                      {likelihood(detail.logLikelihoods[option])}{' '}
                      {option === detail.acc && (
                        <span className={detail.acc === detail.gold ? 'tag right' : 'tag wrong'}>chosen</span>
                      )}{' '}
                      {option === detail.accNorm && detail.accNorm !== detail.acc && (
                        <span className="tag">chosen per character</span>
                      )}
                    </>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const likelihood = (value: number | null | undefined): string =>
  value === null || value === undefined ? 'not finite' : formatNumber(value);
