import { Button, MultiSelect, NumberInput, Popover, Select } from '@mantine/core';
import { importerNameSchema } from '../../../shared/import-kinds.ts';
import { scoreNames } from '../../../shared/audit/queue.ts';
import { pairFilterIds, pairFilters } from '../../../shared/pair-filters.ts';
import { useKeyLabel } from '../../commands/use-keymap.ts';
import { filterCount, inOrder, withoutFilters } from './audit-view.ts';
import type { AuditView, Bounds } from './audit-view.ts';

const inside = { withinPortal: false } as const;
const scoreLabels = {
  margin: 'chosen minus rejected',
  chosen: 'of the chosen answer',
  rejected: 'of the rejected answer',
} as const satisfies Record<(typeof scoreNames)[number], string>;

/** What narrows a queue besides its kind and the search. */
export function FilterPanel({
  view,
  runs,
  blind,
  opened,
  onOpen,
  onChange,
}: {
  readonly view: AuditView;
  /** Runs that have log-ratios here. */
  readonly runs: readonly { readonly id: number; readonly name: string }[];
  readonly blind: boolean;
  readonly opened: boolean;
  readonly onOpen: (opened: boolean) => void;
  readonly onChange: (next: AuditView) => void;
}) {
  const count = filterCount(view);
  const labelOf = useKeyLabel();
  return (
    <Popover opened={opened} onChange={onOpen} position="bottom-end" trapFocus returnFocus shadow="none" width={380}>
      <Popover.Target>
        <Button
          variant="default"
          onClick={() => {
            onOpen(!opened);
          }}
          rightSection={<span className="key">{labelOf('pairs.filters')}</span>}
        >
          Filters{count === 0 ? '' : ` (${count})`}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Filters">
        <div className="filters">
          <MultiSelect
            size="xs"
            label="Flags, any of"
            placeholder={view.flags.length === 0 ? 'any pair' : ''}
            comboboxProps={inside}
            data={pairFilterIds.map((value) => ({ value, label: pairFilters[value].name }))}
            value={view.flags}
            onChange={(flags) => {
              onChange({ ...view, flags });
            }}
          />
          <Select
            label="Type of document"
            placeholder="any"
            clearable
            comboboxProps={inside}
            data={[...importerNameSchema.options]}
            value={view.documentType}
            onChange={(value) => {
              const type = importerNameSchema.safeParse(value);
              onChange({ ...view, documentType: type.success ? type.data : null });
            }}
          />
          <BoundsFields
            label="Length of the document, characters"
            bounds={view.documentCharacters}
            onChange={(documentCharacters) => {
              onChange({ ...view, documentCharacters });
            }}
          />
          <BoundsFields
            label="Length of the longer answer, characters"
            bounds={view.answerCharacters}
            onChange={(answerCharacters) => {
              onChange({ ...view, answerCharacters });
            }}
          />
          <Select
            label="Log-ratios of run"
            description={
              runs.length === 0
                ? 'A training run writes them as it reads its pairs.'
                : 'Policy on the long input minus reference on the short one.'
            }
            placeholder={runs.length === 0 ? 'no run has any yet' : 'not looked at'}
            disabled={runs.length === 0}
            clearable
            comboboxProps={inside}
            data={runs.map(({ id, name }) => ({ value: String(id), label: `${id}: ${name}` }))}
            value={view.run === null ? null : String(view.run)}
            onChange={(value) => {
              const run = value === null ? null : Number(value);
              onChange({ ...view, run, order: run === null && view.order === 'margin' ? 'made' : view.order });
            }}
          />
          {view.run !== null && runs.length > 0 && (
            <>
              {!blind && (
                <Select
                  label="Log-ratio"
                  comboboxProps={inside}
                  data={scoreNames.map((value) => ({ value, label: scoreLabels[value] }))}
                  value={view.scoreOf}
                  allowDeselect={false}
                  onChange={(value) => {
                    const scoreOf = scoreNames.find((name) => name === value);
                    if (scoreOf !== undefined) onChange({ ...view, scoreOf });
                  }}
                />
              )}
              <BoundsFields
                label="Log-ratio, nats"
                bounds={view.score}
                decimals
                onChange={(score) => {
                  onChange({ ...view, score });
                }}
              />
            </>
          )}
          <Button
            variant="default"
            disabled={count === 0}
            onClick={() => {
              onChange(withoutFilters(view));
              // The button cannot keep the focus, and without it Esc would not close the panel.
              onOpen(false);
            }}
          >
            Clear all filters
          </Button>
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}

/** Two fields for the bounds of a number; an empty one is no bound. */
function BoundsFields({
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
