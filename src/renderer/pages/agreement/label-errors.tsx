import { NumberInput, Select } from '@mantine/core';
import { useState } from 'react';
import type { LabelErrorReport, Sampling } from '../../../shared/audit/label-errors.ts';
import { sampleForShare } from '../../../shared/audit/sample-size.ts';
import { sampleWarnings } from '../../../shared/audit/sample-warnings.ts';
import { useApi } from '../../api/client.ts';
import { hrefOf } from '../../app/router.ts';
import { Interval, formatShare } from '../../components/figure.tsx';
import { formatCount } from '../../components/format.ts';
import { Empty, ErrorPanel, Loading } from '../../components/states.tsx';
import { ReportActions } from './report-actions.tsx';
import { judgementNames, labelErrorCsv, labelErrorMarkdown, rateRows, sources } from './report-tables.ts';
import type { Reviewers } from './report-tables.ts';

const kinds: Readonly<Record<Sampling['kind'], string>> = {
  census: 'all pairs were reviewed, so this is no sample',
  random: 'a random sample of all pairs',
  random_within_filters: 'a random sample of the pairs that fit a filter',
  in_order: 'pairs in a fixed order, no random sample',
  picked: 'pairs picked by hand, no random sample',
  mixed: 'pairs drawn in different ways, no random sample',
  unknown: 'pairs of which it is not recorded how they were drawn',
};

/** `48 of 1,200 pairs: a random sample of all pairs` */
export function sampleText({ n, sampling, documents }: LabelErrorReport): string {
  return `Sample: ${formatCount(n)} of ${formatCount(sampling.population)} pairs from ${formatCount(documents)} documents; ${kinds[sampling.kind]}.`;
}

/** How often "chosen beats rejected" is wrong in what was reviewed, and what may be concluded from it. */
export function LabelErrors({ reviewers }: { readonly reviewers: Reviewers }) {
  const [reviewer, setReviewer] = useState<string | null>(null);
  const [jobId, setJob] = useState<string | null>(null);
  const [points, setPoints] = useState(5);
  const generations = useApi('generations.list', { limit: 500 });
  const report = useApi(
    'agreement.labelErrors',
    { reviewer, jobId: jobId === null ? null : Number(jobId) },
    { keep: true },
  );
  return (
    <>
      <div className="row" style={{ marginBottom: 12, alignItems: 'flex-end' }}>
        <Select
          label="Verdicts of"
          data={[
            { value: '', label: 'anyone (the latest of each pair)' },
            ...reviewers.map(({ reviewer: name, pairs }) => ({
              value: name,
              label: `${name} (${formatCount(pairs)} pairs)`,
            })),
          ]}
          value={reviewer ?? ''}
          allowDeselect={false}
          onChange={(value) => setReviewer(value === '' ? null : value)}
          w={260}
        />
        <Select
          label="Pairs of"
          data={[
            { value: '', label: 'all generations' },
            ...(generations.data?.rows ?? []).map(({ id, name }) => ({ value: String(id), label: `#${id} ${name}` })),
          ]}
          value={jobId ?? ''}
          allowDeselect={false}
          onChange={(value) => setJob(value === '' ? null : value)}
          w={220}
        />
      </div>
      {report.isError && <ErrorPanel error={report.error} retry={() => void report.refetch()} />}
      {report.isPending && <Loading />}
      {report.data !== undefined &&
        (report.data.n === 0 ? (
          <Empty title="Nothing was reviewed yet">
            Review pairs in random order on the <a href={hrefOf('pairs')}>Pairs</a> page, or send them to an annotator
            as a <a href={hrefOf('agreement', 'bundles')}>review bundle</a>. The share of wrong labels appears here.
          </Empty>
        ) : (
          <Report report={report.data} points={points} onPoints={setPoints} />
        ))}
    </>
  );
}

function Report({
  report,
  points,
  onPoints,
}: {
  readonly report: LabelErrorReport;
  readonly points: number;
  readonly onPoints: (points: number) => void;
}) {
  const warnings = sampleWarnings(report);
  const { error, n, reversed, sampling } = report;
  if (error === null || reversed === null) return null;
  const width = (2 * points) / 100;
  const more = (share: number): string => {
    const missing = Math.max(0, sampleForShare(share, width) - n);
    if (sampling.kind === 'census' || missing === 0) return 'no more';
    const left = sampling.population - n;
    return missing > left ? `all ${formatCount(left)} that are left` : `${formatCount(missing)} more`;
  };
  return (
    <>
      <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr) minmax(0, 1fr)', gap: 12 }}>
        <section className="panel" aria-label="Label error rate">
          <h2>Label error rate of &quot;chosen beats rejected&quot;</h2>
          <div style={{ fontSize: 22 }}>
            <Interval {...error} />
          </div>
          <div>
            Rejected answer is the better one: <Interval {...reversed} />
          </div>
          <p className="muted" style={{ marginBottom: 0 }}>
            {sampleText(report)} An error is every verdict but &quot;chosen better&quot;; skips are left out. 95%
            interval: {sources.wilson}.
          </p>
        </section>
        <section className="panel" aria-label="Reviews needed">
          <h2>Reviews needed for a narrower interval</h2>
          <div className="row">
            <NumberInput
              aria-label="Half width in percentage points"
              value={points}
              min={0.5}
              max={30}
              step={0.5}
              decimalScale={1}
              prefix="±"
              w={80}
              onChange={(value) => {
                if (typeof value === 'number' && value >= 0.5 && value <= 30) onPoints(value);
              }}
            />
            <span>percentage points need</span>
          </div>
          <p style={{ margin: '6px 0' }}>
            <strong>{more(error.value)}</strong> at the rate found so far ({formatShare(error.value)})
            <br />
            <strong>{more(0.5)}</strong> whatever the rate is
          </p>
          <p className="muted" style={{ margin: 0 }}>
            For pairs drawn at random, from the width of the {sources.wilson}.
          </p>
        </section>
      </div>
      {warnings.length > 0 && (
        <section
          className="panel"
          aria-label="Before quoting these figures"
          style={{ marginTop: 12, borderColor: 'var(--warn)' }}
        >
          <h2 style={{ color: 'var(--warn)' }}>Before quoting these figures</h2>
          <ul style={{ margin: 0, paddingLeft: 18 }}>
            {warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </section>
      )}
      <div className="row" style={{ margin: '12px 0 6px' }}>
        <h2 style={{ margin: 0 }}>By group</h2>
        <span className="end" />
        <ReportActions
          name="label-errors"
          csv={() => labelErrorCsv(report)}
          markdown={() => labelErrorMarkdown(report, sampleText(report), warnings)}
        />
      </div>
      <RateTable report={report} />
    </>
  );
}

const titles = {
  all: '',
  'document type': 'Document type',
  'document length': 'Document length',
  generation: 'Generation',
};

function RateTable({ report }: { readonly report: LabelErrorReport }) {
  const rows = rateRows(report);
  return (
    <div style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label="Label errors by group">
      <table className="data" aria-label="Label errors by group">
        <thead>
          <tr>
            <th scope="col">Group</th>
            <th scope="col" className="number">
              Pairs
            </th>
            <th scope="col">Label error rate [95%]</th>
            <th scope="col">Rejected better [95%]</th>
            {(['both_good', 'both_bad', 'broken_instruction'] as const).map((name) => (
              <th key={name} scope="col" className="number">
                {judgementNames[name]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ by, group, rate }, i) => (
            <tr key={`${by} ${group}`}>
              <th scope="row" style={{ color: 'inherit', whiteSpace: 'normal' }}>
                {rows[i - 1]?.by !== by && titles[by] !== '' && <span className="muted">{titles[by]}: </span>}
                {group}
              </th>
              <td className="number">{formatCount(rate.n)}</td>
              <td>{rate.error === null ? '' : <RateCell {...rate.error} />}</td>
              <td>{rate.reversed === null ? '' : <Interval {...rate.reversed} />}</td>
              {(['both_good', 'both_bad', 'broken_instruction'] as const).map((name) => (
                <td key={name} className="number">
                  {formatCount(rate.verdicts[name])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The interval drawn from 0 to 100%, beside its figures. */
function RateCell({ value, low, high }: { readonly value: number; readonly low: number; readonly high: number }) {
  return (
    <span className="row" style={{ flexWrap: 'nowrap' }}>
      <svg width={80} height={10} viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden>
        <line x1={0} x2={100} y1={5} y2={5} stroke="var(--line)" vectorEffect="non-scaling-stroke" />
        <rect
          x={100 * low}
          width={Math.max(1, 100 * (high - low))}
          y={3}
          height={4}
          fill="var(--muted)"
          opacity={0.5}
        />
        <rect x={Math.max(0, 100 * value - 1)} width={2} y={0} height={10} fill="var(--mantine-color-text)" />
      </svg>
      <Interval value={value} low={low} high={high} />
    </span>
  );
}
