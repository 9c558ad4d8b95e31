import './components.css';
import { NumberInput } from '@mantine/core';
import { inOrder } from './bounds.ts';
import type { Bounds } from './bounds.ts';

/** Two fields for the bounds of a number; an empty one is no bound. */
export function BoundsFields({
  label,
  bounds,
  decimals = false,
  onChange,
}: {
  readonly label: string;
  readonly bounds: Bounds;
  readonly decimals?: boolean;
  readonly onChange: (bounds: Bounds) => void;
}) {
  const field = (name: 'min' | 'max') => (
    <NumberInput
      aria-label={`${label}, ${name === 'min' ? 'at least' : 'at most'}`}
      placeholder={name === 'min' ? 'at least' : 'at most'}
      hideControls
      allowDecimal={decimals}
      allowNegative={decimals}
      value={bounds[name] ?? ''}
      error={name === 'max' && !inOrder(bounds) ? 'Below the other bound: not used.' : undefined}
      onChange={(value) => {
        onChange({ ...bounds, [name]: typeof value === 'number' && Number.isFinite(value) ? value : null });
      }}
    />
  );
  return (
    <fieldset className="bounds">
      <legend>{label}</legend>
      <div>
        {field('min')}
        {field('max')}
      </div>
    </fieldset>
  );
}
