import { Button, SegmentedControl, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { ImportSummary } from '../../../shared/api/bundles.ts';
import { importConflictKinds } from '../../../shared/audit/bundle-requests.ts';
import type { ImportConflict, ImportConflictKind } from '../../../shared/audit/bundle-requests.ts';
import { isAlive } from '../../../shared/api/jobs.ts';
import { useApiMutation } from '../../api/client.ts';
import { useAllRows } from '../../api/use-all-rows.ts';
import { hrefOf } from '../../app/router.ts';
import { DataTable } from '../../components/data-table.tsx';
import type { DataColumn } from '../../components/data-table.tsx';
import { fieldError } from '../../components/field-error.tsx';
import { formatCount } from '../../components/format.ts';
import { PathField } from '../../components/path-field.tsx';
import { ErrorPanel } from '../../components/states.tsx';
import { JobLine } from '../../jobs/job-line.tsx';
import { useJob } from '../../jobs/use-job.ts';

type Choice = 'skip' | 'import';
type Choices = Readonly<Record<Exclude<ImportConflictKind, 'pair_unknown'>, Choice>>;

const kindNames: Readonly<Record<ImportConflictKind, string>> = {
  pair_unknown: 'The pair is not in this workspace',
  pair_changed: 'The pair was edited here since',
  same_reviewer: 'The reviewer has a verdict on it here already',
  clock: 'The time is before the bundle was made, or in the future',
};

/** A verdict file comes back: looked at first, every conflict shown with a choice for its kind, then taken over. */
export function ImportVerdicts() {
  const [path, setPath] = useState('');
  const [choices, setChoices] = useState<Choices>({ pair_changed: 'skip', same_reviewer: 'skip', clock: 'import' });
  const [names, setNames] = useState<Readonly<Record<string, string>>>({});
  const [previewId, setPreview] = useState<number | null>(null);
  const [importId, setImport] = useState<number | null>(null);
  const look = useApiMutation('bundles.importVerdicts');
  const take = useApiMutation('bundles.importVerdicts');
  const preview = useJob(previewId);
  const imported = useJob(importId);
  const found = preview?.status === 'finished' ? (preview.result as ImportSummary) : undefined;

  const request = (with_: Choices, rename: Readonly<Record<string, string>>) => ({
    path,
    ...{ changedPairs: with_.pair_changed, sameReviewer: with_.same_reviewer, clock: with_.clock },
    rename: Object.fromEntries(Object.entries(rename).filter(([, name]) => name.trim() !== '')),
  });
  const lookAgain = (with_: Choices, rename: Readonly<Record<string, string>>): void => {
    setImport(null);
    look.mutate({ ...request(with_, rename), preview: true }, { onSuccess: ({ jobId }) => setPreview(jobId) });
  };

  return (
    <section className="panel" aria-label="Import verdicts">
      <h2>Take verdicts over</h2>
      <p className="muted">
        The verdict file of an audit on another machine. Nothing is stored before you have seen what would happen;
        importing a file again adds only what is new.
      </p>
      <PathField
        label="Verdict file"
        kind="files"
        value={path}
        onChange={(next) => {
          setPath(next);
          setPreview(null);
          setImport(null);
          setNames({});
        }}
        error={fieldError(look.error)}
        action={
          <Button
            variant="default"
            disabled={path.trim() === ''}
            loading={look.isPending || isAlive(preview)}
            onClick={() => lookAgain(choices, names)}
          >
            Preview
          </Button>
        }
      />
      <JobLine job={preview} done={() => null} />
      {found !== undefined && previewId !== null && (
        <>
          <Summary summary={found} />
          <Names
            summary={found}
            names={names}
            onChange={(next) => {
              setNames(next);
              lookAgain(choices, next);
            }}
          />
          <Conflicts
            summary={found}
            jobId={previewId}
            choices={choices}
            onChange={(next) => {
              setChoices(next);
              lookAgain(next, names);
            }}
          />
          <div className="row" style={{ marginTop: 8 }}>
            <Button
              disabled={found.imported === 0 || imported?.status === 'finished'}
              loading={take.isPending || isAlive(imported)}
              onClick={() => {
                take.mutate(
                  { ...request(choices, names), expected: found.seal },
                  { onSuccess: ({ jobId }) => setImport(jobId) },
                );
              }}
            >
              Import {formatCount(found.imported)} reviews
            </Button>
            {found.imported === 0 && <span className="muted">There is nothing new to import.</span>}
          </div>
        </>
      )}
      {take.isError && <ErrorPanel error={take.error} />}
      <JobLine
        job={imported}
        done={(result) => {
          const { imported: count, skipped } = result as ImportSummary;
          return (
            <>
              {formatCount(count)} reviews imported, {formatCount(skipped)} left out.{' '}
              <a href={hrefOf('agreement', 'annotators')}>See the agreement</a>
            </>
          );
        }}
      />
    </section>
  );
}

function Summary({ summary }: { readonly summary: ImportSummary }) {
  const { reviews, imported, known, skipped } = summary;
  return (
    <p style={{ margin: '8px 0' }} role="status">
      {formatCount(reviews)} reviews: <strong>{formatCount(imported)} new</strong>, {formatCount(known)} here already,{' '}
      {formatCount(skipped)} left out.
    </p>
  );
}

/** Under which name each reviewer's verdicts are stored here: two people may both be called "me". */
function Names({
  summary,
  names,
  onChange,
}: {
  readonly summary: ImportSummary;
  readonly names: Readonly<Record<string, string>>;
  readonly onChange: (names: Readonly<Record<string, string>>) => void;
}) {
  return (
    <table className="data" aria-label="Reviewers of the file">
      <thead>
        <tr>
          <th scope="col">Reviewer in the file</th>
          <th scope="col" className="number">
            Reviews
          </th>
          <th scope="col">Name here</th>
          <th scope="col">Has verdicts here</th>
        </tr>
      </thead>
      <tbody>
        {summary.reviewers.map(({ inFile, reviews, pairsHere }) => (
          <tr key={inFile}>
            <td>{inFile}</td>
            <td className="number">{formatCount(reviews)}</td>
            <td>
              <TextInput
                aria-label={`Name of ${inFile} here`}
                defaultValue={names[inFile] ?? inFile}
                maxLength={200}
                onBlur={(event) => {
                  const name = event.currentTarget.value.trim();
                  if (name !== (names[inFile] ?? inFile)) onChange({ ...names, [inFile]: name });
                }}
              />
            </td>
            <td className="muted">{pairsHere === 0 ? 'no' : `on ${formatCount(pairsHere)} pairs`}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Conflicts({
  summary,
  jobId,
  choices,
  onChange,
}: {
  readonly summary: ImportSummary;
  readonly jobId: number;
  readonly choices: Choices;
  readonly onChange: (choices: Choices) => void;
}) {
  const kinds = importConflictKinds.filter((kind) => summary.counts[kind].imported + summary.counts[kind].skipped > 0);
  if (kinds.length === 0) return <p className="muted">There are no conflicts.</p>;
  return (
    <>
      <h2 style={{ marginTop: 12 }}>Conflicts</h2>
      <table className="data" aria-label="Kinds of conflicts">
        <tbody>
          {kinds.map((kind) => (
            <tr key={kind}>
              <th scope="row" style={{ color: 'inherit', whiteSpace: 'normal' }}>
                {kindNames[kind]}
              </th>
              <td className="number">{formatCount(summary.counts[kind].imported + summary.counts[kind].skipped)}</td>
              <td>
                {kind === 'pair_unknown' ? (
                  <span className="muted">always left out</span>
                ) : (
                  <SegmentedControl
                    size="xs"
                    aria-label={kindNames[kind]}
                    value={choices[kind]}
                    data={[
                      { value: 'skip', label: 'leave out' },
                      { value: 'import', label: 'import' },
                    ]}
                    onChange={(value) => onChange({ ...choices, [kind]: value })}
                  />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <ConflictList jobId={jobId} />
    </>
  );
}

const columns: readonly DataColumn<ImportConflict>[] = [
  {
    id: 'pair',
    header: 'Pair',
    number: true,
    width: 60,
    value: (row) => row.pairId,
    cell: (row) =>
      row.kind === 'pair_unknown' ? `#${row.pairId}` : <a href={hrefOf('pairs', row.pairId)}>#{row.pairId}</a>,
  },
  { id: 'reviewer', header: 'Reviewer', width: 90, value: (row) => row.reviewer },
  {
    id: 'resolution',
    header: 'Will be',
    width: 80,
    value: (row) => (row.resolution === 'skipped' ? 'left out' : 'imported'),
  },
  { id: 'message', header: 'Why', width: 420, value: (row) => row.message },
];

function ConflictList({ jobId }: { readonly jobId: number }) {
  const { rows, error } = useAllRows('bundles.conflicts', { jobId });
  if (error !== null) return <ErrorPanel error={error} />;
  return (
    <div style={{ marginTop: 8 }}>
      <DataTable
        name="agreement.conflicts"
        label="Conflicts"
        rows={rows}
        columns={columns}
        rowId={(row) => `${row.pairId} ${row.reviewer}`}
        height={Math.min(300, 50 + 28 * rows.length)}
      />
    </div>
  );
}
