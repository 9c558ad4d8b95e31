import './documents.css';
import { Button, Modal, Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { ApiParsedInput } from '../../../shared/api/contract.ts';
import type { ApiJob } from '../../../shared/api/jobs.ts';
import type { FileReport, ImportReport } from '../../../shared/documents.ts';
import { importKinds } from '../../../shared/import-kinds.ts';
import { isAlive } from '../../../shared/api/jobs.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { ApiError } from '../../api/transport.ts';
import { DataTable } from '../../components/data-table.tsx';
import type { DataColumn } from '../../components/data-table.tsx';
import { DropTarget } from '../../components/drop-target.tsx';
import { fieldError, inputProblem } from '../../components/field-error.tsx';
import { formatCount } from '../../components/format.ts';
import { PathField } from '../../components/path-field.tsx';
import { ErrorPanel } from '../../components/states.tsx';
import { JobProgressLine } from '../../jobs/job-progress.tsx';

type Options = Omit<ApiParsedInput<'documents.import'>, 'paths'>;
const defaults: Options = { encoding: 'auto', textField: 'text', tree: 'files' };

const kinds = Object.values(importKinds)
  .map(({ label }) => label)
  .join(', ');

const encodings = [
  { value: 'auto', label: 'UTF-8, or UTF-16 with its mark' },
  { value: 'windows-1252', label: 'Windows-1252' },
  { value: 'latin-1', label: 'Latin-1' },
];
const trees = [
  { value: 'files', label: 'Each file a document' },
  { value: 'joined', label: 'Code joined to long documents' },
];

/** Import by path, dialog or drop: what to read how, how far it is, and what became of each file. */
export function ImportPanel() {
  const [path, setPath] = useState('');
  const [options, setOptions] = useState(defaults);
  const [optionsShown, showOptions] = useState(false);
  const [dismissed, dismiss] = useState(0);
  const start = useApiMutation('documents.import');
  const cancel = useApiMutation('jobs.cancel');
  const jobs = useApi('jobs.list', {});
  const job = jobs.data?.find(({ kind }) => kind === 'import');
  const running = job !== undefined && isAlive(job);
  const failed =
    job?.status === 'failed' && job.error !== null && job.id !== dismissed ? new ApiError(job.error) : null;
  const problem = start.error ?? failed;
  const noField = options.textField.trim() === '';
  const begin = (paths: readonly string[]): void => {
    if (job !== undefined) dismiss(job.id);
    start.mutate({ paths: [...paths], ...options });
  };
  const change = (change: Partial<Options>): void => setOptions({ ...options, ...change });
  return (
    <DropTarget hint="Drop files or folders to import them" onDrop={begin}>
      <PathField
        label="Import a file or a folder"
        description={`${kinds}. Drop files here, or choose them.`}
        kind="files"
        value={path}
        onChange={(next) => {
          setPath(next);
          start.reset();
          if (job !== undefined) dismiss(job.id);
        }}
        onChooseMany={begin}
        onEnter={() => begin([path])}
        error={fieldError(problem)}
        action={
          <>
            <Button variant="default" aria-expanded={optionsShown} onClick={() => showOptions(!optionsShown)}>
              Options
            </Button>
            <Button
              disabled={path.trim() === '' || noField || running}
              loading={start.isPending}
              onClick={() => begin([path])}
            >
              Import
            </Button>
          </>
        }
      />
      {optionsShown && (
        <div className="row" style={{ marginTop: 8, alignItems: 'flex-start' }}>
          <Select
            label="Encoding of text files"
            data={encodings}
            value={options.encoding}
            allowDeselect={false}
            w={230}
            onChange={(value) => change({ encoding: (value ?? 'auto') as Options['encoding'] })}
          />
          <TextInput
            label="Field or column with the text"
            description="JSON Lines and Parquet"
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            value={options.textField}
            error={noField ? 'Name a field.' : undefined}
            w={210}
            onChange={(event) => change({ textField: event.currentTarget.value })}
          />
          <Select
            label="Folders of source code"
            data={trees}
            value={options.tree}
            allowDeselect={false}
            w={230}
            onChange={(value) => change({ tree: (value ?? 'files') as Options['tree'] })}
          />
        </div>
      )}
      {problem !== null && inputProblem(problem) === null && <ErrorPanel error={problem} />}
      {running && (
        <div className="row" style={{ marginTop: 6 }}>
          <span>{job.status === 'waiting' ? 'Waiting for the job before it' : 'Importing'}</span>
          <JobProgressLine job={job} width={220} />
          <Button size="compact-xs" variant="default" onClick={() => cancel.mutate({ id: job.id })}>
            Cancel
          </Button>
        </div>
      )}
      <LastImport jobs={jobs.data ?? []} />
    </DropTarget>
  );
}

/** One line about the last import that ended, with the report a file behind it. */
function LastImport({ jobs }: { readonly jobs: readonly ApiJob[] }) {
  const [shown, show] = useState(false);
  const last = jobs.find(({ kind, status }) => kind === 'import' && status === 'finished');
  if (last === undefined) return null;
  const report = last.result as ImportReport; // what an import's job gives
  const first = report.files.flatMap((file) => file.problems)[0];
  return (
    <div className="row" style={{ marginTop: 6 }}>
      <span className="ellipsis" style={{ flex: '0 1 auto' }}>
        Last import: {formatCount(report.imported)} {report.imported === 1 ? 'document' : 'documents'},{' '}
        {formatCount(report.duplicates)} known already,{' '}
        {report.problems === 0 ? (
          'no problems.'
        ) : (
          <span style={{ color: 'var(--warn)' }}>
            {formatCount(report.problems)} {report.problems === 1 ? 'problem' : 'problems'}
            {first === undefined ? '.' : `: ${fileName(first.path)} ${first.reason}.`}
          </span>
        )}
      </span>
      <Button size="compact-xs" variant="default" onClick={() => show(true)}>
        Report
      </Button>
      <Modal opened={shown} onClose={() => show(false)} title="Report of the last import" size="90%">
        <ReportTable files={report.files} />
      </Modal>
    </div>
  );
}

function fileName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}

function outcome({ imported, duplicates, problems }: FileReport): string {
  if (problems.length > 0 && imported + duplicates === 0) return 'left out';
  if (problems.length > 0) return 'in part';
  return imported > 0 ? 'imported' : 'known already';
}

function whyOf({ problems }: FileReport): string {
  const shown = problems.slice(0, 3).map(({ line, reason }) => `${line === null ? '' : `line ${line}: `}${reason}`);
  return [...shown, ...(problems.length > 3 ? [`${formatCount(problems.length - 3)} more`] : [])].join('; ');
}

const columns: readonly DataColumn<FileReport>[] = [
  {
    id: 'outcome',
    header: 'Outcome',
    value: outcome,
    cell: (file) => <span style={file.problems.length > 0 ? { color: 'var(--warn)' } : {}}>{outcome(file)}</span>,
    width: 100,
  },
  { id: 'path', header: 'File', value: (file) => file.path, width: 380 },
  {
    id: 'kind',
    header: 'Kind',
    value: (file) => (file.importer === null ? 'unknown' : importKinds[file.importer].label),
    width: 110,
  },
  { id: 'imported', header: 'Imported', value: (file) => file.imported, number: true },
  { id: 'duplicates', header: 'Known', value: (file) => file.duplicates, number: true },
  { id: 'why', header: 'Why something was left out', value: whyOf, width: 380 },
];

function ReportTable({ files }: { readonly files: readonly FileReport[] }) {
  // What needs a look comes first.
  const rows = files.toSorted((a, b) => b.problems.length - a.problems.length);
  return (
    <DataTable
      name="import-report"
      label="Files of the import"
      rows={rows}
      columns={columns}
      rowId={(file) => file.path}
      filterHint="File, kind or reason"
      height={480}
    />
  );
}
