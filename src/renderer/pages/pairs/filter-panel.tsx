import { Button, MultiSelect, Popover, Select } from '@mantine/core';
import { importerNameSchema } from '../../../shared/import-kinds.ts';
import { scoreNames } from '../../../shared/audit/queue.ts';
import { pairFilterIds, pairFilters } from '../../../shared/pair-filters.ts';
import { useKeyLabel } from '../../commands/use-keymap.ts';
import { BoundsFields } from '../../components/bounds-fields.tsx';
import { filterCount, withoutFilters } from './audit-view.ts';
import type { AuditView } from './audit-view.ts';
import { chosenSource, scoreLabels, sourceList, sourceOf, sourceValue } from '../../components/score-source.ts';
import type { ScoreSources } from '../../components/score-source.ts';

const inside = { withinPortal: false } as const;
/** What narrows a queue besides its kind and the search. */
export function FilterPanel({
  view,
  sources,
  blind,
  opened,
  onOpen,
  onChange,
}: {
  readonly view: AuditView;
  /** Runs and models that pairs have log-ratios of. */
  readonly sources: ScoreSources;
  readonly blind: boolean;
  readonly opened: boolean;
  readonly onOpen: (opened: boolean) => void;
  readonly onChange: (next: AuditView) => void;
}) {
  const count = filterCount(view);
  const source = chosenSource(view, sources);
  const none = sources.runs.length + sources.models.length === 0;
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
            label="Log-ratios of"
            description={
              none
                ? 'A training run writes them as it reads its pairs; “Score pairs” makes them without one.'
                : source !== null && 'model' in source
                  ? 'Log-probability under the model before training, on the chunk.'
                  : 'Policy on the long input minus reference on the short one.'
            }
            placeholder={none ? 'there are none yet' : 'not looked at'}
            disabled={none}
            clearable
            comboboxProps={inside}
            data={sourceList(sources)}
            value={sourceValue(source)}
            onChange={(value) => {
              const next = sourceOf(value);
              onChange({
                ...view,
                run: next !== null && 'runId' in next ? next.runId : null,
                model: next !== null && 'model' in next ? next.model : null,
                order: next === null && view.order === 'margin' ? 'made' : view.order,
              });
            }}
          />
          {source !== null && (
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
