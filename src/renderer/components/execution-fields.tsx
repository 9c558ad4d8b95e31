import { Select } from '@mantine/core';
import type { BaseBits } from '../../shared/run-config.ts';

export const devices = { cpu: 'Processor (CPU)', cuda: 'NVIDIA card (CUDA)' } as const;
export type DeviceName = keyof typeof devices;

/** Where to compute. */
export function DeviceField({
  value,
  onChange,
}: {
  readonly value: DeviceName;
  readonly onChange: (device: DeviceName) => void;
}) {
  return (
    <Select
      label="Device"
      data={Object.entries(devices).map(([name, label]) => ({ value: name, label }))}
      value={value}
      allowDeselect={false}
      onChange={(name) => {
        onChange(name === 'cuda' ? 'cuda' : 'cpu');
      }}
    />
  );
}

const bitsLabels: Readonly<Record<BaseBits, string>> = { own: "the model's own precision", '4': '4 bits' };

/** Precision of the linear layers' weights; null where `inherited` says what it follows. */
export function BaseBitsField({
  value,
  inherited,
  onChange,
}: {
  readonly value: BaseBits | null;
  /** A choice of its own, such as `as in training`. */
  readonly inherited?: string;
  readonly onChange: (bits: BaseBits | null) => void;
}) {
  const data = Object.entries(bitsLabels).map(([name, label]) => ({ value: name, label }));
  return (
    <Select
      label="Base weights"
      data={inherited === undefined ? data : [{ value: '', label: inherited }, ...data]}
      value={value ?? ''}
      allowDeselect={false}
      onChange={(name) => {
        onChange(name === 'own' || name === '4' ? name : null);
      }}
    />
  );
}
