import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomic } from '../../src/main/files/atomic-write.ts';

export const RESULTS = path.join(import.meta.dirname, '../results');

/** A Markdown table; the first column is text, the others are numbers. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

/** Writes `<base>.json` and `<base>.md`. */
export async function writeResults(base: string, json: unknown, markdown: string): Promise<void> {
  const stem = base.replace(/\.(json|md)$/, '');
  await mkdir(path.dirname(stem), { recursive: true });
  await writeFileAtomic(`${stem}.json`, `${JSON.stringify(json, null, 2)}\n`);
  await writeFileAtomic(`${stem}.md`, `${markdown.trim()}\n`);
  console.log(`\n${markdown.trim()}\n\nWritten: ${path.relative('.', stem)}.json and .md`);
}

/** 12.3 ms, 4.56 s */
export function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds.toPrecision(3)} ms` : `${(milliseconds / 1000).toPrecision(3)} s`;
}

export function ratio(value: number): string {
  return `${value.toFixed(2)}x`;
}
