import { fieldError } from '../../components/field-error.tsx';
import { hrefOfEvaluations } from './address.ts';
import { estimateRow, timeInWords } from './estimate.ts';
import type { Estimates } from './use-estimates.ts';

/** Before the start: items, tokens and time of each task, on all models that are chosen. */
export function EstimateTable({
  tasks,
  models,
  estimates,
}: {
  readonly tasks: readonly { readonly key: string; readonly index: number; readonly name: string }[];
  /** Number of models, runs and adapters. */
  readonly models: number;
  readonly estimates: Estimates;
}) {
  const known = tasks.map((task) => ({ ...task, found: estimates.task(task.key, task.index) }));
  const all = known.flatMap(({ found }) => found ?? []);
  const counting = known.some(({ found }) => found === null);
  return (
    <section aria-label="What it takes">
      <div className="estimate" role="group" aria-label="Estimates" tabIndex={0}>
        <table className="data" aria-label="What each task takes">
          <thead>
            <tr>
              <th scope="col">Task</th>
              <th scope="col">Items</th>
              <th scope="col">Tokens to read</th>
              <th scope="col">Tokens to write, at most</th>
              <th scope="col">Time</th>
              <th scope="col">As measured by</th>
            </tr>
          </thead>
          <tbody>
            {known.map(({ key, index, name, found }) => {
              const row = found === null ? null : estimateRow(found, models);
              const problem = estimates.group(key).error;
              return (
                <tr key={`${key} ${index}`}>
                  <td className="ellipsis" title={name}>
                    {name}
                  </td>
                  {row === null ? (
                    <td colSpan={5} className="muted">
                      {problem !== null
                        ? fieldError(problem)
                        : estimates.busy
                          ? 'counted when the running job has ended'
                          : 'counting'}
                    </td>
                  ) : (
                    <>
                      <td>{row.items}</td>
                      <td>{row.read}</td>
                      <td>{row.written}</td>
                      <td>{row.time}</td>
                      <td>
                        {row.by.map((id) => (
                          <a key={id} href={hrefOfEvaluations([id])}>
                            evaluation {id}
                          </a>
                        ))}
                      </td>
                    </>
                  )}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {estimates.error !== null && <span role="alert">{fieldError(estimates.error)}</span>}
      <div className="muted" role="status">
        {counting
          ? ''
          : `Time without loading the models: ${timeInWords(all, tasks.length * models)}.${all.some(({ time }) => time === null) ? ' It is known once this machine has evaluated something alike with the same model on the same device.' : ''}`}
      </div>
    </section>
  );
}
