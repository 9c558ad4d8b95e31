import { Button } from '@mantine/core';
import { useState } from 'react';
import type { ExportedVerdicts } from '../../../shared/audit/bundle-requests.ts';
import { isAlive } from '../../../shared/api/jobs.ts';
import { useApiMutation } from '../../api/client.ts';
import { fieldError } from '../../components/field-error.tsx';
import { formatCount } from '../../components/format.ts';
import { PathField } from '../../components/path-field.tsx';
import { JobLine } from '../../jobs/job-line.tsx';
import { useJob } from '../../jobs/use-job.ts';

/** All reviews of this audit as one file, for the workspace that made the bundle. */
export function ExportVerdictsForm({ reviewed }: { readonly reviewed: number }) {
  const [path, setPath] = useState('');
  const [jobId, setJob] = useState<number | null>(null);
  const start = useApiMutation('bundles.exportVerdicts');
  const job = useJob(jobId);
  return (
    <div style={{ marginTop: 8 }}>
      <PathField
        label="Verdict file to write"
        description="May be done again later with more verdicts: importing adds only what is new."
        kind="save"
        suggestion="verdicts.jsonl"
        value={path}
        onChange={setPath}
        error={fieldError(start.error)}
        action={
          <Button
            disabled={path.trim() === '' || reviewed === 0}
            loading={start.isPending || isAlive(job)}
            onClick={() => start.mutate({ path }, { onSuccess: ({ jobId: id }) => setJob(id) })}
          >
            Export verdicts
          </Button>
        }
      />
      {reviewed === 0 && <div className="muted">There are no verdicts to export yet.</div>}
      <JobLine
        job={job}
        done={(result) => {
          const { reviews, path: written } = result as ExportedVerdicts;
          return `${formatCount(reviews)} reviews written to ${written}. Send that file back.`;
        }}
      />
    </div>
  );
}
