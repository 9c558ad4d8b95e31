import type { BackupRow } from '../../shared/workspace-care.ts';
import { ConfirmButton } from '../components/confirm-button.tsx';
import { formatBytes, formatTime } from '../components/format.ts';

const reasons: Readonly<Record<BackupRow['kind'], string>> = {
  automatic: 'once a day, at opening',
  manual: 'asked for',
  migration: 'before a change of the format',
};

/** Copies of a workspace's database, the newest first, each with a button that puts it back after a question. */
export function BackupsTable({
  backups,
  busy,
  onRestore,
}: {
  readonly backups: readonly BackupRow[];
  readonly busy: boolean;
  readonly onRestore: (name: string) => void;
}) {
  return (
    <table className="data" aria-label="Backups">
      <thead>
        <tr>
          <th>Made</th>
          <th>Why</th>
          <th className="number">Size</th>
          <th>File</th>
          <th />
        </tr>
      </thead>
      <tbody>
        {backups.map(({ name, at, kind, bytes }) => (
          <tr key={name}>
            <td style={{ whiteSpace: 'nowrap' }}>{formatTime(at)}</td>
            <td>{reasons[kind]}</td>
            <td className="number" style={{ whiteSpace: 'nowrap' }}>
              {formatBytes(bytes)}
            </td>
            <td className="mono muted" style={{ overflowWrap: 'anywhere' }}>
              {name}
            </td>
            <td className="number">
              <ConfirmButton
                size="compact-xs"
                disabled={busy}
                aria-label={`Restore the backup of ${formatTime(at)}`}
                question={`The database goes back to ${formatTime(at)}: reviews, pairs, runs and evaluations made since are no longer in it. The present one is kept beside it as workspace-replaced-….db.`}
                verb="Restore"
                onConfirm={() => onRestore(name)}
              >
                Restore
              </ConfirmButton>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
