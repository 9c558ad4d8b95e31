import type { IpcMain } from 'electron';
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { isTrusted } from './ipc.ts';

export const DROP_CHANNEL = 'longhand:drop';

const pathsSchema = z.array(z.string().max(4096).refine(isAbsolute, 'must be absolute')).max(10_000);

/**
 * What a person drops on the window is granted, as what is picked in a dialog is. The paths come from the preload, which
 * alone can tell them and reads them off real files; the page has no way to this channel.
 */
export function handleDrops(ipcMain: Pick<IpcMain, 'handle'>, grant: (path: string) => void): void {
  ipcMain.handle(DROP_CHANNEL, (event, input: unknown): void => {
    if (!isTrusted(event)) throw new Error('refused: the call does not come from the application');
    for (const path of pathsSchema.parse(input)) grant(path);
  });
}
