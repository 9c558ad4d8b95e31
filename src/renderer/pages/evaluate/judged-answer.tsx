import { judgedDetailSchema } from '../../../shared/evaluation-details.ts';
import type { EvaluationItem } from '../../../shared/evaluations.ts';

/** An answer with what its judge wrote about it. */
export function JudgedAnswer({ item, judge }: { readonly item: EvaluationItem; readonly judge: string }) {
  const { data } = judgedDetailSchema.safeParse(item.detail);
  if (data === undefined) return <div className="text">{item.answer}</div>;
  const { category, turn, finish, pending, rating, judgement, retried } = data;
  const state =
    finish === 'too_long'
      ? 'The question is too long for the model; it was not asked.'
      : pending === true
        ? `${judge} has not judged it yet.`
        : rating === null
          ? `No rating could be read in what ${judge} wrote; it is not in the figures.`
          : `${rating} of 10 by ${judge}`;
  return (
    <>
      <div className="muted">
        {category}, turn {turn}
        {finish === 'length' && ', cut at the longest answer'}
      </div>
      {finish !== 'too_long' && <Boxed label="Answer" text={item.answer} />}
      <div className={rating === null ? 'muted' : 'rating'}>
        {state}
        {retried && <span className="muted"> (asked twice)</span>}
      </div>
      {judgement !== '' && <Boxed label="Judgement" text={judgement} />}
    </>
  );
}

function Boxed({ label, text }: { readonly label: string; readonly text: string }) {
  return (
    <div role="group" aria-label={label}>
      <div className="muted">{label}</div>
      <div className="text panel" tabIndex={0}>
        {text === '' ? <span className="muted">empty</span> : text}
      </div>
    </div>
  );
}
