import { Button, NumberInput, Select, Textarea } from '@mantine/core';
import { useState } from 'react';
import { instructionTemplates } from '../../../shared/instruction-templates.ts';
import { synthesisConfigSchema, synthesisPresets } from '../../../shared/synthesis-config.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { hrefOf } from '../../app/router.ts';
import { formatCount } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { Empty, ErrorPanel, Loading } from '../../components/states.tsx';

type Preset = keyof typeof synthesisPresets;
const presetNames: Readonly<Record<Preset, string>> = {
  paper: 'Paper (chunks of 16K to 30K tokens)',
  releasedCode: 'Released code',
  small: 'Small model (chunks of up to 768 tokens)',
  demo: 'Demo (one question a chunk of 112 tokens)',
};

/** Lets the model write pairs, with the template shown on a real text first. */
export function GeneratePage() {
  const models = useApi('models.list', {});
  const generations = useApi('generations.list', { limit: 50 });
  const start = useApiMutation('generations.start');
  const [preset, setPreset] = useState<Preset>('small');
  const [modelDir, setModelDir] = useState<string | null>(null);
  const [prompt, setPrompt] = useState<string | null>(null);
  const [seed, setSeed] = useState(0);
  const base = synthesisConfigSchema.parse(synthesisPresets[preset]);
  const template = { ...base.template, prompt: prompt ?? base.template.prompt };
  const preview = useApi('generations.preview', { template }, { keep: true });
  const dir = modelDir ?? models.data?.[0]?.path ?? null;
  const begin = (): void => {
    start.mutate({ modelDir: dir ?? '', settings: { ...base, template, seed } });
  };
  return (
    <Page
      title="Generate"
      note="Question from a chunk; chosen answer from the chunk, rejected answer from the whole document"
      actions={
        <Button disabled={dir === null || preview.isError} loading={start.isPending} onClick={begin}>
          Generate pairs
        </Button>
      }
    >
      {start.isError && <ErrorPanel error={start.error} />}
      <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 2fr) minmax(0, 3fr)', gap: 12 }}>
        <div className="panel" style={{ display: 'flex', flexDirection: 'column', gap: 8 }}>
          <Select
            label="Model"
            data={(models.data ?? []).map(({ path, name }) => ({ value: path, label: name }))}
            value={dir}
            onChange={setModelDir}
            placeholder="Add one on the Models page"
          />
          <Select
            label="Settings"
            data={Object.entries(presetNames).map(([value, label]) => ({ value, label }))}
            value={preset}
            onChange={(value) => {
              setPreset((value ?? 'small') as Preset);
              setPrompt(null);
            }}
          />
          <NumberInput
            label="Seed"
            min={0}
            value={seed}
            onChange={(value) => {
              setSeed(Number(value));
            }}
          />
          <Textarea
            label="Instruction template"
            description={`{chunk} is the text${template.prompt.includes('{n}') ? ', {n} the number of questions' : ''}; built in: ${Object.keys(instructionTemplates).join(', ')}`}
            autosize
            minRows={6}
            maxRows={14}
            value={template.prompt}
            onChange={(event) => {
              setPrompt(event.currentTarget.value);
            }}
          />
        </div>
        <div className="panel">
          <h2>What the model gets</h2>
          {preview.isError && <ErrorPanel error={preview.error} />}
          {preview.isPending && <Loading />}
          {preview.data !== undefined && !preview.isError && (
            <>
              <div className="muted">On a part of {preview.data.documentTitle}</div>
              <div className="mono text" style={{ maxHeight: 340, overflow: 'auto' }} tabIndex={0}>
                {preview.data.prompt}
              </div>
            </>
          )}
        </div>
      </div>
      {generations.data?.rows.length === 0 && (
        <Empty title="Nothing generated yet">
          Pairs appear here as documents are finished; a stopped generation goes on where it was.
        </Empty>
      )}
      {(generations.data?.rows.length ?? 0) > 0 && (
        <table className="data" aria-label="Generations">
          <thead>
            <tr>
              <th>Generation</th>
              <th>Status</th>
              <th className="number">Documents</th>
              <th className="number">Chunks</th>
              <th className="number">Questions</th>
              <th className="number">Pairs</th>
              <th className="number">Identical answers</th>
              <th>Left out</th>
            </tr>
          </thead>
          <tbody>
            {generations.data?.rows.toReversed().map((row) => (
              <tr key={row.id}>
                <td>
                  <a href={hrefOf('pairs')}>{row.name}</a>
                </td>
                <td>
                  {row.status}
                  {row.error !== null && <div style={{ color: 'var(--fail)' }}>{row.error}</div>}
                </td>
                <td className="number">{formatCount(row.counts.documents)}</td>
                <td className="number">{formatCount(row.counts.chunks)}</td>
                <td className="number">{formatCount(row.counts.questions)}</td>
                <td className="number">{formatCount(row.counts.pairs)}</td>
                <td className="number">{formatCount(row.counts.identical)}</td>
                <td>
                  {Object.entries(row.counts.dropped)
                    .map(([reason, count]) => `${reason.replaceAll('_', ' ')} ${formatCount(count)}`)
                    .join(', ')}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Page>
  );
}
