import { expect, test } from 'vitest';
import { fullAt, fullWhile, fullWorks, smallRoom, writings } from './full-disk.ts';
import type { WritingName } from './full-disk.ts';
import { refusedDisk } from './small-disk.ts';

// The short form of `npm run test:faults`. Import stores all at its end; a checkpoint needs more room than rows of metrics.
const moments = [
  ...fullWorks.map((work) => [work, work === 'import' ? 0 : 2, 0] as const),
  ['train', 2, smallRoom] as const,
];

const refused = refusedDisk();
const onDisks = test.skipIf(refused !== undefined);
const why = refused === undefined ? '' : ` (skipped: ${refused})`;

onDisks.each(moments)(
  `a disk that becomes full during %s after %d things: told, nothing lost, goes on to the same end${why}`,
  { timeout: 120_000 },
  async (work, after, room) => {
    const report = await fullWhile(work, after, room);
    expect(report.error?.message).toMatch(/^The disk is full: .* could not be written/);
    expect(report.error?.hint).toContain('Free some space');
  },
);

onDisks.each(Object.keys(writings) as WritingName[])(
  `a full disk: %s is written whole or not at all${why}`,
  { timeout: 120_000 },
  async (name) => {
    const report = await fullAt(name);
    expect(report.error?.message).toMatch(/^The disk is full: /);
  },
);
