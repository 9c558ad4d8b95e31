import { Button, NumberInput, SegmentedControl, Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import { presets } from '../../../shared/presets.ts';
import { runConfigSchema } from '../../../shared/run-config.ts';
import type { RunConfigInput } from '../../../shared/run-config.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { goTo, hrefOf } from '../../app/router.ts';
import { formatBytes, formatCount } from '../../components/format.ts';
import { Facts, Page } from '../../components/page.tsx';
import { Empty, ErrorPanel } from '../../components/states.tsx';
import { numberFields } from './fields.ts';

type Preset = keyof typeof presets;
const presetNames: Readonly<Record<Preset, string>> = {
  paper: 'Paper',
  releasedCode: 'Released code',
  smallModel: 'Small model',
  demo: 'Demo',
};

/** Objective, data and hyperparameters; what the run would be; start. */
export function TrainPage() {
  const models = useApi('models.list', {});
  const counts = useApi('pairs.counts', {});
  const [preset, setPreset] = useState<Preset>('demo');
  const [changes, setChanges] = useState<RunConfigInput>({});
  const [modelDir, setModelDir] = useState<string | null>(null);
  const [name, setName] = useState('');
  const start = useApiMutation('runs.start');
  const dir = modelDir ?? models.data?.[0]?.path ?? null;
  const config: RunConfigInput = { ...presets[preset], ...changes };
  const checked = runConfigSchema.safeParse(config);
  const issueOf = (field: string): string | undefined =>
    checked.error?.issues.find((issue) => issue.path[0] === field)?.message;
  const request = { modelDir: dir ?? '', config, ...(name === '' ? {} : { name }) };
  const hasPairs = (counts.data?.all ?? 0) > 0;
  const plan = useApi(
    'runs.plan',
    { modelDir: dir ?? '', config },
    { enabled: dir !== null && checked.success && hasPairs, keep: true },
  );
  const values: Record<string, unknown> = { ...(checked.data ?? {}), ...config };
  const set = (change: RunConfigInput): void => {
    setChanges((before) => ({ ...before, ...change }));
  };
  const begin = (): void => {
    start.mutate(request, {
      onSuccess: () => {
        goTo('runs');
      },
    });
  };
  const verdict = plan.data?.verdict;
  return (
    <Page
      title="Train"
      actions={
        <Button disabled={!checked.success || dir === null || !hasPairs} loading={start.isPending} onClick={begin}>
          Start
        </Button>
      }
    >
      {start.isError && <ErrorPanel error={start.error} />}
      {counts.data?.all === 0 && (
        <Empty title="No pairs to train on">
          <a href={hrefOf('generate')}>Let the model write some first.</a>
        </Empty>
      )}
      <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 3fr) minmax(0, 2fr)', gap: 12 }}>
        <div
          className="panel"
          style={{ display: 'grid', gridTemplateColumns: 'repeat(2, minmax(0, 1fr))', gap: 10, alignContent: 'start' }}
        >
          <Select
            label="Model"
            data={(models.data ?? []).map(({ path, name: label }) => ({ value: path, label }))}
            value={dir}
            onChange={setModelDir}
          />
          <TextInput
            label="Name"
            placeholder="made from the settings"
            value={name}
            onChange={(event) => {
              setName(event.currentTarget.value);
            }}
          />
          <div>
            <div className="muted">Objective</div>
            <SegmentedControl
              size="xs"
              value={config.objective ?? 'longpo'}
              data={[
                { value: 'longpo', label: 'LongPO' },
                { value: 'dpo', label: 'DPO' },
                { value: 'sft', label: 'SFT' },
              ]}
              onChange={(value) => {
                // Another objective brings its own weights.
                set({
                  objective: value,
                  lambda: undefined,
                  nllDocument: undefined,
                  nllAnswers: undefined,
                });
              }}
            />
          </div>
          <Select
            label="Preset"
            data={Object.entries(presetNames).map(([value, label]) => ({ value, label }))}
            value={preset}
            onChange={(value) => {
              setPreset((value ?? 'demo') as Preset);
              setChanges({});
            }}
          />
          <div>
            <div className="muted">Trainable</div>
            <SegmentedControl
              size="xs"
              value={config.trainable?.kind ?? 'full'}
              data={[
                { value: 'lora', label: 'LoRA adapter' },
                { value: 'full', label: 'all weights' },
              ]}
              onChange={(value) => {
                set({ trainable: value === 'lora' ? { kind: 'lora' } : { kind: 'full' } });
              }}
            />
          </div>
          <Select
            label="Schedule"
            data={['cosine', 'linear', 'constant']}
            value={String(values['schedule'])}
            onChange={(value) => {
              set({ schedule: (value ?? 'cosine') as 'cosine' });
            }}
          />
          {numberFields.map(({ name: field, label, meaning }) => (
            <NumberInput
              key={field}
              label={label}
              description={meaning}
              value={typeof values[field] === 'number' ? values[field] : ''}
              error={issueOf(field)}
              onChange={(value) => {
                set({ [field]: value === '' ? undefined : Number(value) });
              }}
            />
          ))}
        </div>
        <div className="panel">
          <h2>What the run would be</h2>
          {plan.isError && <ErrorPanel error={plan.error} />}
          {plan.isFetching && <span className="muted">counting tokens...</span>}
          {plan.data !== undefined && !plan.isError && (
            <>
              <Facts
                facts={[
                  [
                    'Data',
                    `${formatCount(plan.data.pairs)} pairs in ${formatCount(plan.data.examples)} examples, ${formatCount(plan.data.heldOutExamples)} held out`,
                  ],
                  ['Steps', `${formatCount(plan.data.steps)}, ${formatCount(plan.data.warmupSteps)} of them warm-up`],
                  ['Tokens', `${formatCount(plan.data.tokens)} a pass (document counted once for both answers)`],
                  ['Longest example', `${formatCount(plan.data.longestTokens)} tokens`],
                  [
                    'Memory',
                    `about ${formatBytes(plan.data.memoryBytes)}, ${formatBytes(plan.data.memoryAvailable)} free`,
                  ],
                ]}
              />
              <p
                style={{
                  color: verdict === 'fits' ? 'var(--short)' : verdict === 'tight' ? 'var(--warn)' : 'var(--fail)',
                }}
              >
                <strong>{verdict === 'fits' ? 'Fits' : verdict === 'tight' ? 'Tight' : 'Does not fit'}</strong>{' '}
                {plan.data.advice}
              </p>
            </>
          )}
        </div>
      </div>
    </Page>
  );
}
