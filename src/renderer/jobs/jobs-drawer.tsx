import { Button, Drawer } from '@mantine/core';
import { useState } from 'react';
import type { ApiJob } from '../../shared/api/jobs.ts';
import { useApi } from '../api/client.ts';
import { formatDuration, formatTime } from '../components/format.ts';
import { Empty, ErrorPanel, Loading } from '../components/states.tsx';
import { JobActions } from './job-actions.tsx';
import { JobProgressLine } from './job-progress.tsx';
import { useJobLog } from './use-job-log.ts';

/** Every job since Longhand was started: phase, progress, time left, log, and what can be done with it. */
export function JobsDrawer({ opened, onClose }: { readonly opened: boolean; readonly onClose: () => void }) {
  return (
    <Drawer opened={opened} onClose={onClose} title="Jobs" position="right" size={620} padding="md">
      <JobList />
    </Drawer>
  );
}

function JobList() {
  const jobs = useApi('jobs.list', {});
  if (jobs.isError) return <ErrorPanel error={jobs.error} />;
  if (jobs.data === undefined) return <Loading />;
  if (jobs.data.length === 0) {
    return <Empty title="No jobs yet">Imports, generation, training and evaluation appear here while they run.</Empty>;
  }
  return jobs.data.map((job) => <JobPanel key={job.id} job={job} />);
}

function JobPanel({ job }: { readonly job: ApiJob }) {
  const [logShown, showLog] = useState(false);
  const seconds = job.startedAt === null || job.endedAt === null ? null : (job.endedAt - job.startedAt) / 1000;
  return (
    <section className="panel" aria-label={job.title} style={{ marginBottom: 8 }}>
      <div className="row" style={{ flexWrap: 'nowrap' }}>
        <strong className="ellipsis" title={job.title}>
          {job.title}
        </strong>
        <span>{job.status}</span>
        {job.earlier && <span className="muted">left unfinished before the last start</span>}
        <span className="muted end" style={{ whiteSpace: 'nowrap' }}>
          {formatTime(job.createdAt)}
          {seconds === null ? '' : `, ${formatDuration(seconds)}`}
        </span>
      </div>
      {['waiting', 'running', 'pausing', 'paused'].includes(job.status) && <JobProgressLine job={job} />}
      {job.error !== null && (
        <div style={{ color: 'var(--fail)', marginTop: 4 }}>
          {job.error.message} {job.error.hint}
        </div>
      )}
      <div className="row" style={{ marginTop: 6 }}>
        <JobActions job={job} />
        <Button
          size="compact-xs"
          variant="default"
          className="end"
          aria-expanded={logShown}
          onClick={() => {
            showLog(!logShown);
          }}
        >
          {logShown ? 'Hide log' : 'Log'}
        </Button>
      </div>
      {logShown && <JobLog id={job.id} />}
    </section>
  );
}

function JobLog({ id }: { readonly id: number }) {
  const { lines, error } = useJobLog(id);
  if (error !== null) return <ErrorPanel error={error} />;
  return (
    <div
      className="mono text"
      tabIndex={0}
      role="log"
      aria-label="Log"
      style={{ maxHeight: 220, overflow: 'auto', marginTop: 6, borderTop: '1px solid var(--line)', paddingTop: 6 }}
    >
      {lines.length === 0 && <span className="muted">Nothing was written yet.</span>}
      {lines.map((line) => (
        <div key={line.index}>
          <span className="muted">{new Date(line.at).toLocaleTimeString('en-GB')}</span> {line.text}
        </div>
      ))}
    </div>
  );
}
