import type { BrowserWindow, Dialog, IpcMain } from 'electron';
import { z } from 'zod';
import { CHOOSE_CHANNEL, isTrusted } from './ipc.ts';

const requestSchema = z.strictObject({
  kind: z.enum(['folder', 'files', 'save']),
  title: z.string().max(200),
  suggestion: z.string().max(1000).optional(),
});

/**
 * Native dialogs for the window. What the user picks there is granted: the API may then read and write it.
 * Answers the paths, none when the user closed the dialog.
 */
export function handleChoices(
  ipcMain: Pick<IpcMain, 'handle'>,
  dialog: Pick<Dialog, 'showOpenDialog' | 'showSaveDialog'>,
  window: BrowserWindow,
  grant: (path: string) => void,
): void {
  ipcMain.handle(CHOOSE_CHANNEL, async (event, input: unknown): Promise<readonly string[]> => {
    if (!isTrusted(event)) throw new Error('refused: the call does not come from the application');
    const { kind, title, suggestion } = requestSchema.parse(input);
    const place = suggestion === undefined ? {} : { defaultPath: suggestion };
    let paths: readonly string[];
    if (kind === 'save') {
      const { filePath, canceled } = await dialog.showSaveDialog(window, { title, ...place });
      paths = canceled ? [] : [filePath];
    } else {
      const properties =
        kind === 'folder'
          ? (['openDirectory', 'createDirectory'] as const)
          : (['openFile', 'multiSelections'] as const);
      const { filePaths, canceled } = await dialog.showOpenDialog(window, {
        title,
        properties: [...properties],
        ...place,
      });
      paths = canceled ? [] : filePaths;
    }
    for (const path of paths) grant(path);
    return paths;
  });
}
