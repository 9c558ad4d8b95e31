import { Button, MultiSelect, Select, Switch, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { ApiInput } from '../../../shared/api/contract.ts';
import { pairFilters } from '../../../shared/pair-filters.ts';
import { pairSelectionSchema } from '../../../shared/pair-selection.ts';
import type { PairSelectionInput } from '../../../shared/pair-selection.ts';
import { presetDifferences, presetLabels, presets } from '../../../shared/presets.ts';
import type { PresetName } from '../../../shared/presets.ts';
import { parseRunConfig, runConfigSchema } from '../../../shared/run-config.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { useAllRows } from '../../api/use-all-rows.ts';
import { goTo, hrefOf } from '../../app/router.ts';
import { formatCount } from '../../components/format.ts';
import { at } from '../../components/config-form.ts';
import type { Changes } from '../../components/config-form.ts';
import { Page } from '../../components/page.tsx';
import { SettingField } from '../../components/setting-field.tsx';
import { SettingGroup } from '../../components/setting-group.tsx';
import { Empty, ErrorPanel } from '../../components/states.tsx';
import { JobActions } from '../../jobs/job-actions.tsx';
import { JobProgressLine } from '../../jobs/job-progress.tsx';
import { DryRun, PlanFacts } from './preflight.tsx';
import { applies, changed, fieldGroups, formConfig, problemsOf } from './settings-form.ts';

/** Models of at most so many parameters train all their weights on a CPU: the demo's recipe suits them. */
const tiny = 5e6;

const reviews: Readonly<Record<NonNullable<PairSelectionInput['review']>, string>> = {
  corrected: 'as corrected by the audit',
  not_refused: 'not refused by the audit',
  approved: 'only those found right',
  all: 'all, whatever the audit says',
};

/** Objective, data and every setting; what the run would be; start. */
export function TrainPage() {
  const models = useApi('models.list', {});
  const counts = useApi('pairs.counts', {});
  const generations = useAllRows('generations.list', {});
  const jobs = useApi('jobs.list', {});
  const start = useApiMutation('runs.start');
  const [chosenPreset, choosePreset] = useState<PresetName | null>(null);
  const [changes, setChanges] = useState<Changes>({});
  const [modelDir, setModelDir] = useState<string | null>(null);
  const [name, setName] = useState('');
  const [selection, setSelection] = useState<PairSelectionInput>({});
  const [only, showOnly] = useState(false);
  const [startedJob, setStartedJob] = useState<number | null>(null);

  const model = models.data?.find(({ path }) => path === modelDir) ?? models.data?.[0];
  const dir = model?.path ?? null;
  const preset = chosenPreset ?? ((model?.report.parameters ?? 0) <= tiny ? 'demo' : 'smallModel');
  const config = formConfig(preset, changes);
  const checked = runConfigSchema.safeParse(config);
  const base = parseRunConfig(presets[preset]);
  // While something is wrong the form keeps its shape.
  const shown = checked.data ?? base;
  const hasPairs = (counts.data?.all ?? 0) > 0;
  const request: ApiInput<'runs.start'> | null =
    dir === null || !checked.success || !hasPairs
      ? null
      : { modelDir: dir, config, selection, ...(name.trim() === '' ? {} : { name: name.trim() }) };
  const plan = useApi(
    'runs.plan',
    { modelDir: dir ?? '', config, selection },
    { enabled: request !== null, keep: true },
  );
  const problems = new Map(problemsOf(config));
  for (const error of [plan.error, start.error]) {
    const field = error?.body.place.field;
    if (error !== null && field !== undefined && at(shown, field) !== undefined) {
      problems.set(field, `${error.message} ${error.body.hint ?? ''}`);
    }
  }
  const marked = (error: typeof plan.error): boolean => problems.has(error?.body.place.field ?? '');
  const differing = fieldGroups
    .flatMap(({ fields }) => fields)
    .filter(
      (field) =>
        applies(shown, field) && JSON.stringify(at(shown, field.path)) !== JSON.stringify(at(base, field.path)),
    );

  const run = jobs.data?.find(({ id }) => id === startedJob)?.runId ?? null;
  useEffect(() => {
    if (run !== null) goTo('runs', run);
  }, [run]);
  const current = jobs.data?.find(
    ({ kind, status }) => kind === 'train' && ['waiting', 'running', 'pausing', 'paused'].includes(status),
  );
  return (
    <Page
      title="Train"
      actions={
        <Button
          disabled={request === null}
          loading={start.isPending}
          onClick={() => {
            if (request === null) return;
            start.mutate(request, {
              onSuccess: ({ jobId }) => {
                setStartedJob(jobId);
              },
            });
          }}
        >
          Start
        </Button>
      }
    >
      {start.isError && !marked(start.error) && <ErrorPanel error={start.error} />}
      {counts.data?.all === 0 && (
        <Empty title="No pairs to train on">
          <a href={hrefOf('generate')}>Let the model write some first.</a>
        </Empty>
      )}
      {models.data?.length === 0 && (
        <Empty title="No model yet">
          <a href={hrefOf('models')}>Add one first.</a>
        </Empty>
      )}
      {current !== undefined && (
        <div className="panel row" aria-label="Training now" role="region">
          <strong>{current.title}</strong>
          <span>{current.status}</span>
          <JobProgressLine job={current} />
          <span className="end row">
            <JobActions job={current} />
          </span>
        </div>
      )}
      <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 3fr) minmax(0, 2fr)', gap: 12 }}>
        <div style={{ display: 'grid', gap: 12, alignContent: 'start' }}>
          <div
            className="panel"
            style={{ display: 'grid', gridTemplateColumns: 'repeat(2, minmax(0, 1fr))', gap: 10, alignItems: 'start' }}
          >
            <Select
              size="xs"
              label="Model"
              data={(models.data ?? []).map(({ path, name: label }) => ({ value: path, label }))}
              value={dir}
              allowDeselect={false}
              onChange={setModelDir}
            />
            <TextInput
              size="xs"
              label="Name"
              placeholder="made from the settings"
              value={name}
              onChange={(event) => {
                setName(event.currentTarget.value);
              }}
            />
            <Select
              size="xs"
              label="Preset"
              description={Object.keys(changes).length > 0 ? 'Choosing one takes your changes back' : undefined}
              inputWrapperOrder={['label', 'input', 'description', 'error']}
              data={Object.entries(presetLabels).map(([value, label]) => ({ value, label }))}
              value={preset}
              allowDeselect={false}
              onChange={(value) => {
                choosePreset(value as PresetName);
                setChanges({});
              }}
            />
            <div style={{ alignSelf: 'end', paddingBottom: 4 }}>
              <Switch
                size="sm"
                label={`Only what differs from the preset (${differing.length})`}
                checked={only}
                onChange={(event) => {
                  showOnly(event.currentTarget.checked);
                }}
              />
            </div>
          </div>
          <div className="panel" style={{ display: 'grid', gridTemplateColumns: 'repeat(3, minmax(0, 1fr))', gap: 10 }}>
            <h2 style={{ gridColumn: '1 / -1', margin: 0 }}>Pairs</h2>
            <Select
              size="xs"
              label="Audit"
              data={pairSelectionSchema.shape.review
                .unwrap()
                .options.map((value) => ({ value, label: reviews[value] }))}
              value={selection.review ?? 'corrected'}
              allowDeselect={false}
              onChange={(value) => {
                setSelection({ ...selection, review: (value ?? 'corrected') as 'corrected' });
              }}
            />
            <Select
              size="xs"
              label="Generation"
              placeholder="all"
              clearable
              data={generations.rows.map((row) => ({ value: String(row.id), label: `${row.id}: ${row.name}` }))}
              value={selection.jobId === null || selection.jobId === undefined ? null : String(selection.jobId)}
              onChange={(value) => {
                setSelection({ ...selection, jobId: value === null ? null : Number(value) });
              }}
            />
            <MultiSelect
              size="xs"
              label="Leave out flags"
              placeholder="none"
              data={Object.entries(pairFilters).map(([value, { name: label }]) => ({ value, label }))}
              value={[...(selection.withoutFlags ?? [])]}
              onChange={(withoutFlags) => {
                setSelection({ ...selection, withoutFlags });
              }}
            />
          </div>
          {fieldGroups.map(({ title, fields }) => {
            const visible = fields.filter(
              (field) => applies(shown, field) && (!only || differing.includes(field) || problems.has(field.path)),
            );
            if (visible.length === 0) return null;
            return (
              <SettingGroup key={title} title={title} panel>
                {visible.map((field) => (
                  <SettingField
                    key={field.path}
                    field={field}
                    typed={changes[field.path]}
                    value={at(shown, field.path)}
                    preset={at(base, field.path)}
                    problem={problems.get(field.path)}
                    onChange={(value) => {
                      start.reset();
                      setChanges((before) => changed(before, field.path, value));
                    }}
                  />
                ))}
              </SettingGroup>
            );
          })}
        </div>
        <div
          style={{ display: 'grid', gap: 12, alignContent: 'start', position: 'sticky', top: 12, alignSelf: 'start' }}
        >
          <div className="panel">
            <h2>What the run would be</h2>
            {plan.isError && !marked(plan.error) && <ErrorPanel error={plan.error} />}
            {problems.size > 0 && (
              <div role="alert" style={{ color: 'var(--fail)' }}>
                {formatCount(problems.size)} {problems.size === 1 ? 'setting needs' : 'settings need'} a look:{' '}
                {[...problems.keys()].join(', ')}.
              </div>
            )}
            {plan.isFetching && <span className="muted">counting tokens...</span>}
            {plan.data !== undefined && !plan.isError && checked.success && <PlanFacts plan={plan.data} />}
            <DryRun request={request} />
          </div>
          <details className="panel">
            <summary>How the presets differ</summary>
            <table className="data" aria-label="How the presets differ" style={{ marginTop: 6, fontSize: 12 }}>
              <thead>
                <tr>
                  <th>Point</th>
                  <th>{presetLabels[preset]}</th>
                  <th>Paper</th>
                </tr>
              </thead>
              <tbody>
                {presetDifferences.map((row) => (
                  <tr key={row.point}>
                    <td className="muted">{row.point}</td>
                    <td>{row[preset]}</td>
                    <td>{preset === 'paper' || row[preset] === row.paper ? '' : row.paper}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </details>
        </div>
      </div>
    </Page>
  );
}
