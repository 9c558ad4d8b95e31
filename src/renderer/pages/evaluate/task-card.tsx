import { Button, MultiSelect, Select, TextInput } from '@mantine/core';
import { PathField } from '../../components/path-field.tsx';
import type { TaskField, TaskKind, TaskValues } from './task-kinds.ts';

/** A task to be asked, with its settings, what is wrong with them, and how large it is. */
export function TaskCard({
  kind,
  values,
  problems,
  size,
  onChange,
  onRemove,
}: {
  readonly kind: TaskKind;
  readonly values: TaskValues;
  readonly problems: ReadonlyMap<string, string>;
  /** How large the set is, in words. */
  readonly size: string;
  readonly onChange: (values: TaskValues) => void;
  readonly onRemove: () => void;
}) {
  return (
    <section className="task-card" aria-label={kind.label}>
      <div className="row">
        <strong>{kind.label}</strong>
        <span className="muted">{kind.note}</span>
        <span className="muted end" role="status">
          {size}
        </span>
        <Button size="compact-xs" variant="default" aria-label={`Remove ${kind.label}`} onClick={onRemove}>
          Remove
        </Button>
      </div>
      <div className="task-fields">
        {kind.fields
          .filter(({ applies }) => applies?.(values) ?? true)
          .map((field) => (
            <Control
              key={field.path}
              field={field}
              value={values[field.path] ?? field.initial}
              problem={problems.get(field.path)}
              onChange={(value) => {
                onChange({ ...values, [field.path]: value });
              }}
            />
          ))}
      </div>
    </section>
  );
}

function Control({
  field: { path, label, note, control, options },
  value,
  problem,
  onChange,
}: {
  readonly field: TaskField;
  readonly value: string | readonly string[];
  readonly problem: string | undefined;
  readonly onChange: (value: string | readonly string[]) => void;
}) {
  const common = {
    ...{ size: 'xs', label, error: problem, 'data-path': path },
    inputWrapperOrder: ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[],
    ...(note === undefined ? {} : { description: note }),
  };
  const typed = typeof value === 'string' ? value : '';
  switch (control) {
    case 'choice':
      return (
        <Select
          {...common}
          data={options ?? []}
          value={typed}
          allowDeselect={false}
          onChange={(chosen) => {
            onChange(chosen ?? '');
          }}
        />
      );
    case 'choices':
      return (
        <div className="wide">
          <MultiSelect
            {...common}
            data={options ?? []}
            value={typeof value === 'string' ? [] : [...value]}
            searchable
            hidePickedOptions
            onChange={onChange}
          />
        </div>
      );
    case 'file':
    case 'folder':
      return (
        <div className="wide">
          <PathField
            label={label}
            kind={control === 'folder' ? 'folder' : 'files'}
            value={typed}
            error={problem}
            noteBelow
            onChange={onChange}
            {...(note === undefined ? {} : { description: note })}
          />
        </div>
      );
    case 'files':
      return (
        <div className="wide">
          <PathField
            label={label}
            kind="files"
            value={typeof value === 'string' ? value : value.join(', ')}
            error={problem}
            noteBelow
            onChange={(paths) => {
              onChange(paths.split(/,\s*/).filter((one) => one !== ''));
            }}
            onChooseMany={onChange}
            {...(note === undefined ? {} : { description: note })}
          />
        </div>
      );
    case 'text':
      return (
        <TextInput
          {...common}
          value={typed}
          onChange={(event) => {
            onChange(event.currentTarget.value);
          }}
        />
      );
  }
}
