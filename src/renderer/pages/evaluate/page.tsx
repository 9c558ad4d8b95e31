import { Button, Checkbox, Select } from '@mantine/core';
import { useState } from 'react';
import { useApi, useApiMutation } from '../../api/client.ts';
import { formatCount, formatNumber, formatTime } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { PathField } from '../../components/path-field.tsx';
import { Empty, ErrorPanel, Loading } from '../../components/states.tsx';

/** Question sets on the base model or a run; results side by side and item by item. */
export function EvaluatePage() {
  const models = useApi('models.list', {});
  const runs = useApi('runs.list', { limit: 200 });
  const sets = useApi('evaluations.builtIn', {});
  const list = useApi('evaluations.list', { limit: 500 });
  const start = useApiMutation('evaluations.start');
  const [source, setSource] = useState<string | null>(null);
  const [chosen, choose] = useState<readonly string[]>([]);
  const [file, setFile] = useState('');
  const [shown, show] = useState<number | null>(null);
  const sources = [
    ...(models.data ?? []).map(({ path, name }) => ({ value: `model ${path}`, label: `${name} (base)` })),
    ...(runs.data?.rows ?? []).map((run) => ({ value: `run ${run.id}`, label: `run ${run.id}: ${run.name}` })),
  ];
  const picked = source ?? sources[0]?.value ?? null;
  const paths = [
    ...(sets.data ?? []).filter(({ name }) => chosen.includes(name)),
    ...(file === '' ? [] : [{ name: file.split(/[\\/]/).at(-1) ?? file, path: file }]),
  ];
  const begin = (): void => {
    if (picked === null) return;
    const from = picked.startsWith('run ')
      ? { kind: 'run' as const, runId: Number(picked.slice(4)) }
      : { kind: 'base' as const, modelDir: picked.slice(6) };
    start.mutate({
      source: from,
      tasks: paths.map(({ name, path }) => ({
        kind: 'questions' as const,
        name,
        path,
        ...(name.startsWith('demo ') ? { separator: '\n', maxNewTokens: 14 } : { rule: 'normalised' as const }),
      })),
    });
  };
  const nameOf = (runId: number | null): string => (runId === null ? 'base' : `run ${runId}`);
  const setNames = [...new Set((list.data?.rows ?? []).map((row) => row.setName))];
  const columns = [...new Set((list.data?.rows ?? []).map((row) => nameOf(row.runId)))];
  return (
    <Page title="Evaluate">
      {start.isError && <ErrorPanel error={start.error} />}
      <div
        className="panel"
        style={{
          display: 'grid',
          gridTemplateColumns: 'minmax(0, 1fr) minmax(0, 1fr) minmax(0, 1.4fr) auto',
          gap: 12,
          alignItems: 'end',
        }}
      >
        <Select label="What" data={sources} value={picked} onChange={setSource} />
        <div>
          <div className="muted">Question sets</div>
          {(sets.data ?? []).map(({ name, items }) => (
            <Checkbox
              key={name}
              size="xs"
              mt={4}
              label={`${name} (${formatCount(items)})`}
              checked={chosen.includes(name)}
              onChange={() => {
                choose((before) =>
                  before.includes(name) ? before.filter((other) => other !== name) : [...before, name],
                );
              }}
            />
          ))}
        </div>
        <PathField
          label="Your own set"
          description="JSON Lines with context, question, answer"
          kind="files"
          value={file}
          onChange={setFile}
        />
        <Button disabled={paths.length === 0 || picked === null} loading={start.isPending} onClick={begin}>
          Evaluate
        </Button>
      </div>
      {list.isPending && <Loading />}
      {list.data?.rows.length === 0 && (
        <Empty title="No evaluations yet">Evaluate the base model first, then a run on the same sets.</Empty>
      )}
      {setNames.length > 0 && (
        <table className="data" aria-label="Results">
          <thead>
            <tr>
              <th>Set</th>
              {columns.map((column) => (
                <th key={column} className="number">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {setNames.map((setName) => (
              <tr key={setName}>
                <td>{setName}</td>
                {columns.map((column) => {
                  const row = list.data?.rows.findLast(
                    (candidate) => candidate.setName === setName && nameOf(candidate.runId) === column,
                  );
                  const value =
                    row?.summary?.['accuracy'] ??
                    row?.summary?.['share'] ??
                    row?.summary?.['nll'] ??
                    row?.summary?.['kl/exact/chosen'];
                  const low = row?.summary?.['accuracy/low'];
                  const high = row?.summary?.['accuracy/high'];
                  return (
                    <td key={column} className="number">
                      {row === undefined ? (
                        ''
                      ) : (
                        <button
                          type="button"
                          className="nav"
                          style={{ background: 'none', font: 'inherit', display: 'inline', cursor: 'pointer' }}
                          onClick={() => {
                            show(row.id);
                          }}
                          title={formatTime(row.createdAt)}
                        >
                          {value === undefined ? row.status : formatNumber(value)}
                          {low === undefined || high === undefined
                            ? ''
                            : ` [${formatNumber(low)}, ${formatNumber(high)}]`}
                        </button>
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {shown !== null && <Items id={shown} />}
    </Page>
  );
}

function Items({ id }: { readonly id: number }) {
  const items = useApi('evaluations.items', { id, limit: 200 });
  if (items.isError) return <ErrorPanel error={items.error} />;
  if (items.data === undefined) return <Loading />;
  return (
    <table className="data" aria-label="Answers">
      <thead>
        <tr>
          <th className="number">Item</th>
          <th>Question</th>
          <th>Expected</th>
          <th>Answer</th>
          <th className="number">Score</th>
        </tr>
      </thead>
      <tbody>
        {items.data.rows.map((item) => (
          <tr key={item.index}>
            <td className="number">{item.index + 1}</td>
            <td>{item.question}</td>
            <td>{item.expected}</td>
            <td style={item.score === 1 ? {} : { color: 'var(--rejected)' }}>{item.answer}</td>
            <td className="number">{formatNumber(item.score)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
