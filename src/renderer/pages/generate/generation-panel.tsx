import type { GenerationView } from '../../../shared/api/generations.ts';
import type { ApiJob } from '../../../shared/api/jobs.ts';
import { useApi } from '../../api/client.ts';
import { hrefOf } from '../../app/router.ts';
import { formatShare } from '../../components/figure.tsx';
import { formatCount } from '../../components/format.ts';
import { PairSamples } from '../../components/pair-samples.tsx';
import { JobActions } from '../../jobs/job-actions.tsx';
import { JobProgressLine } from '../../jobs/job-progress.tsx';
import { reasonName } from './drop-reasons.ts';

/** A generation as it goes on: counts, what was left out and why, the pairs that came last, and how to stop it. */
export function GenerationPanel({
  generation: { id, name, status, error, counts },
  job,
}: {
  readonly generation: GenerationView;
  /** The job that works on it, or that could go on with it. */
  readonly job: ApiJob | undefined;
}) {
  const latest = useApi('generations.latest', { id, limit: 4 }, { keep: true });
  const reasons = Object.entries(counts.dropped).sort(([, a], [, b]) => b - a);
  const most = reasons[0]?.[1] ?? 1;
  return (
    <section className="panel" aria-label={`Generation ${name}`}>
      <div className="row">
        <h2 style={{ margin: 0 }}>{name}</h2>
        <span>{job?.status ?? status}</span>
        {job !== undefined && <JobProgressLine job={job} />}
        <span className="row end">
          {job !== undefined && <JobActions job={job} />}
          {counts.pairs > 0 && <a href={hrefOf('pairs')}>Audit the pairs</a>}
        </span>
      </div>
      {error !== null && (
        <div role="alert" className="field-problem">
          {error}
        </div>
      )}
      <dl className="counts">
        {(
          [
            ['documents', counts.documents],
            ['chunks asked about', counts.chunks],
            ['questions', counts.questions],
            ['pairs', counts.pairs],
          ] as const
        ).map(([what, count]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>{formatCount(count)}</dd>
          </div>
        ))}
        <div>
          <dt>with identical answers</dt>
          <dd>
            {formatCount(counts.identical)}
            {counts.pairs > 0 && <span className="muted"> {formatShare(counts.identical / counts.pairs)}</span>}
          </dd>
        </div>
      </dl>
      <div className="generation-grid">
        <div>
          <h3>Left out, by reason</h3>
          {reasons.length === 0 ? (
            <span className="muted">Nothing was left out.</span>
          ) : (
            <table className="data" aria-label="Left out, by reason">
              <tbody>
                {reasons.map(([reason, count]) => (
                  <tr key={reason}>
                    <td>
                      {reasonName(reason)}
                      <div className="share" style={{ width: `${(100 * count) / most}%` }} />
                    </td>
                    <td className="number">{formatCount(count)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </div>
        <div>
          <h3>Pairs that came last</h3>
          {(latest.data?.length ?? 0) === 0 ? (
            <span className="muted">
              {(job?.status ?? status) === 'finished'
                ? 'None was made: the reasons stand beside it.'
                : 'They appear as documents are finished.'}
            </span>
          ) : (
            <PairSamples pairs={latest.data ?? []} />
          )}
        </div>
      </div>
    </section>
  );
}
