import { Button, Modal, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { RunView } from '../../../shared/api/runs.ts';
import { inheritedFields, runConfigSchema } from '../../../shared/run-config.ts';
import type { CheckpointRow } from '../../../shared/runs.ts';
import { useApiMutation } from '../../api/client.ts';
import { hrefOf } from '../../app/router.ts';
import { at } from '../../components/config-form.ts';
import type { Changes } from '../../components/config-form.ts';
import { formatBytes, formatCount, formatTime } from '../../components/format.ts';
import { SettingField } from '../../components/setting-field.tsx';
import { SettingGroup } from '../../components/setting-group.tsx';
import { ErrorPanel } from '../../components/states.tsx';
import {
  applies,
  changed as withChange,
  configWith,
  differences,
  fieldGroups,
  problemsOf,
} from '../train/settings-form.ts';

/** A run's checkpoints, newest first: evaluate one, keep it, or go on from it as a new run. */
export function Checkpoints({ view }: { readonly view: RunView }) {
  const { run, checkpoints } = view;
  const pin = useApiMutation('runs.setPinned');
  const [from, continueFrom] = useState<CheckpointRow | null>(null);
  const present = checkpoints.filter((row) => row.removedAt === null).toSorted((a, b) => b.step - a.step);
  const removed = checkpoints.length - present.length;
  return (
    <div className="panel">
      <h2>Checkpoints</h2>
      {pin.isError && <ErrorPanel error={pin.error} />}
      {present.length === 0 ? (
        <span className="muted">
          None yet: the first comes after {view.config.checkpointEvery} steps or at the end.
        </span>
      ) : (
        <table className="data" aria-label="Checkpoints">
          <thead>
            <tr>
              <th className="number">Step</th>
              <th className="number">Size</th>
              <th>Made</th>
              <th>What to do</th>
            </tr>
          </thead>
          <tbody>
            {present.map((row) => (
              <tr key={row.id}>
                <td className="number">{formatCount(row.step)}</td>
                <td className="number">{formatBytes(row.bytes)}</td>
                <td style={{ whiteSpace: 'nowrap' }}>{formatTime(row.createdAt)}</td>
                <td>
                  <span className="row" style={{ gap: 4 }}>
                    <Button
                      size="compact-xs"
                      variant="default"
                      component="a"
                      href={`${hrefOf('evaluate')}?run=${run.id}&checkpoint=${row.id}`}
                      aria-label={`Evaluate step ${row.step}`}
                    >
                      Evaluate
                    </Button>
                    <Button
                      size="compact-xs"
                      variant="default"
                      aria-label={`Continue from here: step ${row.step}`}
                      onClick={() => {
                        continueFrom(row);
                      }}
                    >
                      Continue from here
                    </Button>
                    <Button
                      size="compact-xs"
                      variant={row.pinned ? 'light' : 'default'}
                      aria-pressed={row.pinned}
                      aria-label={`Keep step ${row.step}`}
                      title={row.pinned ? 'Kept: never thinned out' : 'Keep it when older checkpoints are thinned out'}
                      onClick={() => {
                        pin.mutate({ checkpointId: row.id, pinned: !row.pinned });
                      }}
                    >
                      {row.pinned ? 'Kept' : 'Keep'}
                    </Button>
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {removed > 0 && (
        <div className="muted" style={{ marginTop: 4 }}>
          {formatCount(removed)} earlier {removed === 1 ? 'one was' : 'ones were'} thinned out (the latest{' '}
          {view.config.keepCheckpoints} stay).
        </div>
      )}
      <Modal
        opened={from !== null}
        onClose={() => {
          continueFrom(null);
        }}
        title={`A new run from step ${from?.step ?? 0} of run ${run.id}`}
        size={900}
      >
        {from !== null && (
          <ContinueForm
            view={view}
            checkpoint={from}
            onDone={() => {
              continueFrom(null);
            }}
          />
        )}
      </Modal>
    </div>
  );
}

/** Why a setting stays as it is in a run that goes on from a checkpoint; undefined: it may be changed. */
function lockedBecause(path: string): string | undefined {
  const [first = ''] = path.split('.');
  if (path === 'optimizer.kind') return "Taken over: the optimizer's state means nothing to another one.";
  if (!inheritedFields.some((field) => field === first)) return undefined;
  return 'Taken over: the trained values and the place in the data mean nothing under another value.';
}

function ContinueForm({
  view: { run, config },
  checkpoint,
  onDone,
}: {
  readonly view: RunView;
  readonly checkpoint: CheckpointRow;
  readonly onDone: () => void;
}) {
  const start = useApiMutation('runs.continueFrom');
  const [name, setName] = useState('');
  const [changes, setChanges] = useState<Changes>({});
  const wanted = configWith(config, changes);
  const checked = runConfigSchema.safeParse(wanted);
  // While something is wrong the form keeps its shape.
  const shown = checked.data ?? config;
  const problems = new Map(problemsOf(wanted));
  const place = start.error?.body.place.field;
  const marked = place !== undefined && at(shown, place) !== undefined;
  if (marked) problems.set(place, `${start.error?.message ?? ''} ${start.error?.body.hint ?? ''}`);
  const begin = (): void => {
    if (!checked.success) return;
    const changed = differences(checked.data, config);
    start.mutate(
      {
        ...{ runId: run.id, checkpointId: checkpoint.id },
        ...(Object.keys(changed).length === 0 ? {} : { config: changed }),
        ...(name.trim() === '' ? {} : { name: name.trim() }),
      },
      { onSuccess: onDone },
    );
  };
  return (
    <form
      style={{ display: 'grid', gap: 10 }}
      onSubmit={(event) => {
        event.preventDefault();
        begin();
      }}
    >
      <div className="muted">
        Weights, optimizer state, place in the data and the pairs are taken over; run {run.id} stays as it is. Epochs
        and steps count from the start of run {run.id}. Unchanged settings give the same numbers as run {run.id} after
        this step.
      </div>
      <TextInput
        label="Name"
        placeholder={`${run.name}, from step ${checkpoint.step}`}
        value={name}
        onChange={(event) => {
          setName(event.currentTarget.value);
        }}
      />
      {fieldGroups.map(({ title, fields }) => {
        const visible = fields.filter((field) => applies(shown, field));
        return (
          visible.length > 0 && (
            <SettingGroup key={title} title={title}>
              {visible.map((field) => (
                <SettingField
                  key={field.path}
                  field={field}
                  typed={changes[field.path]}
                  value={at(shown, field.path)}
                  preset={at(config, field.path)}
                  presetName={`run ${run.id}`}
                  problem={problems.get(field.path)}
                  locked={lockedBecause(field.path)}
                  onChange={(value) => {
                    start.reset();
                    setChanges((before) => withChange(before, field.path, value));
                  }}
                />
              ))}
            </SettingGroup>
          )
        );
      })}
      {start.isError && !marked && <ErrorPanel error={start.error} />}
      <div className="row" style={{ justifyContent: 'flex-end' }}>
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
        <Button type="submit" loading={start.isPending} disabled={!checked.success}>
          Start the new run
        </Button>
      </div>
    </form>
  );
}
