import { Checkbox, MultiSelect, Select, TextInput } from '@mantine/core';
import { shownValue } from './config-form.ts';
import type { FormField } from './config-form.ts';

/** One setting with its meaning, how it differs from the preset, and what is wrong with it. */
export function SettingField({
  field: { path, label, meaning, flag },
  typed,
  value,
  preset,
  problem,
  presetName = 'preset',
  locked,
  onChange,
}: {
  readonly field: FormField;
  /** What was typed, where a person changed it. */
  readonly typed: unknown;
  readonly value: unknown;
  /** The preset's value. */
  readonly preset: unknown;
  readonly problem: string | undefined;
  /** Where `preset` comes from. */
  readonly presetName?: string;
  /** Why it cannot be changed. */
  readonly locked?: string | undefined;
  readonly onChange: (value: unknown) => void;
}) {
  const differs = problem === undefined && shownValue(value) !== shownValue(preset);
  const common = {
    size: 'xs',
    label,
    description: locked ?? meaning,
    disabled: locked !== undefined,
    error: problem,
    title: flag.range === '' ? flag.name : `${flag.name}: ${flag.range}`,
    'data-path': path,
    inputWrapperOrder: ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[],
  };
  const note = differs ? (
    <div style={{ fontSize: 11, color: 'var(--warn)' }}>
      {presetName}: {shownValue(preset)}
    </div>
  ) : null;
  const input = (() => {
    switch (flag.kind) {
      case 'choice':
        return (
          <Select
            {...common}
            data={[...flag.choices]}
            value={String(value)}
            allowDeselect={false}
            onChange={(next) => {
              if (next !== null) onChange(next);
            }}
          />
        );
      case 'list':
        return (
          <MultiSelect
            {...common}
            data={[...flag.choices]}
            value={Array.isArray(value) ? value.map(String) : []}
            onChange={onChange}
          />
        );
      case 'boolean':
        return (
          <Checkbox
            size="xs"
            mt={18}
            label={label}
            description={locked ?? meaning}
            disabled={locked !== undefined}
            checked={value === true}
            onChange={(event) => {
              onChange(event.currentTarget.checked);
            }}
          />
        );
      default:
        return (
          <TextInput
            {...common}
            inputMode="decimal"
            placeholder={flag.nullable ? 'none' : ''}
            value={typeof typed === 'string' ? typed : value === null || value === undefined ? '' : shownValue(value)}
            onChange={(event) => {
              onChange(event.currentTarget.value);
            }}
          />
        );
    }
  })();
  return (
    <div>
      {input}
      {note}
    </div>
  );
}
