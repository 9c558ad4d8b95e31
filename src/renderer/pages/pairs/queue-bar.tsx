import { NumberInput, SegmentedControl, Select, TextInput } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { auditOrders } from '../../../shared/audit/queue.ts';
import type { AuditCounts } from '../../../shared/audit/queue.ts';
import { pairQueues } from '../../../shared/pairs.ts';
import { useCommands } from '../../commands/active-commands.ts';
import { formatCount } from '../../components/format.ts';
import type { AuditView } from './audit-view.ts';
import { FilterPanel } from './filter-panel.tsx';
import { chosenSource } from '../../components/score-source.ts';
import type { ScoreSources } from '../../components/score-source.ts';

const orderLabels = { made: 'as made', random: 'random sample', margin: 'log-ratio, smallest first' } as const;
/** A pause in typing after which the queue is asked for. */
const pauseMilliseconds = 300;

/** Which pairs, and in which order. */
export function QueueBar({
  view,
  counts,
  sources,
  blind,
  onChange,
}: {
  readonly view: AuditView;
  readonly counts: AuditCounts | undefined;
  readonly sources: ScoreSources;
  readonly blind: boolean;
  readonly onChange: (next: AuditView) => void;
}) {
  const [filtersShown, showFilters] = useState(false);
  const [search, setSearch] = useState(view.search);
  const field = useRef<HTMLInputElement>(null);
  const latest = useRef({ view, onChange });
  useEffect(() => {
    latest.current = { view, onChange };
  });
  useEffect(() => {
    setSearch(view.search);
  }, [view.search]);
  useEffect(() => {
    const timer = setTimeout(() => {
      const { view, onChange } = latest.current;
      if (search !== view.search) onChange({ ...view, search });
    }, pauseMilliseconds);
    return () => {
      clearTimeout(timer);
    };
  }, [search]);
  useCommands({
    'pairs.search': () => field.current?.focus(),
    'pairs.filters': () => {
      showFilters(true);
    },
  });
  return (
    <div className="row">
      <SegmentedControl
        size="xs"
        aria-label="Queue"
        value={view.queue}
        onChange={(queue) => {
          onChange({ ...view, queue });
        }}
        data={pairQueues.map((value) => ({
          value,
          label: `${value} ${counts === undefined ? '' : formatCount(counts[value])}`,
        }))}
      />
      <TextInput
        ref={field}
        placeholder="Search questions and answers"
        aria-label="Search"
        value={search}
        maxLength={1000}
        onChange={(event) => {
          setSearch(event.currentTarget.value);
        }}
        // Back to the keys of the page.
        onKeyDown={(event) => {
          if (event.key === 'Enter' || event.key === 'Escape') event.currentTarget.blur();
        }}
        w={200}
      />
      <span className="row end">
        <Select
          aria-label="Order"
          w={170}
          allowDeselect={false}
          data={auditOrders.map((value) => ({
            value,
            label: orderLabels[value],
            disabled: value === 'margin' && chosenSource(view, sources) === null,
          }))}
          value={view.order}
          onChange={(value) => {
            const order = auditOrders.find((name) => name === value);
            if (order !== undefined) onChange({ ...view, order });
          }}
        />
        {view.order === 'random' && (
          <NumberInput
            aria-label="Seed of the random sample"
            title="The same seed gives the same sample"
            prefix="seed "
            w={84}
            hideControls
            allowDecimal={false}
            allowNegative={false}
            max={0xffffffff}
            value={view.seed}
            onChange={(value) => {
              if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffffffff)
                onChange({ ...view, seed: value });
            }}
          />
        )}
        <FilterPanel
          {...{ view, sources, blind, onChange }}
          opened={filtersShown}
          onOpen={(opened) => {
            showFilters(opened);
          }}
        />
      </span>
    </div>
  );
}
