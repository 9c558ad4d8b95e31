import { discardNewWorkspace, openWorkspace } from '../workspace/workspace.ts';
import type { OpenOptions, Workspace } from '../workspace/workspace.ts';
import { EngineClient } from './engine-client.ts';

/** What the services on a workspace work with. */
export interface ServiceContext {
  readonly workspace: Workspace;
  readonly engine: EngineClient;
}

/**
 * Opens a workspace with an engine (whose process starts at the first job that needs it). `close` ends both; without it
 * the process keeps the program from ending.
 * Once a day a copy of the database is made beside the work; closing waits for it.
 * Errors: as openWorkspace.
 */
export function openContext(
  folder: string,
  options: OpenOptions = {},
): ServiceContext & { close(): Promise<void>; discard(): Promise<void> } {
  const workspace = openWorkspace(folder, options);
  const engine = new EngineClient();
  const backup = workspace.backupIsDue() ? workspace.backUp('automatic').catch(noteFailure) : undefined;
  function noteFailure(error: unknown): void {
    // The work goes on: the copy is for a bad day. It is tried again at the next opening.
    try {
      workspace.events.add('backup_failed', '', { message: error instanceof Error ? error.message : String(error) });
    } catch {
      // A full disk has no room for the note either; the next write by a person says so.
    }
  }
  const close = async (): Promise<void> => {
    await engine.kill();
    await backup;
    workspace.close();
  };
  return {
    workspace,
    engine,
    close,
    /** Closes it, and leaves nothing behind where this opening made the workspace and no document was stored since. */
    async discard() {
      const empty = workspace.created !== 'nothing' && workspace.documents.totals().documents === 0;
      await close();
      if (empty) discardNewWorkspace(workspace.folder, workspace.created);
    },
  };
}
