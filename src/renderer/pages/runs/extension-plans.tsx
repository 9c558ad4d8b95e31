import { Button, Textarea } from '@mantine/core';
import { useState } from 'react';
import type { ExtensionStageView, ExtensionView } from '../../../shared/api/extensions.ts';
import { extensionPresets } from '../../../shared/extension-plan.ts';
import type { ExtensionPlanInput } from '../../../shared/extension-plan.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { useAllRows } from '../../api/use-all-rows.ts';
import { hrefOf } from '../../app/router.ts';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { formatCount } from '../../components/format.ts';
import { PathField } from '../../components/path-field.tsx';
import { ErrorPanel } from '../../components/states.tsx';

/** Plans of the length-extension loop, newest first, and a form for a new one. */
export function ExtensionPlans() {
  const plans = useAllRows('extensions.list', {});
  return (
    <section className="panel" aria-label="Extension plans" style={{ marginBottom: 12 }}>
      <details open={plans.rows.length > 0}>
        <summary>
          <strong>Extension plans</strong>{' '}
          <span className="muted">each stage makes its pairs with the model of the stage before</span>
        </summary>
        {plans.error !== null && <ErrorPanel error={plans.error} />}
        {plans.rows.toReversed().map((plan) => (
          <Plan key={plan.id} plan={plan} />
        ))}
        <NewPlan />
      </details>
    </section>
  );
}

function Plan({ plan }: { readonly plan: ExtensionView }) {
  const jobs = useApi('jobs.list', {});
  const resume = useApiMutation('extensions.resume');
  const pause = useApiMutation('jobs.pause');
  const end = useApiMutation('extensions.cancel');
  const job = jobs.data?.find(
    ({ kind, status }) => kind === 'extend' && (status === 'running' || status === 'pausing'),
  );
  const stopped = plan.status === 'paused' || plan.status === 'failed';
  const error = resume.error ?? pause.error ?? end.error;
  return (
    <div style={{ marginTop: 10 }} role="group" aria-label={`Plan ${plan.id}`}>
      <div className="row">
        <strong>
          {plan.id}. {plan.name}
        </strong>
        <span style={plan.status === 'failed' ? { color: 'var(--fail)' } : undefined}>{plan.status}</span>
        <span className="muted">from {plan.modelDir}</span>
        <span className="end row">
          {plan.status === 'running' && job?.status === 'running' && (
            <Button size="compact-xs" variant="default" onClick={() => pause.mutate({ id: job.id })}>
              Pause
            </Button>
          )}
          {stopped && (
            <>
              <ConfirmButton
                size="compact-xs"
                question="The plan ends for good; what its stages have made stays."
                verb="End the plan"
                onConfirm={() => end.mutate({ id: plan.id })}
              >
                End for good
              </ConfirmButton>
              <Button size="compact-xs" loading={resume.isPending} onClick={() => resume.mutate({ id: plan.id })}>
                Resume
              </Button>
            </>
          )}
        </span>
      </div>
      {plan.error !== null && <div style={{ color: 'var(--fail)' }}>{plan.error}</div>}
      {error !== null && <ErrorPanel error={error} />}
      <ol
        aria-label="Stages"
        style={{ display: 'flex', gap: 8, overflowX: 'auto', listStyle: 'none', margin: '6px 0 0', padding: 0 }}
      >
        {plan.stages.map((stage) => (
          <Stage key={stage.stage} stage={stage} />
        ))}
      </ol>
    </div>
  );
}

function Stage({ stage }: { readonly stage: ExtensionStageView }) {
  const { run, evaluations } = stage;
  const at = stage.finished ? 'finished' : stage.generationId === null ? 'not begun' : whatItDoes(stage);
  return (
    <li className="panel" style={{ minWidth: 190, padding: 8 }}>
      <div>
        <strong>Stage {stage.stage}</strong> {formatCount(stage.length)} tokens
      </div>
      <div className="muted">
        RoPE base {stage.ropeTheta === null ? 'unchanged' : formatCount(stage.ropeTheta)}, {at}
      </div>
      {run !== null && (
        <div>
          <a href={hrefOf('runs', run.id)}>Run {run.id}</a> {run.status}
          {run.lastStep === null ? '' : `, step ${formatCount(run.lastStep)}`}
        </div>
      )}
      {evaluations.map(({ id, setName, status, summary }) => (
        <div key={id}>
          <a href={hrefOf('evaluate')}>{setName}</a> {summary?.['accuracy']?.toFixed(3) ?? status}
        </div>
      ))}
    </li>
  );
}

function whatItDoes({ runId, modelPath }: ExtensionStageView): string {
  if (modelPath !== null) return 'evaluates';
  return runId === null ? 'makes pairs' : 'trains';
}

const paperStages = JSON.stringify(extensionPresets['paper-lora'], null, 1);

function NewPlan() {
  const start = useApiMutation('extensions.start');
  const [modelDir, setModel] = useState('');
  const [stages, setStages] = useState(paperStages);
  const parsed = parse(stages);
  return (
    <details style={{ marginTop: 10 }}>
      <summary>New plan</summary>
      {start.isError && <ErrorPanel error={start.error} />}
      <PathField label="Model of the first stage" kind="folder" value={modelDir} onChange={setModel} />
      <Textarea
        label="Stages (JSON)"
        description='The paper&apos;s 128K, 256K and 512K with a LoRA adapter, as fits one card ({"kind": "full"} trains all weights, as the paper did on 8 and more); each stage may have synthesis, train, documentIds and evaluations as in longhand extend --help.'
        value={stages}
        onChange={(event) => {
          setStages(event.currentTarget.value);
        }}
        error={parsed === null ? 'This is no JSON list.' : undefined}
        autosize
        minRows={4}
        maxRows={16}
        size="xs"
        styles={{ input: { fontFamily: 'var(--mono, monospace)' } }}
      />
      <Button
        size="xs"
        mt={8}
        disabled={modelDir === '' || parsed === null}
        loading={start.isPending}
        onClick={() => {
          if (parsed !== null) start.mutate({ plan: { modelDir, stages: parsed } });
        }}
      >
        Start the plan
      </Button>
    </details>
  );
}

/** The stages as main will check them; null where the text is no JSON list. */
function parse(text: string): ExtensionPlanInput['stages'] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? (value as ExtensionPlanInput['stages']) : null;
  } catch {
    return null;
  }
}
