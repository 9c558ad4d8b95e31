import { useApi, useApiMutation } from '../../api/client.ts';
import { inputProblem } from '../../components/field-error.tsx';
import { ErrorPanel } from '../../components/states.tsx';
import { BackupsTable } from '../../workspaces/backups-table.tsx';

/** Where a workspace could not be opened because its database is damaged: the copies of it, to put one back and open it. */
export function WayBack({
  failed,
  folder,
  onRestored,
}: {
  readonly failed: unknown;
  readonly folder: string | undefined;
  readonly onRestored: (folder: string) => void;
}) {
  const file = inputProblem(failed)?.body.place.file ?? '';
  const damaged = folder !== undefined && /[\\/]workspace\.db$/.test(file);
  const backups = useApi('workspaces.backups', { folder: folder ?? '.' }, { enabled: damaged });
  const restore = useApiMutation('workspaces.restore');
  if (!damaged || backups.data === undefined || backups.data.length === 0) return null;
  return (
    <section aria-label="Backups of the damaged workspace" style={{ marginTop: 8 }}>
      <p style={{ margin: '0 0 4px' }}>Backups of it; the damaged file is kept beside the one that is put back:</p>
      <BackupsTable
        backups={backups.data}
        busy={restore.isPending}
        onRestore={(name) => restore.mutate({ folder, name }, { onSuccess: () => onRestored(folder) })}
      />
      {restore.isError && <ErrorPanel error={restore.error} />}
    </section>
  );
}
