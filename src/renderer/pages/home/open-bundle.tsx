import { Button } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { OpenedBundleReport } from '../../../shared/audit/bundle-requests.ts';
import { isAlive } from '../../../shared/api/jobs.ts';
import { useApiMutation } from '../../api/client.ts';
import { goTo } from '../../app/router.ts';
import { fieldError, inputProblem } from '../../components/field-error.tsx';
import { formatCount } from '../../components/format.ts';
import { PathField } from '../../components/path-field.tsx';
import { ErrorPanel } from '../../components/states.tsx';
import { JobProgressLine } from '../../jobs/job-progress.tsx';
import { useJob } from '../../jobs/use-job.ts';

/** For an annotator: a review bundle becomes a workspace, which is opened, and the review begins. No model is needed. */
export function OpenBundle() {
  const [path, setPath] = useState('');
  const [folder, setFolder] = useState('');
  const [jobId, setJob] = useState<number | null>(null);
  const start = useApiMutation('bundles.open');
  const openWorkspace = useApiMutation('workspaces.open');
  const job = useJob(jobId);
  const report = job?.status === 'finished' ? (job.result as OpenedBundleReport) : undefined;
  const target = report?.folder;
  const { mutate } = openWorkspace;
  useEffect(() => {
    if (target === undefined) return;
    mutate({ folder: target }, { onSuccess: () => goTo('pairs') });
  }, [target, mutate]);
  const running = job !== undefined && isAlive(job);
  const problem = start.error;
  return (
    <div className="panel">
      <h2>Open a review bundle</h2>
      <p className="muted">
        A file with pairs to judge, made on another machine. Neither a model nor a GPU is needed; the verdicts go back
        as a file.
      </p>
      <PathField
        label="Review bundle"
        kind="files"
        value={path}
        onChange={setPath}
        error={problem?.body.place.field === 'folder' ? undefined : fieldError(problem)}
      />
      <PathField
        label="Folder for the audit (new or empty)"
        kind="folder"
        value={folder}
        onChange={setFolder}
        error={problem?.body.place.field === 'folder' ? fieldError(problem) : undefined}
      />
      <div className="row" style={{ marginTop: 8 }}>
        <Button
          disabled={path.trim() === '' || folder.trim() === ''}
          loading={start.isPending || running}
          onClick={() => {
            start.mutate({ path, folder }, { onSuccess: ({ jobId: id }) => setJob(id) });
          }}
        >
          Open bundle
        </Button>
        {running && <JobProgressLine job={job} />}
        {report !== undefined && <span role="status">{formatCount(report.pairs)} pairs to review.</span>}
      </div>
      {problem !== null && inputProblem(problem) === null && <ErrorPanel error={problem} />}
      {job?.error != null && (
        <div role="alert" className="field-problem">
          {job.error.message} {job.error.hint}
        </div>
      )}
      {openWorkspace.isError && <ErrorPanel error={openWorkspace.error} />}
    </div>
  );
}
