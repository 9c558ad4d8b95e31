import { Button } from '@mantine/core';
import { useState } from 'react';
import { isAlive } from '../../../shared/api/jobs.ts';
import type { BackupRow, CheckReport, ExportAllReport } from '../../../shared/workspace-care.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { fieldError } from '../../components/field-error.tsx';
import { formatBytes, formatCount, formatTime } from '../../components/format.ts';
import { PathField } from '../../components/path-field.tsx';
import { ErrorPanel, Loading } from '../../components/states.tsx';
import { JobLine } from '../../jobs/job-line.tsx';
import { useJob } from '../../jobs/use-job.ts';
import { BackupsTable } from '../../workspaces/backups-table.tsx';

/** Care of the open workspace: copies of its database and the way back to one, check, compacting, export of everything. */
export function CarePanel({ hasWorkspace }: { readonly hasWorkspace: boolean }) {
  return (
    <section className="panel" aria-label="Workspace care">
      <h2>Workspace care</h2>
      {!hasWorkspace && <span className="muted">Open a workspace first.</span>}
      {/* It stays while the workspace is closed for a moment, so that what came of it can be told. */}
      <div hidden={!hasWorkspace}>
        <Care hasWorkspace={hasWorkspace} />
      </div>
    </section>
  );
}

function Care({ hasWorkspace }: { readonly hasWorkspace: boolean }) {
  const backups = useApi('workspaces.backups', {}, { enabled: hasWorkspace });
  const backUp = useApiMutation('workspaces.backUp');
  const check = useApiMutation('workspaces.check');
  const compact = useApiMutation('workspaces.compact');
  const restore = useApiMutation('workspaces.restore');
  const [jobId, setJob] = useState<number | null>(null);
  const job = useJob(jobId);
  const closing = compact.isPending || restore.isPending;
  const begin = (forget: () => void): void => {
    setJob(null);
    forget();
  };
  const forgetAll = (): void => {
    for (const { reset } of [backUp, check, compact, restore]) reset();
  };
  const follow = { onSuccess: ({ jobId: id }: { readonly jobId: number }) => setJob(id) };
  const error = backUp.error ?? check.error ?? compact.error ?? restore.error;
  return (
    <>
      <div className="row">
        <Button
          disabled={closing || isAlive(job)}
          loading={backUp.isPending}
          onClick={() => {
            begin(forgetAll);
            backUp.mutate({}, follow);
          }}
        >
          Back up now
        </Button>
        <Button
          variant="default"
          disabled={closing || isAlive(job)}
          loading={check.isPending}
          onClick={() => {
            begin(forgetAll);
            check.mutate({}, follow);
          }}
        >
          Check everything
        </Button>
        <Button
          variant="default"
          disabled={restore.isPending || isAlive(job)}
          loading={compact.isPending}
          onClick={() => {
            begin(forgetAll);
            compact.mutate({});
          }}
        >
          Compact
        </Button>
        <span className="muted">
          A copy is made once a day; five of those are kept. Compacting writes the database anew without its gaps.
        </span>
      </div>
      <JobLine job={job} done={(result) => <Done result={result as BackupRow | CheckReport} />} />
      {compact.data !== undefined && (
        <div role="status" style={{ marginTop: 8 }}>
          Compacted: {formatBytes(Math.max(0, compact.data.bytesBefore - compact.data.bytesAfter))} gained,{' '}
          {formatBytes(compact.data.bytesBefore)} before, {formatBytes(compact.data.bytesAfter)} now.
        </div>
      )}
      {restore.data !== undefined && (
        <div role="status" style={{ marginTop: 8, overflowWrap: 'anywhere' }}>
          Restored from <span className="mono">{restore.data.restored}</span>
          {restore.data.kept !== null && (
            <>
              ; the former database is <span className="mono">{restore.data.kept}</span>
            </>
          )}
          .
        </div>
      )}
      {error !== null && <ErrorPanel error={error} />}
      <h3>Backups</h3>
      {backups.isPending && <Loading lines={2} />}
      {backups.isError && <ErrorPanel error={backups.error} />}
      {backups.data?.length === 0 && <span className="muted">There are none yet.</span>}
      {backups.data !== undefined && backups.data.length > 0 && (
        <div style={{ maxHeight: 220, overflow: 'auto' }} tabIndex={0} role="group" aria-label="List of backups">
          <BackupsTable
            backups={backups.data}
            busy={closing || isAlive(job)}
            onRestore={(name) => {
              begin(forgetAll);
              restore.mutate({ name });
            }}
          />
        </div>
      )}
      <ExportEverything />
    </>
  );
}

function Done({ result }: { readonly result: BackupRow | CheckReport }) {
  if (!('checked' in result)) {
    return (
      <>
        Backed up at {formatTime(result.at)}: {formatBytes(result.bytes)}.
      </>
    );
  }
  const { ok, problems, checked } = result;
  const looked = `${formatCount(checked.pages)} pages, ${formatCount(checked.texts)} texts and ${formatCount(checked.checkpoints)} checkpoints looked at`;
  if (ok) return <>{looked}: all is well.</>;
  return (
    <>
      <strong style={{ color: 'var(--fail)' }}>{formatCount(problems.length)} problems</strong>, {looked}:
      <ul style={{ margin: '4px 0 0', paddingLeft: 18, maxHeight: 160, overflow: 'auto' }}>
        {problems.slice(0, 100).map((problem) => (
          <li key={problem}>{problem}</li>
        ))}
      </ul>
      {problems.length > 100 && <span className="muted">and {formatCount(problems.length - 100)} more</span>}
    </>
  );
}

function ExportEverything() {
  const start = useApiMutation('workspaces.exportAll');
  const [folder, setFolder] = useState('');
  const [jobId, setJob] = useState<number | null>(null);
  const job = useJob(jobId);
  const begin = (): void => start.mutate({ folder }, { onSuccess: ({ jobId: id }) => setJob(id) });
  return (
    <>
      <h3>Export everything</h3>
      <PathField
        label="Empty or new folder"
        description="Open formats: JSON Lines (pairs as TRL reads them), CSV of metrics, adapters for PEFT"
        kind="folder"
        value={folder}
        onChange={(next) => {
          setFolder(next);
          start.reset();
        }}
        onEnter={begin}
        error={fieldError(start.error)}
        action={
          <Button disabled={folder.trim() === ''} loading={start.isPending || isAlive(job)} onClick={begin}>
            Export
          </Button>
        }
      />
      <JobLine
        job={job}
        done={(result) => {
          const { files, folder: written, leftOut } = result as ExportAllReport;
          return (
            <>
              {formatCount(files.length)} files and adapters written to <span className="mono">{written}</span>.
              {leftOut.length > 0 && (
                <ul style={{ margin: '4px 0 0', paddingLeft: 18, maxHeight: 160, overflow: 'auto' }}>
                  {leftOut.map(({ what, why }) => (
                    <li key={what}>
                      Left out: {what}: {why}
                    </li>
                  ))}
                </ul>
              )}
            </>
          );
        }}
      />
    </>
  );
}
