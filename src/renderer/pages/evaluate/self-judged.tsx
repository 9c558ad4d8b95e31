import type { EvaluationView } from '../../../shared/api/evaluations.ts';

/** Says who rated the answers, and warns where a model rated itself. */
export function SelfJudged({
  row: { judge, selfJudged },
}: {
  readonly row: Pick<EvaluationView, 'judge' | 'selfJudged'>;
}) {
  if (judge === null) return null;
  if (selfJudged !== true) return <span className="muted">by {judge.name}</span>;
  return (
    <span
      className="self-judged"
      title={`${judge.name} has the same base weights as the model that it rates: such ratings flatter.`}
    >
      self-judged
    </span>
  );
}
