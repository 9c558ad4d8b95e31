import './components.css';
import type { GeneratedPair } from '../../shared/api/generations.ts';
import { hrefOf } from '../app/router.ts';

/** Pairs as they come, the newest first: question, chosen and rejected answer, and what the filters noticed. */
export function PairSamples({ pairs }: { readonly pairs: readonly GeneratedPair[] }) {
  return (
    <ul className="pair-samples" aria-label="Newest pairs">
      {pairs.map(({ id, documentId, documentTitle, question, chosen, rejected, flags }) => (
        <li key={id}>
          <div className="row">
            <strong className="ellipsis">{question}</strong>
            <span className="muted end">
              {flags.length > 0 ? `${flags.join(', ').replaceAll('_', ' ')}, ` : ''}
              <a href={hrefOf('documents', documentId)}>{documentTitle}</a>
            </span>
          </div>
          <div className="clamp">
            <span className="side-chosen">chosen</span> {chosen}
          </div>
          <div className="clamp">
            <span className="side-rejected">rejected</span> {rejected}
          </div>
        </li>
      ))}
    </ul>
  );
}
