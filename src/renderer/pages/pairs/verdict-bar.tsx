import { Button } from '@mantine/core';
import type { ShownVerdict } from '../../../shared/audit/answer-order.ts';
import type { AuditCounts } from '../../../shared/audit/queue.ts';
import type { AuditPace } from '../../../shared/audit/review.ts';
import { runCommand } from '../../commands/active-commands.ts';
import { commandOf } from '../../commands/command-table.ts';
import { useKeyLabel } from '../../commands/use-keymap.ts';
import { formatCount, formatDuration } from '../../components/format.ts';

/** Short enough for all of them to stand in one line, with the verdict that each gives. */
const buttons = [
  ['pairs.a_better', 'A better', 'first_better'],
  ['pairs.b_better', 'B better', 'second_better'],
  ['pairs.both_good', 'both good', 'both_good'],
  ['pairs.both_bad', 'both bad', 'both_bad'],
  ['pairs.broken_instruction', 'broken', 'broken_instruction'],
  ['pairs.skip', 'skip', 'skipped'],
  ['pairs.edit', 'edit', null],
  ['pairs.comment', 'comment', null],
  ['pairs.undo', 'undo', null],
] as const;

/** The verdicts with their keys, and how it goes on; always in sight. */
export function VerdictBar({
  own,
  disabled,
  counts,
  pace,
  message,
}: {
  /** The verdict that stands. */
  readonly own: ShownVerdict | null;
  /** There is no pair to judge. */
  readonly disabled: boolean;
  readonly counts: AuditCounts | undefined;
  readonly pace: AuditPace | undefined;
  readonly message: string;
}) {
  const labelOf = useKeyLabel();
  return (
    <div className="verdict-bar">
      <div className="row" role="toolbar" aria-label="Verdict">
        {buttons.map(([id, label, verdict]) => (
          <Button
            key={id}
            size="compact-sm"
            variant="default"
            title={commandOf(id).label}
            className={verdict !== null && own === verdict ? 'standing' : ''}
            {...(verdict === null ? {} : { 'aria-pressed': own === verdict })}
            disabled={disabled && id !== 'pairs.undo'}
            onClick={() => {
              runCommand(id);
            }}
            leftSection={labelOf(id) === '' ? undefined : <span className="key">{labelOf(id)}</span>}
          >
            {label}
          </Button>
        ))}
        <span className="muted ellipsis end" role="status" aria-label="Last act">
          {message}
        </span>
      </div>
      <Progress counts={counts} pace={pace} />
    </div>
  );
}

function Progress({
  counts,
  pace,
}: {
  readonly counts: AuditCounts | undefined;
  readonly pace: AuditPace | undefined;
}) {
  if (counts === undefined) return null;
  const { all, done, unreviewed } = counts;
  const each = pace?.secondsEach ?? null;
  return (
    <div className="row muted progress">
      <progress value={done} max={Math.max(1, all)} aria-label="Reviewed" />
      <span>
        {formatCount(done)} of {formatCount(all)} reviewed
      </span>
      <span className="end">
        {each === null
          ? 'no pace yet'
          : `${(60 / Math.max(each, 0.001)).toFixed(1)} pairs a minute, ${formatDuration(each * unreviewed)} left`}
      </span>
    </div>
  );
}
