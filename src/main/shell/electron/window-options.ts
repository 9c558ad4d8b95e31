import type { BrowserWindowConstructorOptions } from 'electron';
import type { WindowState } from './window-state.ts';

/** A window whose page has no Node, no way out of its sandbox and its own JavaScript world apart from the preload. */
export function windowOptions(preload: string, state: WindowState): BrowserWindowConstructorOptions {
  const { x, y, width, height } = state.bounds;
  return {
    width,
    height,
    ...(x === undefined || y === undefined ? {} : { x, y }),
    minWidth: 1024,
    minHeight: 640,
    show: false,
    title: 'Longhand',
    webPreferences: {
      preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      webviewTag: false,
      navigateOnDragDrop: false,
      safeDialogs: true,
      spellcheck: false,
    },
  };
}
