import { Button, Modal, NumberInput, SegmentedControl, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { RunView } from '../../../shared/api/runs.ts';
import type { RunConfigInput } from '../../../shared/run-config.ts';
import type { CheckpointRow } from '../../../shared/runs.ts';
import { useApiMutation } from '../../api/client.ts';
import { hrefOf } from '../../app/router.ts';
import { fieldError } from '../../components/field-error.tsx';
import { formatBytes, formatCount, formatTime } from '../../components/format.ts';
import { ErrorPanel } from '../../components/states.tsx';

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
        size={520}
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
  const [rate, setRate] = useState<string | number>(config.learningRate);
  const [unit, setUnit] = useState<'epochs' | 'maxSteps'>(config.maxSteps === null ? 'epochs' : 'maxSteps');
  const [length, setLength] = useState<string | number>(config.maxSteps ?? config.epochs ?? 1);
  const field = start.error?.body.place.field;
  const errorOf = (...names: string[]) =>
    field !== undefined && names.includes(field) ? fieldError(start.error) : undefined;
  const begin = (): void => {
    const changes: RunConfigInput = {
      ...(Number(rate) === config.learningRate ? {} : { learningRate: Number(rate) }),
      ...(Number(length) === config[unit] ? {} : { [unit]: Number(length) }),
    };
    start.mutate(
      {
        ...{ runId: run.id, checkpointId: checkpoint.id },
        ...(Object.keys(changes).length === 0 ? {} : { config: changes }),
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
        Weights, optimizer state, place in the data and the pairs are taken over; run {run.id} stays as it is. Unchanged
        settings give the same numbers as run {run.id} after this step.
      </div>
      <TextInput
        label="Name"
        placeholder={`${run.name}, from step ${checkpoint.step}`}
        value={name}
        onChange={(event) => {
          setName(event.currentTarget.value);
        }}
      />
      <NumberInput
        label="Learning rate"
        description="Peak of the schedule"
        value={rate}
        min={0}
        error={errorOf('learningRate')}
        onChange={setRate}
      />
      <div>
        <SegmentedControl
          size="xs"
          aria-label="Length in"
          value={unit}
          data={[
            { value: 'epochs', label: 'Epochs' },
            { value: 'maxSteps', label: 'Steps' },
          ]}
          onChange={(next) => {
            setUnit(next);
            setLength(config[next] ?? '');
          }}
        />
        <NumberInput
          mt={4}
          aria-label="Length"
          description={`Counted from the start of run ${run.id}, not from the checkpoint`}
          value={length}
          min={0}
          error={errorOf('epochs', 'maxSteps')}
          onChange={setLength}
        />
      </div>
      {start.isError && errorOf('learningRate', 'epochs', 'maxSteps') === undefined && (
        <ErrorPanel error={start.error} />
      )}
      <div className="row" style={{ justifyContent: 'flex-end' }}>
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
        <Button type="submit" loading={start.isPending}>
          Start the new run
        </Button>
      </div>
    </form>
  );
}
