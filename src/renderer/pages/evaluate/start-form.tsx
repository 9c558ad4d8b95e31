import { Button, Checkbox, Select } from '@mantine/core';
import { useState } from 'react';
import type { ApiInput } from '../../../shared/api/contract.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { useAllRows } from '../../api/use-all-rows.ts';
import { useRoute } from '../../app/router.ts';
import { inputProblem } from '../../components/field-error.tsx';
import { formatCount } from '../../components/format.ts';
import { PathField } from '../../components/path-field.tsx';
import { ErrorPanel } from '../../components/states.tsx';

type Task = ApiInput<'evaluations.start'>['tasks'][number];

/** What is measured on which sets. An address such as `?run=3&checkpoint=7` chooses the run and its checkpoint. */
export function StartForm() {
  const { query } = useRoute();
  const models = useApi('models.list', {});
  const runs = useAllRows('runs.list', {});
  const sets = useApi('evaluations.builtIn', {});
  const start = useApiMutation('evaluations.start');
  const [source, setSource] = useState<string | null>(
    query['run'] === undefined ? null : `run ${query['run']} ${query['checkpoint'] ?? ''}`.trim(),
  );
  const [chosen, choose] = useState<readonly string[]>([]);
  const [file, setFile] = useState('');
  const runId = source?.startsWith('run ') === true ? Number(source.split(' ')[1]) : null;
  const view = useApi('runs.get', { id: runId ?? 1 }, { enabled: runId !== null });
  const checkpoints = (view.data?.checkpoints ?? []).filter((row) => row.removedAt === null);
  const sources = [
    ...(models.data ?? []).map(({ path, name }) => ({ value: `model ${path}`, label: `${name} (base)` })),
    ...runs.rows.toReversed().map((run) => ({ value: `run ${run.id}`, label: `run ${run.id}: ${run.name}` })),
    ...checkpoints.map(({ id, step }) => ({
      value: `run ${runId ?? 0} ${id}`,
      label: `run ${runId ?? 0} at step ${formatCount(step)}`,
    })),
  ];
  const picked = source ?? sources[0]?.value ?? null;
  const canKl = picked?.startsWith('run ') === true && (view.data?.run.heldOutCount ?? 0) > 0;
  const paths = [
    ...(sets.data ?? []).filter(({ name }) => chosen.includes(name)),
    ...(file === '' ? [] : [{ name: file.split(/[\\/]/).at(-1) ?? file, path: file }]),
  ];
  const tasks: Task[] = [
    ...paths.map(({ name, path }) => ({
      kind: 'questions' as const,
      ...{ name, path },
      ...(name.startsWith('demo ') ? { separator: '\n', maxNewTokens: 14 } : { rule: 'normalised' as const }),
    })),
    ...(canKl && chosen.includes('held-out pairs') ? [{ kind: 'kl' as const, name: 'held-out pairs' }] : []),
  ];
  const begin = (): void => {
    if (picked === null) return;
    const [, run, checkpoint] = picked.split(' ');
    start.mutate({
      source: picked.startsWith('run ')
        ? {
            kind: 'run',
            runId: Number(run),
            ...(checkpoint === undefined ? {} : { checkpointId: Number(checkpoint) }),
          }
        : { kind: 'base', modelDir: picked.slice('model '.length) },
      tasks,
    });
  };
  const toggle = (name: string) => () => {
    choose((before) => (before.includes(name) ? before.filter((other) => other !== name) : [...before, name]));
  };
  const atFile = file !== '' && inputProblem(start.error) !== null;
  return (
    <>
      {start.isError && !atFile && <ErrorPanel error={start.error} />}
      <div
        className="panel"
        style={{
          display: 'grid',
          gridTemplateColumns: 'minmax(0, 1fr) max-content minmax(0, 1.3fr) auto',
          gap: 16,
          alignItems: 'end',
        }}
      >
        <Select
          label="What"
          description="The model as it is, or a run's weights"
          data={sources}
          value={picked}
          onChange={setSource}
          searchable
          allowDeselect={false}
        />
        <fieldset style={{ border: 'none', padding: 0, margin: 0 }}>
          <legend className="muted" style={{ padding: 0 }}>
            Question sets
          </legend>
          {(sets.data ?? []).map(({ name, items }) => (
            <Checkbox
              key={name}
              size="xs"
              mt={4}
              label={`${name} (${formatCount(items)})`}
              checked={chosen.includes(name)}
              onChange={toggle(name)}
            />
          ))}
          {canKl && (
            <Checkbox
              size="xs"
              mt={4}
              label="held-out pairs: exact KL and losses"
              checked={chosen.includes('held-out pairs')}
              onChange={toggle('held-out pairs')}
            />
          )}
        </fieldset>
        <PathField
          label="Your own set"
          description="JSON Lines with context, question, answer"
          kind="files"
          value={file}
          onChange={(path) => {
            start.reset();
            setFile(path);
          }}
          {...(atFile ? { error: String(start.error?.message) } : {})}
        />
        <Button disabled={tasks.length === 0 || picked === null} loading={start.isPending} onClick={begin}>
          Evaluate
        </Button>
      </div>
    </>
  );
}
