import { Button } from '@mantine/core';
import { useState } from 'react';
import { useApi, useApiMutation } from '../../api/client.ts';
import { formatBytes, formatCount } from '../../components/format.ts';
import { Facts, Page } from '../../components/page.tsx';
import { PathField } from '../../components/path-field.tsx';
import { Empty, ErrorPanel, Loading } from '../../components/states.tsx';

/** Models that the workspace knows, and what each one is. */
export function ModelsPage() {
  const models = useApi('models.list', {});
  const add = useApiMutation('models.add');
  const [dir, setDir] = useState('');
  return (
    <Page title="Models" note="Hugging Face folders: llama, mistral, qwen2, qwen3">
      <div style={{ display: 'flex', gap: 8, alignItems: 'flex-end' }}>
        <div style={{ flex: 1 }}>
          <PathField
            label="Model folder"
            description="with config.json, tokenizer.json and safetensors weights"
            kind="folder"
            value={dir}
            onChange={setDir}
          />
        </div>
        <Button
          disabled={dir === ''}
          loading={add.isPending}
          onClick={() => {
            add.mutate({ dir });
          }}
        >
          Add
        </Button>
      </div>
      {add.isError && <ErrorPanel error={add.error} />}
      {models.isPending && <Loading />}
      {models.data?.length === 0 && (
        <Empty title="No model yet">Add the folder of the model that shall read longer.</Empty>
      )}
      {models.data?.map(({ fingerprint, name, path, missing, report }) => (
        <div key={fingerprint} className="panel">
          <h2>{name}</h2>
          {missing && <p style={{ color: 'var(--fail)' }}>The folder is gone.</p>}
          <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr) minmax(0, 1fr)', gap: 16 }}>
            <Facts
              facts={[
                [
                  'Folder',
                  <span key="path" className="mono">
                    {path}
                  </span>,
                ],
                ['Architecture', report.architecture],
                ['Parameters', formatCount(report.parameters)],
                [
                  'Layers',
                  `${report.layers}, hidden size ${formatCount(report.hiddenSize)}, MLP ${formatCount(report.intermediateSize)}`,
                ],
                ['Attention', `${report.heads} heads of ${report.headDim}, ${report.kvHeads} key/value heads`],
                ['Context', `${formatCount(report.contextLength)} tokens`],
                ['RoPE', `${report.rope.type}, base ${formatCount(report.rope.theta)}`],
                ['Weights', `${formatBytes(report.weightBytes)} (${Object.keys(report.dtypes).join(', ')})`],
                [
                  'Fingerprint',
                  <span key="fingerprint" className="mono">
                    {fingerprint.slice(0, 16)}
                  </span>,
                ],
              ]}
            />
            <div>
              <table className="data">
                <thead>
                  <tr>
                    <th className="number">Context (tokens)</th>
                    <th className="number">Generate</th>
                    <th className="number">Train LoRA r 16</th>
                    <th className="number">Train all</th>
                  </tr>
                </thead>
                <tbody>
                  {report.memory.map((row) => (
                    <tr key={row.tokens}>
                      <td className="number">{formatCount(row.tokens)}</td>
                      <td className="number">{formatBytes(row.generate)}</td>
                      <td className="number">{formatBytes(row.trainLora)}</td>
                      <td className="number">{formatBytes(row.trainFull)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
              <p className="muted">Memory for one sequence, estimated.</p>
            </div>
          </div>
          {report.chatExample !== null && (
            <details>
              <summary>Chat template on an example</summary>
              <pre className="mono text">{report.chatExample}</pre>
            </details>
          )}
        </div>
      ))}
    </Page>
  );
}
