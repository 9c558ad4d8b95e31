import { Button, Menu, MultiSelect } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { useState } from 'react';
import type { EvaluationTaskInput } from '../../../shared/evaluation-tasks.ts';
import type { BaseBits } from '../../../shared/run-config.ts';
import { call, useApi, useApiMutation } from '../../api/client.ts';
import { ApiError } from '../../api/transport.ts';
import { useAllRows } from '../../api/use-all-rows.ts';
import { useRoute } from '../../app/router.ts';
import { BaseBitsField, DeviceField } from '../../components/execution-fields.tsx';
import type { DeviceName } from '../../components/execution-fields.tsx';
import { fieldError } from '../../components/field-error.tsx';
import { formatCount } from '../../components/format.ts';
import { PathField } from '../../components/path-field.tsx';
import { ErrorPanel } from '../../components/states.tsx';
import { count, sizeInWords } from './estimate.ts';
import { EstimateTable } from './estimate-table.tsx';
import { ReadySets } from './ready-sets.tsx';
import { sourceOfValue, valueOfSource } from './sources.ts';
import { TaskCard } from './task-card.tsx';
import { checkedTasks, fieldOfError, initialValues, kindOf, taskKinds } from './task-kinds.ts';
import type { TaskKind, TaskValues } from './task-kinds.ts';
import { useEstimates } from './use-estimates.ts';
import type { MeasuredSource, TaskGroup } from './use-estimates.ts';

interface Draft {
  readonly key: number;
  readonly kind: TaskKind;
  readonly values: TaskValues;
}

/** What is measured on what. An address such as `?run=3&checkpoint=7` chooses the run and its checkpoint. */
export function StartForm() {
  const { query } = useRoute();
  const models = useApi('models.list', {});
  const runs = useAllRows('runs.list', {});
  const sets = useApi('evaluations.builtIn', {});
  const start = useApiMutation('evaluations.start');
  const asked = query['run'] === undefined ? null : `run ${query['run']} ${query['checkpoint'] ?? ''}`.trim();
  const [chosen, choose] = useState<readonly string[] | null>(asked === null ? null : [asked]);
  const [bits, setBits] = useState<BaseBits | null>(null);
  const [device, setDevice] = useState<DeviceName>('cpu');
  const [ready, setReady] = useState<readonly string[]>([]);
  const [drafts, setDrafts] = useState<readonly Draft[]>([]);
  const [adapter, setAdapter] = useState<string | null>(null);

  const [first] = models.data ?? [];
  const picked = chosen ?? (first === undefined ? [] : [`model ${first.path}`]);
  const pickedRuns = [...new Set(picked.flatMap((value) => (value.startsWith('run ') ? [value.split(' ')[1]] : [])))];
  const views = useQueries({
    queries: pickedRuns.map((run) => ({
      queryKey: ['runs.get', { id: Number(run) }],
      queryFn: () => call('runs.get', { id: Number(run) }),
    })),
  });
  const known = views.flatMap(({ data }) => data ?? []);
  const checkpoints = known.flatMap(({ run, checkpoints: all }) =>
    all
      .filter(({ removedAt }) => removedAt === null)
      .map(({ id, step }) => ({ value: `run ${run.id} ${id}`, label: `run ${run.id} at step ${formatCount(step)}` })),
  );
  const adapters = picked
    .filter((value) => value.startsWith('adapter '))
    .map((value) => ({ value, label: `adapter ${value.split(/[\\/]/).at(-1) ?? ''}` }));
  const sources = [
    ...(models.data ?? []).map(({ path, name }) => ({ value: `model ${path}`, label: `${name} (base)` })),
    ...runs.rows.toReversed().map((run) => ({ value: `run ${run.id}`, label: `run ${run.id}: ${run.name}` })),
    ...checkpoints,
    ...adapters,
  ];

  const cards = drafts.map((draft) => ({ ...draft, ...checkedTasks(draft.kind, draft.values) }));
  const readyTasks: readonly EvaluationTaskInput[] = (sets.data ?? [])
    .filter(({ task }) => ready.includes(task.name))
    .map(({ task }) => task);
  const groups: readonly TaskGroup[] = [
    ...readyTasks.map((task) => ({ key: `ready ${task.name}`, tasks: [task] })),
    ...cards.map((card) => ({ key: `card ${card.key}`, tasks: card.tasks })),
  ];
  const tasks = groups.flatMap((group) => group.tasks);
  const measured = picked.map((value): MeasuredSource => {
    const source = sourceOfValue(value);
    if (source.kind !== 'run') return { source, modelDir: source.modelDir };
    const fingerprint = known.find(({ run }) => run.id === source.runId)?.run.modelFingerprint;
    return { source, modelDir: models.data?.find((model) => model.fingerprint === fingerprint)?.path };
  });
  const estimates = useEstimates(groups, measured, { device, baseBits: bits });
  const problemsOf = (card: (typeof cards)[number]): ReadonlyMap<string, string> => {
    const found = new Map(card.problems);
    for (const error of [estimates.group(`card ${card.key}`).error, start.error]) {
      if (!(error instanceof ApiError)) continue;
      const field = fieldOfError(card.kind, card.values, error.body.place);
      if (field !== undefined) found.set(field, `${error.body.message} ${error.body.hint ?? ''}`.trim());
    }
    return found;
  };
  const sizeOf = (card: (typeof cards)[number]): string => {
    const { sizes, error } = estimates.group(`card ${card.key}`);
    if (card.tasks.length === 0 || error !== null || measured.length === 0) return '';
    return sizes !== null ? sizeInWords(sizes) : estimates.busy ? 'counted when the running job has ended' : 'counting';
  };
  const wrong =
    cards.some((card) => problemsOf(card).size > 0) || groups.some(({ key }) => estimates.group(key).error !== null);
  const atField = cards.some((card) => problemsOf(card).size > card.problems.size);

  const begin = async (): Promise<void> => {
    for (const value of picked) {
      const request = { source: sourceOfValue(value), tasks, device, ...(bits === null ? {} : { baseBits: bits }) };
      try {
        await start.mutateAsync(request);
      } catch {
        return; // the form shows it
      }
    }
  };
  const change = (key: number, values: TaskValues): void => {
    start.reset();
    setDrafts((before) => before.map((draft) => (draft.key === key ? { ...draft, values } : draft)));
  };
  return (
    <>
      {start.isError && !atField && <ErrorPanel error={start.error} />}
      <div className="evaluate-what">
        <MultiSelect
          size="xs"
          label="What"
          placeholder={picked.length === 0 ? 'Choose models, runs, checkpoints' : ''}
          data={sources}
          value={[...picked]}
          onChange={choose}
          searchable
          hidePickedOptions
        />
        <BaseBitsField value={bits} inherited="as in training" onChange={setBits} />
        <DeviceField value={device} onChange={setDevice} />
        <Button
          disabled={tasks.length === 0 || picked.length === 0 || wrong}
          loading={start.isPending}
          onClick={() => void begin()}
        >
          Evaluate
        </Button>
      </div>
      {sets.isError && <ErrorPanel error={sets.error} />}
      <ReadySets sets={sets.data ?? []} chosen={ready} onChange={setReady} />
      {cards.map((card) => (
        <TaskCard
          key={card.key}
          kind={card.kind}
          values={card.values}
          problems={problemsOf(card)}
          size={sizeOf(card)}
          onChange={(values) => {
            change(card.key, values);
          }}
          onRemove={() => {
            start.reset();
            setDrafts((before) => before.filter(({ key }) => key !== card.key));
          }}
        />
      ))}
      {adapter !== null && (
        <PathField
          label="Adapter (PEFT folder)"
          description={first === undefined ? 'Add its base model on the Models page first' : `On ${first.name}`}
          kind="folder"
          value={adapter}
          onChange={setAdapter}
          action={
            <Button
              disabled={adapter.trim() === '' || first === undefined}
              onClick={() => {
                if (first === undefined) return;
                const source = { kind: 'adapter', modelDir: first.path, dir: adapter.trim() } as const;
                choose([...picked, valueOfSource(source)]);
                setAdapter(null);
              }}
            >
              Measure it
            </Button>
          }
        />
      )}
      {tasks.length > 0 && picked.length > 0 && (
        <EstimateTable
          tasks={groups.flatMap(({ key, tasks: own }) => own.map(({ name }, index) => ({ key, index, name })))}
          models={picked.length}
          estimates={estimates}
        />
      )}
      <div className="row">
        <Menu position="bottom-start" withinPortal>
          <Menu.Target>
            <Button variant="default">Add a task</Button>
          </Menu.Target>
          <Menu.Dropdown mah={420} style={{ overflowY: 'auto' }}>
            {taskKinds.map(({ id, label, note }) => (
              <Menu.Item
                key={id}
                onClick={() => {
                  const kind = kindOf(id);
                  const values = initialValues(kind, first?.report.contextLength ?? null);
                  const key = 1 + Math.max(0, ...drafts.map((draft) => draft.key));
                  setDrafts([...drafts, { key, kind, values }]);
                }}
              >
                {label} <span className="muted">{note}</span>
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
        <Button
          variant="subtle"
          color="gray"
          disabled={adapter !== null}
          onClick={() => {
            setAdapter('');
          }}
        >
          Measure an adapter folder
        </Button>
        <span className="muted end">
          {tasks.length === 0
            ? 'Choose a set or add a task.'
            : `${count(tasks.length, 'task')} on ${count(picked.length, 'model')}, one after the other`}
        </span>
      </div>
      {start.isError && atField && <span role="alert">{fieldError(start.error)}</span>}
    </>
  );
}
