/** One column; numbers belong at the right, so that their digits stand below one another. */
export interface Column {
  readonly header: string;
  /** Unit, printed behind the header in brackets; left out for names and pure numbers. */
  readonly unit?: string;
  readonly align?: 'left' | 'right';
}

/**
 * A table as lines of text: header, rule, rows, two spaces between columns, no trailing blanks. Cells are taken as they
 * are (format numbers before, all of a column with the same decimals); control characters in them are shown as `?`, so
 * that a file's name cannot move the cursor.
 */
export function textTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const headers = columns.map(({ header, unit }) =>
    unit === undefined || unit === '' ? header : `${header} (${unit})`,
  );
  const cells = rows.map((row) => columns.map((_, c) => printable(row[c] ?? '')));
  const widths = columns.map((_, c) => Math.max(...[headers, ...cells].map((row) => width(row[c] ?? ''))));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, c) => {
        const fill = ' '.repeat((widths[c] ?? 0) - width(cell));
        return columns[c]?.align === 'right' ? fill + cell : cell + fill;
      })
      .join('  ')
      .trimEnd();
  return [line(headers), widths.map((n) => '─'.repeat(n)).join('  '), ...cells.map(line)].join('\n');
}

/** Text for one line of a terminal: control and formatting characters are shown as `?`, blanks kept. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/gu, '?');
}

/** Characters (code points); a table of wide characters comes out uneven but whole. */
function width(text: string): number {
  return [...text].length;
}

/** Names and values below one another, the values aligned; rows without a value are left out. */
export function facts(rows: readonly (readonly [string, string | null])[]): string {
  const shown = rows.flatMap(([name, value]) => (value === null ? [] : [[`${name}:`, value] as const]));
  const widest = Math.max(0, ...shown.map(([name]) => width(name)));
  return shown.map(([name, value]) => `${name.padEnd(widest)}  ${printable(value)}`.trimEnd()).join('\n');
}
