import { TextInput } from '@mantine/core';
import {
  columnFilteringFeature,
  columnResizingFeature,
  columnSizingFeature,
  createFilteredRowModel,
  createSortedRowModel,
  functionalUpdate,
  globalFilteringFeature,
  rowSortingFeature,
  tableFeatures,
  useTable,
} from '@tanstack/react-table';
import type { ColumnDef, Header, RowData } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useImperativeHandle, useMemo, useRef, useState } from 'react';
import type { KeyboardEvent, ReactNode, Ref } from 'react';
import { z } from 'zod';
import { useSetting } from '../settings/use-setting.ts';
import { formatCount } from './format.ts';

export interface DataColumn<Row> {
  readonly id: string;
  readonly header: string;
  /** What the column is sorted and filtered by; null comes last in either direction. */
  readonly value: (row: Row) => string | number | null;
  /** What is shown; left out: the value. */
  readonly cell?: (row: Row) => ReactNode;
  /** Numbers stand on the right. */
  readonly number?: boolean;
  /** Pixels at first. */
  readonly width?: number;
}

export interface DataTableProps<Row> {
  /** Sorting and widths are remembered under this name. */
  readonly name: string;
  /** For screen readers. */
  readonly label: string;
  readonly rows: readonly Row[];
  readonly columns: readonly DataColumn<Row>[];
  readonly rowId: (row: Row) => string | number;
  readonly selected?: string | number | null;
  /** Called by a click, Enter, and by the arrow keys. */
  readonly onSelect?: (row: Row) => void;
  /** Shows a field that filters over all columns, with this hint in it. */
  readonly filterHint?: string;
  /** Height in pixels; left out: what its parent leaves it. */
  readonly height?: number;
  readonly handle?: Ref<DataTableHandle>;
}

/** What a page can do with a table by its own keys. */
export interface DataTableHandle {
  /** Selects the row so many below the selected one, in the order shown; the first one where none is selected. */
  step(by: number): void;
}

const features = tableFeatures({
  rowSortingFeature,
  columnFilteringFeature,
  globalFilteringFeature,
  columnSizingFeature,
  columnResizingFeature,
  sortedRowModel: createSortedRowModel(),
  filteredRowModel: createFilteredRowModel(),
});
type Features = typeof features;

const layoutSchema = z.strictObject({
  sort: z.array(z.strictObject({ id: z.string(), desc: z.boolean() })).max(3),
  widths: z.record(z.string(), z.number().min(20).max(4000)),
});
const noLayout: z.infer<typeof layoutSchema> = { sort: [], widths: {} };

const rowHeight = 28;
/** A step of the arrow keys on a column's edge. */
const resizeStep = 16;

/** Numbers by size, texts as a person orders them (`step 2` before `step 10`). */
export function compareValues(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}

/**
 * A table for any number of rows (only those in sight exist): sorts by a click on a header, filters, resizes by dragging
 * a header's edge or with the arrow keys on it, and remembers all that.
 */
export function DataTable<Row extends RowData>(props: DataTableProps<Row>) {
  const { name, label, rows, columns, rowId, selected = null, onSelect, filterHint, height, handle } = props;
  const [layout, setLayout] = useSetting(`table.${name}`, layoutSchema, noLayout);
  const [filter, setFilter] = useState('');
  // While a column's edge is dragged nothing is stored.
  const [dragged, setDragged] = useState<Readonly<Record<string, number>> | null>(null);
  const widths = dragged ?? layout.widths;

  const definitions = useMemo(
    () =>
      columns.map((column): ColumnDef<Features, Row> => ({
        id: column.id,
        header: column.header,
        accessorFn: (row) => column.value(row) ?? undefined,
        sortFn: (a, b, id) => compareValues(a.getValue(id), b.getValue(id)),
        sortUndefined: 'last',
        size: column.width ?? (column.number === true ? 90 : 180),
        minSize: 40,
      })),
    [columns],
  );
  const data = useMemo(() => [...rows], [rows]);
  const table = useTable({
    features,
    columns: definitions,
    data,
    getRowId: (row) => String(rowId(row)),
    columnResizeMode: 'onChange',
    globalFilterFn: (row, id, wanted: string) => {
      const value = row.getValue<string | number | undefined>(id);
      return value !== undefined && String(value).toLowerCase().includes(wanted.toLowerCase());
    },
    // A filter must reach the columns whose first value is missing, too.
    getColumnCanGlobalFilter: () => true,
    state: { sorting: layout.sort, globalFilter: filter, columnSizing: widths },
    onSortingChange: (update) => {
      setLayout({ ...layout, sort: functionalUpdate(update, layout.sort).slice(0, 3) });
    },
    onGlobalFilterChange: setFilter,
    onColumnSizingChange: (update) => {
      setDragged(functionalUpdate(update, widths));
    },
  });
  const resizing = table.state.columnResizing.isResizingColumn;
  useEffect(() => {
    if (resizing !== false || dragged === null) return;
    setLayout({ ...layout, widths: dragged });
    setDragged(null);
  }, [resizing, dragged, layout, setLayout]);

  const shown = table.getRowModel().rows;
  const byId = useMemo(() => new Map(columns.map((column) => [column.id, column])), [columns]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);

  const at = selected === null ? -1 : shown.findIndex((row) => row.id === String(selected));
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at, { align: 'auto' });
    // Only a new selection moves the table.
  }, [selected]);
  const step = (by: number): void => {
    const next = shown[Math.max(0, Math.min(shown.length - 1, at < 0 ? 0 : at + by))];
    if (next !== undefined) onSelect?.(next.original);
  };
  useImperativeHandle(handle, () => ({ step }));
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (by === 0 || onSelect === undefined || event.target !== scroller.current) return;
    event.preventDefault();
    step(by);
  };

  return (
    <div className="data-table" style={height === undefined ? undefined : { height }}>
      {filterHint !== undefined && (
        <div className="row" style={{ marginBottom: 6 }}>
          <TextInput
            aria-label={`Filter ${label}`}
            placeholder={filterHint}
            value={filter}
            w={260}
            onChange={(event) => {
              setFilter(event.currentTarget.value);
            }}
          />
          <span className="muted">
            {shown.length === rows.length
              ? formatCount(rows.length)
              : `${formatCount(shown.length)} of ${formatCount(rows.length)}`}
          </span>
        </div>
      )}
      <div ref={scroller} className="scroller" tabIndex={0} onKeyDown={onKeyDown}>
        <table
          className="data fixed"
          aria-label={label}
          aria-rowcount={shown.length + 1}
          style={{ minWidth: table.getTotalSize() }}
        >
          <colgroup>
            {table.getFlatHeaders().map((header) => (
              <col key={header.id} style={{ width: header.getSize() }} />
            ))}
          </colgroup>
          <thead>
            <tr aria-rowindex={1}>
              {table.getFlatHeaders().map((header) => (
                <HeaderCell
                  key={header.id}
                  header={header}
                  number={byId.get(header.column.id)?.number === true}
                  onResize={(width) => {
                    setLayout({ ...layout, widths: { ...widths, [header.column.id]: width } });
                  }}
                />
              ))}
            </tr>
          </thead>
          <tbody>
            {above > 0 && <tr aria-hidden style={{ height: above }} />}
            {items.map(({ index }) => {
              const row = shown[index];
              if (row === undefined) return null;
              return (
                <BodyRow key={row.id} {...{ index, columns, onSelect }} row={row.original} selected={index === at} />
              );
            })}
            {below > 0 && <tr aria-hidden style={{ height: below }} />}
          </tbody>
        </table>
        {shown.length === 0 && rows.length > 0 && (
          <div className="muted" style={{ padding: 12 }}>
            Nothing fits "{filter}".
          </div>
        )}
      </div>
    </div>
  );
}

interface BodyRowProps<Row> {
  readonly index: number;
  readonly row: Row;
  readonly columns: readonly DataColumn<Row>[];
  readonly selected: boolean;
  readonly onSelect: ((row: Row) => void) | undefined;
}

/** Drawn anew only when its own row changes, not while others scroll in. */
const BodyRow = memo(function BodyRow<Row extends RowData>({
  index,
  row,
  columns,
  selected,
  onSelect,
}: BodyRowProps<Row>) {
  return (
    <tr
      aria-rowindex={index + 2}
      className={onSelect === undefined ? undefined : 'selectable'}
      aria-selected={onSelect === undefined ? undefined : selected}
      onClick={
        onSelect === undefined
          ? undefined
          : () => {
              onSelect(row);
            }
      }
    >
      {columns.map((column) => {
        const value = column.value(row);
        return (
          <td
            key={column.id}
            className={column.number === true ? 'number' : undefined}
            title={column.number === true || value === null ? undefined : String(value)}
          >
            {column.cell === undefined ? value : column.cell(row)}
          </td>
        );
      })}
    </tr>
  );
  // memo() keeps no type parameters.
}) as <Row extends RowData>(props: BodyRowProps<Row>) => ReactNode;

function HeaderCell<Row extends RowData>({
  header,
  number,
  onResize,
}: {
  readonly header: Header<Features, Row>;
  readonly number: boolean;
  readonly onResize: (width: number) => void;
}) {
  const { column } = header;
  const sorted = column.getIsSorted();
  const title = String(column.columnDef.header);
  return (
    <th
      scope="col"
      className={number ? 'number' : undefined}
      aria-sort={sorted === false ? 'none' : sorted === 'asc' ? 'ascending' : 'descending'}
    >
      <button type="button" className="sort" onClick={column.getToggleSortingHandler()}>
        {title}
        <span aria-hidden>{sorted === false ? '' : sorted === 'asc' ? ' \u2191' : ' \u2193'}</span>
      </button>
      <span
        className="resizer"
        role="separator"
        aria-orientation="vertical"
        aria-label={`Width of ${title}`}
        aria-valuenow={column.getSize()}
        aria-valuemin={40}
        aria-valuemax={2000}
        tabIndex={0}
        onMouseDown={header.getResizeHandler()}
        onTouchStart={header.getResizeHandler()}
        onKeyDown={(event) => {
          const by = event.key === 'ArrowRight' ? resizeStep : event.key === 'ArrowLeft' ? -resizeStep : 0;
          if (by === 0) return;
          event.preventDefault();
          onResize(Math.max(40, column.getSize() + by));
        }}
      />
    </th>
  );
}
