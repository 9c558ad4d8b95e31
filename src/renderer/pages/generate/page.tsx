import './generate.css';
import { Button, Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { GenerationView } from '../../../shared/api/generations.ts';
import type { InstructionTemplate } from '../../../shared/instruction-templates.ts';
import type { BaseBits } from '../../../shared/run-config.ts';
import { synthesisConfigSchema } from '../../../shared/synthesis-config.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { useAllRows } from '../../api/use-all-rows.ts';
import { hrefOf } from '../../app/router.ts';
import { at } from '../../components/config-form.ts';
import type { Changes } from '../../components/config-form.ts';
import { DataTable } from '../../components/data-table.tsx';
import type { DataColumn } from '../../components/data-table.tsx';
import { BaseBitsField, DeviceField } from '../../components/execution-fields.tsx';
import type { DeviceName } from '../../components/execution-fields.tsx';
import { formatCount, formatTime } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { SettingField } from '../../components/setting-field.tsx';
import { Empty, ErrorPanel } from '../../components/states.tsx';
import { reasonName } from './drop-reasons.ts';
import { GenerationPanel } from './generation-panel.tsx';
import { PreviewPanel } from './preview-panel.tsx';
import { fieldGroups, formSettings, presetConfig, problemsOf } from './settings-form.ts';
import type { SynthesisPreset } from './settings-form.ts';
import { TemplatePanel } from './template-panel.tsx';

const presetNames: Readonly<Record<SynthesisPreset, string>> = {
  paper: 'Paper (chunks of 16K to 30K tokens)',
  releasedCode: 'Released code',
  small: 'Small model (chunks of up to 768 tokens)',
  demo: 'Demo (one question a chunk of 112 tokens)',
};

/** What most people look at; the rest is folded away until it differs. */
const foremost: readonly string[] = ['Chunks', 'Questions and answers'];

const columns: readonly DataColumn<GenerationView>[] = [
  { id: 'name', header: 'Generation', value: ({ name }) => name, width: 260 },
  { id: 'status', header: 'Status', value: ({ status }) => status, width: 90 },
  ...(['documents', 'chunks', 'questions', 'pairs', 'identical'] as const).map((key) => ({
    id: key,
    header: key === 'identical' ? 'Identical' : `${key.charAt(0).toUpperCase()}${key.slice(1)}`,
    value: ({ counts }: GenerationView) => counts[key],
    cell: ({ counts }: GenerationView) => formatCount(counts[key]),
    number: true,
  })),
  {
    id: 'dropped',
    header: 'Left out',
    value: ({ counts }) =>
      Object.entries(counts.dropped)
        .map(([reason, count]) => `${reasonName(reason)} ${formatCount(count)}`)
        .join(', '),
    width: 260,
  },
  {
    id: 'created',
    header: 'Started',
    value: ({ createdAt }) => createdAt,
    cell: ({ createdAt }) => formatTime(createdAt),
    width: 130,
  },
];

/** Lets the model write pairs: settings and template with a preview, the generation as it goes on, those before. */
export function GeneratePage() {
  const models = useApi('models.list', {});
  const workspace = useApi('workspaces.current', {});
  const generations = useAllRows('generations.list', {});
  const jobs = useApi('jobs.list', {});
  const start = useApiMutation('generations.start');
  const [preset, setPreset] = useState<SynthesisPreset>('small');
  const [changes, setChanges] = useState<Changes>({});
  const [ownTemplate, setTemplate] = useState<InstructionTemplate | null>(null);
  const [modelDir, setModelDir] = useState<string | null>(null);
  const [name, setName] = useState('');
  const [device, setDevice] = useState<DeviceName>('cpu');
  const [baseBits, setBaseBits] = useState<BaseBits>('own');
  const [selected, select] = useState<number | null>(null);

  const model = models.data?.find(({ path }) => path === modelDir) ?? models.data?.[0];
  const base = presetConfig(preset);
  const template = ownTemplate ?? base.template;
  const settings = formSettings(preset, changes, template);
  const checked = synthesisConfigSchema.safeParse(settings);
  // While something is wrong the form keeps its shape.
  const shown = checked.data ?? base;
  const problems = new Map(problemsOf(settings));
  const refused = start.error?.body.place.field?.replace(/^settings\./, '');
  if (start.error !== null && refused !== undefined && at(shown, refused) !== undefined) {
    problems.set(refused, `${start.error.message} ${start.error.body.hint ?? ''}`);
  }
  const templateValid = ![...problems.keys()].some((path) => path.startsWith('template'));
  const documents = workspace.data?.documents ?? 0;
  const ready = model !== undefined && checked.success && documents > 0;

  const jobOf = (id: number) => jobs.data?.find(({ kind, generationId }) => kind === 'generate' && generationId === id);
  const alive = jobs.data?.find(
    ({ kind, status }) => kind === 'generate' && ['running', 'pausing', 'waiting', 'paused'].includes(status),
  );
  const panelId = selected ?? alive?.generationId ?? generations.rows.at(-1)?.id;
  const generation = generations.rows.find(({ id }) => id === panelId);

  const begin = (): void => {
    if (model === undefined) return;
    start.mutate(
      { modelDir: model.path, settings, device, baseBits, ...(name.trim() === '' ? {} : { name: name.trim() }) },
      { onSuccess: () => select(null) },
    );
  };
  const field = (path: string) => ({
    typed: changes[path],
    value: at(shown, path),
    preset: at(base, path),
    problem: problems.get(path),
    onChange: (value: unknown) => {
      start.reset();
      setChanges((before) => ({ ...before, [path]: value }));
    },
  });
  return (
    <Page
      title="Generate"
      note="Question from a chunk; chosen answer from the chunk, rejected answer from the whole document"
      actions={
        <Button disabled={!ready} loading={start.isPending} onClick={begin}>
          Generate pairs
        </Button>
      }
    >
      {start.isError && !problems.has(refused ?? '') && <ErrorPanel error={start.error} />}
      {models.data?.length === 0 && (
        <Empty title="No model yet">
          <a href={hrefOf('models')}>Add the model that shall write the pairs.</a>
        </Empty>
      )}
      {workspace.data?.documents === 0 && (
        <Empty title="No documents yet">
          <a href={hrefOf('documents')}>Import the texts that pairs are to be made from.</a>
        </Empty>
      )}
      {generation !== undefined && <GenerationPanel generation={generation} job={jobOf(generation.id)} />}
      <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 3fr) minmax(0, 2fr)', gap: 12 }}>
        <div style={{ display: 'grid', gap: 12, alignContent: 'start' }}>
          <section className="panel form-grid" aria-label="What and where">
            <Select
              label="Model"
              data={(models.data ?? []).map(({ path, name: label }) => ({ value: path, label }))}
              value={model?.path ?? null}
              onChange={setModelDir}
              placeholder="Add one on the Models page"
            />
            <Select
              label="Settings"
              data={Object.entries(presetNames).map(([value, label]) => ({ value, label }))}
              value={preset}
              allowDeselect={false}
              onChange={(value) => {
                setPreset((value ?? 'small') as SynthesisPreset);
                setChanges({});
                setTemplate(null);
              }}
            />
            <DeviceField value={device} onChange={setDevice} />
            <BaseBitsField
              value={baseBits}
              onChange={(bits) => {
                setBaseBits(bits ?? 'own');
              }}
            />
            <TextInput
              className="rest"
              label="Name"
              placeholder={`${model?.name ?? 'model'}, ${formatCount(documents)} documents`}
              value={name}
              onChange={(event) => {
                setName(event.currentTarget.value);
              }}
            />
            {model !== undefined && shown.chunking.maxTokens > model.report.contextLength && (
              <div className="wide" role="alert" style={{ color: 'var(--warn)' }}>
                Chunks of up to {formatCount(shown.chunking.maxTokens)} tokens are longer than the{' '}
                {formatCount(model.report.contextLength)} tokens that this model was made for.
              </div>
            )}
          </section>
          {foremost
            .flatMap((wanted) => fieldGroups.filter(({ title }) => title === wanted))
            .map(({ title, fields }) => (
              <section key={title} className="panel form-grid" aria-label={title}>
                <h2>{title}</h2>
                {fields.map((one) => (
                  <SettingField key={one.path} field={one} {...field(one.path)} />
                ))}
              </section>
            ))}
          {fieldGroups
            .filter(({ title }) => !foremost.includes(title))
            .map(({ title, note, fields }) => {
              const differing = fields.filter(({ path }) => changes[path] !== undefined).length;
              const wrong = fields.some(({ path }) => problems.has(path));
              return (
                <details key={title} className="panel" open={wrong || undefined}>
                  <summary>
                    {title} <span className="muted">{differing > 0 ? `${differing} changed` : note}</span>
                  </summary>
                  <div className="form-grid" style={{ marginTop: 8 }}>
                    {fields.map((one) => (
                      <SettingField key={one.path} field={one} {...field(one.path)} />
                    ))}
                  </div>
                </details>
              );
            })}
        </div>
        <div style={{ display: 'grid', gap: 12, alignContent: 'start' }}>
          <TemplatePanel
            template={template}
            problems={problems}
            onChange={(next) => {
              start.reset();
              setTemplate(next);
            }}
          />
          <PreviewPanel template={template} valid={templateValid} />
        </div>
      </div>
      <h2>Generations</h2>
      {generations.error !== null && <ErrorPanel error={generations.error} />}
      {generations.rows.length === 0 && !generations.pending ? (
        <Empty title="Nothing generated yet">
          Pairs appear here as documents are finished; a stopped generation goes on where it was.
        </Empty>
      ) : (
        <DataTable
          name="generations"
          label="Generations"
          rows={generations.rows.toReversed()}
          columns={columns}
          rowId={({ id }) => id}
          selected={panelId ?? null}
          onSelect={({ id }) => select(id)}
          height={Math.min(320, 34 + 30 * Math.max(3, generations.rows.length))}
        />
      )}
    </Page>
  );
}
