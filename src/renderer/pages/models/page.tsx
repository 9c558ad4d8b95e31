import { Button } from '@mantine/core';
import { useState } from 'react';
import type { ModelReport } from '../../../shared/model-report.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { DropTarget } from '../../components/drop-target.tsx';
import { fieldError, inputProblem } from '../../components/field-error.tsx';
import { Page } from '../../components/page.tsx';
import { PathField } from '../../components/path-field.tsx';
import { Empty, ErrorPanel, Loading } from '../../components/states.tsx';
import { ModelPanel } from './model-panel.tsx';

/** Models that the workspace knows, and what each one is. */
export function ModelsPage() {
  const models = useApi('models.list', {});
  const add = useApiMutation('models.add');
  const [dir, setDir] = useState('');
  const [refused, setRefused] = useState<ModelReport | null>(null);
  const look = (folder: string): void => {
    setRefused(null);
    add.mutate(
      { dir: folder },
      {
        onSuccess: (report) => {
          if (report.problems.length > 0) setRefused(report);
          else setDir('');
        },
      },
    );
  };
  return (
    <Page title="Models" note="Hugging Face folders: llama, mistral, qwen2, qwen3">
      <DropTarget
        hint="Drop a model's folder to add it"
        onDrop={([path]) => {
          if (path === undefined) return;
          setDir(path);
          look(path);
        }}
      >
        <PathField
          label="Model folder"
          description="with config.json, tokenizer.json and safetensors weights. Drop the folder here, or choose it."
          kind="folder"
          value={dir}
          onChange={(next) => {
            setDir(next);
            setRefused(null);
            add.reset();
          }}
          onEnter={() => {
            look(dir);
          }}
          error={fieldError(add.error)}
          action={
            <Button
              disabled={dir.trim() === ''}
              loading={add.isPending}
              onClick={() => {
                look(dir);
              }}
            >
              Add
            </Button>
          }
        />
      </DropTarget>
      {add.isError && inputProblem(add.error) === null && <ErrorPanel error={add.error} />}
      {refused !== null && (
        <ModelPanel title={`${refused.path.split(/[\\/]/).at(-1) ?? ''}, not added`} report={refused} />
      )}
      {models.isPending && <Loading />}
      {models.isError && <ErrorPanel error={models.error} retry={() => void models.refetch()} />}
      {models.data?.length === 0 && refused === null && (
        <Empty title="No model yet">Add the folder of the model that shall read longer.</Empty>
      )}
      {models.data?.map(({ fingerprint, name, missing, report }) => (
        <ModelPanel
          key={fingerprint}
          title={name}
          report={report}
          note={missing && <p style={{ color: 'var(--fail)' }}>The folder is gone.</p>}
        />
      ))}
    </Page>
  );
}
