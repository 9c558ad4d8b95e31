import { contextBridge, ipcRenderer, webUtils } from 'electron';
import type { ApiEvent } from '../shared/api/contract.ts';

/** The channels; the same names stand in src/main/shell/electron/ipc.ts, which a preload may not import. */
const CALL_CHANNEL = 'longhand:call';
const EVENT_CHANNEL = 'longhand:event';
const CHOOSE_CHANNEL = 'longhand:choose';
const DROP_CHANNEL = 'longhand:drop';

/** All that the page can reach: calls of the contract, events, native dialogs, and where dropped files lie. */
const bridge = {
  call: (name: string, input: unknown): Promise<unknown> => ipcRenderer.invoke(CALL_CHANNEL, name, input),
  subscribe: (listener: (event: ApiEvent) => void): (() => void) => {
    const receive = (_event: unknown, event: ApiEvent): void => {
      listener(event);
    };
    ipcRenderer.on(EVENT_CHANNEL, receive);
    return () => ipcRenderer.off(EVENT_CHANNEL, receive);
  },
  choose: (request: {
    kind: 'folder' | 'files' | 'save';
    title: string;
    suggestion?: string;
  }): Promise<readonly string[]> => ipcRenderer.invoke(CHOOSE_CHANNEL, request) as Promise<readonly string[]>,
  // Only a file that a person dropped or picked has a path; one that a page made has none.
  dropped: async (files: readonly File[]): Promise<readonly string[]> => {
    const paths = files.map((file) => webUtils.getPathForFile(file)).filter((path) => path !== '');
    await ipcRenderer.invoke(DROP_CHANNEL, paths);
    return paths;
  },
};

contextBridge.exposeInMainWorld('longhand', bridge);
