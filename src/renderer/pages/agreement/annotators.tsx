import { NumberInput, Select } from '@mantine/core';
import { useState } from 'react';
import type { DisagreementRow, TwoReviewers } from '../../../shared/audit/agreement.ts';
import { judgements } from '../../../shared/audit/label-errors.ts';
import { sampleForKappa } from '../../../shared/audit/sample-size.ts';
import { useApi } from '../../api/client.ts';
import { useAllRows } from '../../api/use-all-rows.ts';
import { goTo, hrefOf } from '../../app/router.ts';
import { DataTable } from '../../components/data-table.tsx';
import type { DataColumn } from '../../components/data-table.tsx';
import { Interval } from '../../components/figure.tsx';
import { formatCount } from '../../components/format.ts';
import { Empty, ErrorPanel, Loading } from '../../components/states.tsx';
import { ReportActions } from './report-actions.tsx';
import { judgementNames, kappaText, sources, twoReviewersCsv, twoReviewersMarkdown } from './report-tables.ts';
import type { Reviewers } from './report-tables.ts';

/** How far two annotators agree, and where they do not. */
export function Annotators({ reviewers }: { readonly reviewers: Reviewers | undefined }) {
  const [chosen, choose] = useState<readonly [string | null, string | null]>([null, null]);
  if (reviewers === undefined) return <Loading />;
  const [most, next] = [...reviewers].sort((a, b) => b.pairs - a.pairs);
  const first = chosen[0] ?? most?.reviewer;
  const second = chosen[1] ?? (next?.reviewer === first ? most?.reviewer : next?.reviewer);
  if (first === undefined || second === undefined) {
    return (
      <Empty title={first === undefined ? 'Nobody has reviewed yet' : `Only ${first} has reviewed`}>
        Agreement needs two people who judged the same pairs. Send both the same{' '}
        <a href={hrefOf('agreement', 'bundles')}>review bundle</a>, or let the second review here under another name.
      </Empty>
    );
  }
  const names = reviewers.map(({ reviewer, pairs }) => ({
    value: reviewer,
    label: `${reviewer} (${formatCount(pairs)} pairs)`,
  }));
  return (
    <>
      <div className="row" style={{ marginBottom: 12 }}>
        <Select
          label="First annotator"
          data={names}
          value={first}
          allowDeselect={false}
          onChange={(value) => choose([value, second === value ? first : second])}
          w={240}
        />
        <Select
          label="Second annotator"
          data={names}
          value={second}
          allowDeselect={false}
          onChange={(value) => choose([first === value ? second : first, value])}
          w={240}
        />
      </div>
      <Comparison first={first} second={second} />
      {reviewers.length > 2 && <Everybody count={reviewers.length} />}
    </>
  );
}

function Comparison({ first, second }: { readonly first: string; readonly second: string }) {
  const two = useApi('agreement.compare', { first, second });
  if (two.isError) return <ErrorPanel error={two.error} retry={() => void two.refetch()} />;
  if (two.data === undefined) return <Loading />;
  if (two.data.pairs === 0) {
    return (
      <Empty title={`${first} and ${second} have no pair in common`}>
        Send both the same <a href={hrefOf('agreement', 'bundles')}>review bundle</a>: the same file has the same pairs.
      </Empty>
    );
  }
  return (
    <>
      <div style={{ display: 'grid', gridTemplateColumns: 'minmax(300px, 2fr) minmax(0, 3fr)', gap: 12 }}>
        <KappaPanel two={two.data} />
        <section className="panel" aria-label="Confusion matrix">
          <div className="row" style={{ marginBottom: 6 }}>
            <h2 style={{ margin: 0 }}>Verdicts on the same pairs</h2>
            <span className="end" />
            <ReportActions
              name={`agreement-${first}-${second}`.replaceAll(/[^\w.-]+/g, '_')}
              csv={() => twoReviewersCsv(two.data)}
              markdown={() => twoReviewersMarkdown(two.data)}
            />
          </div>
          <Matrix two={two.data} />
        </section>
      </div>
      <Disagreements first={first} second={second} />
    </>
  );
}

function KappaPanel({ two }: { readonly two: TwoReviewers & { readonly blind: number } }) {
  const { pairs, blind, agreement, kappa } = two;
  const [half, setHalf] = useState(0.1);
  const needed = sampleForKappa(kappa, 2 * half);
  return (
    <section className="panel" aria-label="Cohen's kappa">
      <h2>Cohen&apos;s kappa</h2>
      <div style={{ fontSize: 22 }}>
        {kappa.value === null || kappa.low === null || kappa.high === null ? (
          <span className="muted">undefined</span>
        ) : (
          <Interval value={kappa.value} low={kappa.low} high={kappa.high} format={(value) => value.toFixed(3)} />
        )}
      </div>
      {kappa.value === null && <div>All verdicts are alike, so agreement cannot be told from chance.</div>}
      {agreement !== null && (
        <div>
          Same verdict: <Interval {...agreement} />
        </div>
      )}
      <div>
        {formatCount(pairs)} pairs judged by both, {blind === pairs ? 'all' : formatCount(blind)} of them blind by both
      </div>
      {pairs < 30 && (
        <div style={{ color: 'var(--warn)' }}>Fewer than 30 pairs: the interval is only a rough guide.</div>
      )}
      {blind < pairs && (
        <div style={{ color: 'var(--warn)' }}>
          Who sees the labels tends to agree with them: quote kappa of blind reviews.
        </div>
      )}
      <div className="row" style={{ margin: '8px 0' }}>
        <NumberInput
          aria-label="Half width of kappa's interval"
          value={half}
          min={0.01}
          max={0.5}
          step={0.01}
          decimalScale={2}
          prefix="±"
          w={80}
          onChange={(value) => {
            if (typeof value === 'number' && value >= 0.01 && value <= 0.5) setHalf(value);
          }}
        />
        <span>
          {needed === null
            ? 'cannot be planned from these verdicts'
            : needed <= pairs
              ? 'is reached'
              : `needs ${formatCount(needed - pairs)} more pairs judged by both`}
        </span>
      </div>
      <p className="muted" style={{ margin: 0 }}>
        {sources.kappa}; 95% interval from the {sources.kappaError}, and the number of pairs from it, should kappa stay.
        Same verdict: {sources.wilson}.
      </p>
    </section>
  );
}

function Matrix({ two: { reviewers, matrix, pairs } }: { readonly two: TwoReviewers }) {
  const most = Math.max(1, ...matrix.flat());
  return (
    <div style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label="Confusion matrix of verdicts">
      <table className="data matrix" aria-label="Confusion matrix of verdicts">
        <thead>
          <tr>
            <th scope="col">
              {reviewers[0]} (rows), {reviewers[1]} (columns)
            </th>
            {judgements.map((judgement) => (
              <th key={judgement} scope="col" className="number">
                {judgementNames[judgement]}
              </th>
            ))}
            <th scope="col" className="number">
              all
            </th>
          </tr>
        </thead>
        <tbody>
          {judgements.map((judgement, i) => (
            <tr key={judgement}>
              <th scope="row">{judgementNames[judgement]}</th>
              {judgements.map((other, j) => {
                const count = matrix[i]?.[j] ?? 0;
                const share = count === 0 ? 0 : 10 + (35 * count) / most;
                return (
                  <td
                    key={other}
                    className="number"
                    style={{
                      background: `color-mix(in srgb, var(${i === j ? '--short' : '--rejected'}) ${share.toFixed(0)}%, transparent)`,
                      fontWeight: i === j ? 600 : 400,
                    }}
                  >
                    {count === 0 ? <span className="muted">0</span> : formatCount(count)}
                  </td>
                );
              })}
              <td className="number muted">{formatCount((matrix[i] ?? []).reduce((sum, count) => sum + count, 0))}</td>
            </tr>
          ))}
          <tr>
            <th scope="row" className="muted">
              all
            </th>
            {judgements.map((judgement, j) => (
              <td key={judgement} className="number muted">
                {formatCount(matrix.reduce((sum, row) => sum + (row[j] ?? 0), 0))}
              </td>
            ))}
            <td className="number">{formatCount(pairs)}</td>
          </tr>
        </tbody>
      </table>
    </div>
  );
}

function Disagreements({ first, second }: { readonly first: string; readonly second: string }) {
  const { rows, pending, error } = useAllRows('agreement.disagreements', { two: { first, second } });
  const columns: readonly DataColumn<DisagreementRow>[] = [
    {
      id: 'pair',
      header: 'Pair',
      number: true,
      width: 70,
      value: (row) => row.pairId,
      cell: (row) => <a href={hrefOf('pairs', row.pairId)}>#{row.pairId}</a>,
    },
    { id: 'question', header: 'Instruction', width: 380, value: (row) => row.question },
    { id: 'first', header: first, width: 130, value: (row) => judgementNames[row.first] },
    { id: 'second', header: second, width: 130, value: (row) => judgementNames[row.second] },
    { id: 'document', header: 'Document', width: 200, value: (row) => row.documentTitle },
  ];
  if (error !== null) return <ErrorPanel error={error} />;
  return (
    <section aria-label="Disagreements" style={{ marginTop: 12 }}>
      <h2>Disagreements</h2>
      {pending && <Loading lines={3} />}
      {!pending && rows.length === 0 && <div className="muted">They agree on every pair that both judged.</div>}
      {rows.length > 0 && (
        <DataTable
          name="agreement.disagreements"
          label="Disagreements"
          rows={rows}
          columns={columns}
          rowId={(row) => row.pairId}
          onSelect={(row) => goTo('pairs', row.pairId)}
          filterHint="Filter by verdict, instruction, document"
          height={Math.min(420, 110 + 28 * rows.length)}
        />
      )}
    </section>
  );
}

function Everybody({ count }: { readonly count: number }) {
  const all = useApi('agreement.all', {});
  if (all.data === undefined || all.data === null) return null;
  return (
    <section className="panel" aria-label="All annotators" style={{ marginTop: 12 }}>
      <h2>All {formatCount(count)} annotators</h2>
      {all.data.pairs === 0 ? (
        'There is no pair that all of them judged.'
      ) : (
        <>
          Fleiss&apos; kappa <strong>{kappaText(all.data.kappa) || 'undefined'}</strong> over{' '}
          {formatCount(all.data.pairs)} pairs that all judged.
        </>
      )}{' '}
      <span className="muted">
        {sources.fleiss}; 95% interval from the {sources.fleissError}.
      </span>
    </section>
  );
}
