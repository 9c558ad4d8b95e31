import { useQueries } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useRef } from 'react';
import type { KeyboardEvent } from 'react';
import type { ShownVerdict } from '../../../shared/audit/answer-order.ts';
import type { Blind } from '../../../shared/audit/blind.ts';
import type { AuditRow } from '../../../shared/audit/queue.ts';
import { call } from '../../api/client.ts';
import { formatNumber } from '../../components/format.ts';
import type { Marks } from './queue-steps.ts';
import { sourceHead } from '../../components/score-source.ts';
import type { ScoreSource, ScoreSources } from '../../components/score-source.ts';

const rowHeight = 28;
/** Rows that are asked for at once. */
const pageSize = 100;

const shortNames: Readonly<Record<ShownVerdict, string>> = {
  first_better: 'A',
  second_better: 'B',
  both_good: 'good',
  both_bad: 'bad',
  broken_instruction: 'broken',
  skipped: 'skip',
};

export interface QueueListProps {
  readonly ids: readonly number[];
  readonly version: number;
  readonly selected: number | null;
  readonly marks: Marks;
  readonly reviewer: string;
  readonly blind: Blind;
  /** What the log-ratios are of; null = no such column. */
  readonly source: ScoreSource | null;
  readonly sources: ScoreSources;
  readonly onSelect: (id: number) => void;
}

/** The pairs of the queue: only rows in sight exist, and only their pages are asked for. */
export const QueueList = memo(function QueueList(props: QueueListProps) {
  const { ids, version, selected, marks, reviewer, blind, source, sources, onSelect } = props;
  const runId = source !== null && 'runId' in source ? source.runId : null;
  const model = source !== null && 'model' in source ? source.model : null;
  const head = source === null ? null : sourceHead(source, sources);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: ids.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 10,
  });
  const items = virtual.getVirtualItems();
  const firstPage = Math.floor((items[0]?.index ?? 0) / pageSize);
  const lastPage = Math.floor((items.at(-1)?.index ?? 0) / pageSize);
  const pages = Array.from({ length: lastPage - firstPage + 1 }, (_, i) => firstPage + i);
  const answers = useQueries({
    queries: pages.map((page) => ({
      queryKey: ['audit.rows', { version, page, reviewer, blind, runId, model, of: ids.length }],
      queryFn: () =>
        call('audit.rows', { ids: ids.slice(page * pageSize, (page + 1) * pageSize), reviewer, blind, runId, model }),
      staleTime: Infinity,
      gcTime: 60_000,
    })),
  });
  // By number: a pair that is gone leaves a gap in its page.
  const rows = new Map(answers.flatMap(({ data }) => data ?? []).map((row) => [row.id, row]));

  const at = selected === null ? -1 : ids.indexOf(selected);
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at, { align: 'auto' });
    // Only a new selection moves the list.
  }, [at]);
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20 };
    const to = event.key === 'Home' ? 0 : event.key === 'End' ? ids.length - 1 : at + (steps[event.key] ?? 0);
    if (to === at) return;
    event.preventDefault();
    const id = ids[Math.max(0, Math.min(ids.length - 1, to))];
    if (id !== undefined) onSelect(id);
  };

  return (
    <div className="queue-list">
      <div className="queue-head muted" aria-hidden>
        <span>Pair</span>
        <span className="question">Instruction</span>
        <span className="ellipsis" title={head?.meaning}>
          {head?.label ?? ''}
        </span>
      </div>
      <div
        ref={scroller}
        className="scroller"
        role="listbox"
        aria-label="Queue"
        tabIndex={0}
        aria-activedescendant={at >= 0 ? `queue-${selected}` : undefined}
        onKeyDown={onKeyDown}
      >
        <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {items.map(({ index, start }) => {
            const id = ids[index] ?? 0;
            const row = rows.get(id);
            const mark = marks.get(id);
            return (
              <QueueRow
                key={id}
                {...{ id, index, start, row, onSelect }}
                count={ids.length}
                own={mark === undefined ? (row?.own ?? null) : mark}
                selected={id === selected}
                scored={source !== null}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
});

const QueueRow = memo(function QueueRow({
  id,
  index,
  start,
  count,
  row,
  own,
  selected,
  scored,
  onSelect,
}: {
  readonly id: number;
  readonly index: number;
  readonly start: number;
  readonly count: number;
  readonly row: AuditRow | undefined;
  readonly own: ShownVerdict | null;
  readonly selected: boolean;
  readonly scored: boolean;
  readonly onSelect: (id: number) => void;
}) {
  return (
    <div
      role="option"
      id={`queue-${id}`}
      aria-selected={selected}
      aria-posinset={index + 1}
      aria-setsize={count}
      className="queue-row"
      style={{ transform: `translateY(${start}px)`, height: rowHeight }}
      title={row === undefined ? undefined : `${row.question}\n${row.documentTitle}`}
      onClick={() => {
        onSelect(id);
      }}
    >
      <span className="mono">#{id}</span>
      <span className="question">{row?.question ?? ''}</span>
      {row?.disagreement === true && <span className="differs">differs</span>}
      {row !== undefined && row.flags.length > 0 && (
        <span className="differs" title={`Flags: ${row.flags.join(', ')}`}>
          flag
        </span>
      )}
      {scored && row !== undefined && row.margin !== null && <span className="mono">{formatNumber(row.margin)}</span>}
      {own !== null && <span className="muted">{shortNames[own]}</span>}
    </div>
  );
});
