import { Button, NumberInput, Select } from '@mantine/core';
import { useState } from 'react';
import type { RunView } from '../../../shared/api/runs.ts';
import { useApiMutation } from '../../api/client.ts';
import { PathField } from '../../components/path-field.tsx';
import { ErrorPanel } from '../../components/states.tsx';

/** Writes a checkpoint's weights where other programs read them. */
export function ExportPanel({ view: { run, config, checkpoints } }: { readonly view: RunView }) {
  const adapter = useApiMutation('exports.adapter');
  const merged = useApiMutation('exports.merged');
  const [dir, setDir] = useState('');
  const [scale, setScale] = useState<number | string>(1);
  const [chosen, choose] = useState<string | null>(null);
  const present = checkpoints.filter((row) => row.removedAt === null).toSorted((a, b) => b.step - a.step);
  const checkpointId = Number(chosen ?? present[0]?.id ?? 0);
  const request = { runId: run.id, checkpointId, dir };
  const none = dir === '' || present.length === 0;
  return (
    <div className="panel">
      <h2>Export</h2>
      {[adapter, merged].map((mutation, i) => mutation.isError && <ErrorPanel key={i} error={mutation.error} />)}
      <PathField label="Folder to write (new)" kind="folder" value={dir} onChange={setDir} />
      <div className="row" style={{ marginTop: 8, alignItems: 'flex-end' }}>
        <Select
          size="xs"
          w={150}
          label="Checkpoint"
          data={present.map(({ id, step }) => ({ value: String(id), label: `step ${step}` }))}
          value={present.length === 0 ? null : String(checkpointId)}
          placeholder="none yet"
          allowDeselect={false}
          onChange={choose}
        />
        <Button
          size="xs"
          disabled={none || config.trainable.kind !== 'lora'}
          title={config.trainable.kind === 'lora' ? '' : 'This run trained all weights'}
          onClick={() => {
            adapter.mutate(request);
          }}
        >
          Adapter (PEFT)
        </Button>
        <NumberInput
          size="xs"
          w={110}
          label="Merge scale"
          title="How much of what was learned goes into the merged model: 1 = all of it, 0 = the base"
          step={0.1}
          value={scale}
          onChange={setScale}
        />
        <Button
          size="xs"
          variant="default"
          disabled={none || typeof scale !== 'number'}
          onClick={() => {
            merged.mutate({ ...request, scale: Number(scale) });
          }}
        >
          Merged model
        </Button>
      </div>
    </div>
  );
}
