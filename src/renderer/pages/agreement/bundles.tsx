import { useApi } from '../../api/client.ts';
import { hrefOf } from '../../app/router.ts';
import { formatCount, formatTime } from '../../components/format.ts';
import { Facts } from '../../components/page.tsx';
import { ErrorPanel, Loading } from '../../components/states.tsx';
import { ExportBundleForm } from './export-bundle.tsx';
import { ExportVerdictsForm } from './export-verdicts.tsx';
import { ImportVerdicts } from './import-verdicts.tsx';

/** Audits on other machines: pairs out, verdicts back. */
export function Bundles() {
  const current = useApi('bundles.current', {});
  if (current.isError) return <ErrorPanel error={current.error} retry={() => void current.refetch()} />;
  if (current.data === undefined) return <Loading />;
  const bundle = current.data;
  return (
    <div style={{ display: 'grid', gap: 12 }}>
      {bundle !== null && (
        <section className="panel" aria-label="This audit">
          <h2>This workspace is the audit of a review bundle</h2>
          <Facts
            facts={[
              ['Made', formatTime(bundle.createdAt)],
              [
                'Reviewed',
                <span key="reviewed">
                  {formatCount(bundle.reviewed)} of {formatCount(bundle.pairs)} pairs{' '}
                  <a href={hrefOf('pairs')}>Go on reviewing</a>
                </span>,
              ],
              ['Answers', bundle.blind ? 'blind: nothing says which one is the chosen one' : 'named'],
              ...(bundle.note === '' ? [] : [['Note', bundle.note] as const]),
            ]}
          />
          <ExportVerdictsForm reviewed={bundle.reviewed} />
        </section>
      )}
      <div
        style={{
          display: 'grid',
          gap: 12,
          alignItems: 'start',
          gridTemplateColumns: bundle === null ? 'minmax(0, 1fr) minmax(0, 1fr)' : 'minmax(0, 1fr)',
        }}
      >
        {bundle === null && <ExportBundleForm />}
        <ImportVerdicts />
      </div>
    </div>
  );
}
