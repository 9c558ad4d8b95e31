import { Button } from '@mantine/core';
import { useState } from 'react';
import type { ApiInput } from '../../../shared/api/contract.ts';
import type { DryRunView, RunPlanView } from '../../../shared/api/runs.ts';
import { segmentsText } from '../../../shared/memory-plan.ts';
import { isAlive } from '../../../shared/api/jobs.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { formatBytes, formatCount, formatDuration, formatNumber } from '../../components/format.ts';
import { MemoryParts } from '../../components/memory-parts.tsx';
import { Facts } from '../../components/page.tsx';
import { ErrorPanel } from '../../components/states.tsx';
import { JobProgressLine } from '../../jobs/job-progress.tsx';

const verdicts = {
  fits: { text: 'Fits', color: 'var(--short)' },
  tight: { text: 'Tight', color: 'var(--warn)' },
  does_not_fit: { text: 'Does not fit', color: 'var(--fail)' },
} as const;

/** What a run would be made of, and whether it fits. */
export function PlanFacts({ plan }: { readonly plan: RunPlanView }) {
  const { text, color } = verdicts[plan.verdict];
  return (
    <>
      <Facts
        facts={[
          [
            'Data',
            `${formatCount(plan.pairs)} pairs in ${formatCount(plan.examples)} examples, ${formatCount(plan.heldOutExamples)} held out`,
          ],
          ['Steps', `${formatCount(plan.steps)}, ${formatCount(plan.warmupSteps)} of them warm-up`],
          ['Tokens', `${formatCount(plan.tokens)} a pass (document counted once for both answers)`],
          ['Longest example', `${formatCount(plan.longestTokens)} tokens`],
          [
            'Longest that fits',
            plan.longestThatFits > 0 ? `${formatCount(plan.longestThatFits)} tokens` : 'not even one token',
          ],
          [
            'A step',
            plan.segmentLayers === null
              ? 'in one run'
              : `${segmentsText(plan)} (${formatBytes(plan.hostAvailable)} free)`,
          ],
          ['Memory', `about ${formatBytes(plan.memoryBytes)} needed, ${formatBytes(plan.memoryAvailable)} free`],
        ]}
      />
      <p style={{ margin: '8px 0 0' }}>
        <strong style={{ color }}>{text}</strong> {plan.advice}
      </p>
      <details style={{ marginTop: 8 }}>
        <summary>What the memory is made of</summary>
        <MemoryParts parts={plan.memoryParts} />
      </details>
    </>
  );
}

/** Tries the longest example as a job and shows what came out. */
export function DryRun({ request }: { readonly request: ApiInput<'runs.dryRun'> | null }) {
  const start = useApiMutation('runs.dryRun');
  const jobs = useApi('jobs.list', {});
  const [tried, setTried] = useState<string | null>(null);
  const job = jobs.data?.find(({ kind }) => kind === 'dryRun');
  const active = job !== undefined && isAlive(job);
  const now = JSON.stringify(request);
  const result = job?.status === 'finished' ? (job.result as DryRunView) : null;
  return (
    <div style={{ borderTop: '1px solid var(--line)', marginTop: 10, paddingTop: 10 }}>
      <div className="row">
        <h2 style={{ margin: 0 }}>Dry run</h2>
        <span className="muted">the longest example, for real</span>
        <span className="end">
          <Button
            size="compact-xs"
            variant="default"
            disabled={request === null || active}
            loading={start.isPending}
            onClick={() => {
              if (request === null) return;
              setTried(now);
              start.mutate(request);
            }}
          >
            Try it
          </Button>
        </span>
      </div>
      {start.isError && <ErrorPanel error={start.error} />}
      {job?.status === 'waiting' && <div className="muted">Waits for the job before it.</div>}
      {active && <JobProgressLine job={job} />}
      {job?.status === 'failed' && job.error !== null && (
        <div role="alert" style={{ color: 'var(--fail)', marginTop: 6 }}>
          {job.error.code === 'internal'
            ? `It did not fit, or its process was ended: ${job.error.message}`
            : `${job.error.message} ${job.error.hint ?? ''}`}
        </div>
      )}
      {result !== null && (
        <div style={{ marginTop: 6 }} role="region" aria-label="Result of the dry run">
          {tried !== null && tried !== now && (
            <div style={{ color: 'var(--warn)' }}>Settings have changed since; try again.</div>
          )}
          <Facts
            facts={[
              ['Peak memory', `${formatBytes(result.peakBytes)} in the engine`],
              [
                'Longest example',
                `${formatCount(result.longest.tokens)} tokens in ${formatDuration(result.longest.seconds)}, "${result.longest.document}"`,
              ],
              [
                'Median example',
                `${formatCount(result.median.tokens)} tokens in ${formatDuration(result.median.seconds)}`,
              ],
              ['Loss on it', `${formatNumber(result.longest.loss)} nats`],
              ['A step', `about ${formatDuration(result.stepSeconds)}, ${formatCount(result.steps)} steps`],
              ['Reference', `about ${formatDuration(result.referenceSeconds)}, once`],
              ['Whole run', `about ${formatDuration(result.totalSeconds)}, held-out evaluations not counted`],
            ]}
          />
        </div>
      )}
    </div>
  );
}
