import type { BrowserWindow as ElectronWindow, BrowserWindowConstructorOptions } from 'electron';
import type { WindowState } from './window-state.ts';

/** The page's storage: in memory only. What a person set up is kept by main (see UserSettings), so nothing is lost with it. */
export const PARTITION = 'longhand';

/**
 * Opens the window, hidden: its page has no Node, no way out of its sandbox and its own JavaScript world apart from the
 * preload. The settings stand at the constructor, where tools that check sources look for them.
 *
 * @param BrowserWindow Electron's class
 * @param released without developer tools
 */
export function openMainWindow<Window extends Pick<ElectronWindow, 'maximize'>>(
  BrowserWindow: new (options: BrowserWindowConstructorOptions) => Window,
  preload: string,
  { bounds, maximized }: WindowState,
  released: boolean,
): Window {
  const { x, y, width, height } = bounds;
  const window = new BrowserWindow({
    width,
    height,
    ...(x === undefined || y === undefined ? {} : { x, y }),
    minWidth: 1024,
    minHeight: 640,
    show: false,
    title: 'Longhand',
    webPreferences: {
      preload,
      partition: PARTITION,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      // A click with the middle button would ask for a new window.
      disableBlinkFeatures: 'Auxclick',
      webviewTag: false,
      plugins: false,
      navigateOnDragDrop: false,
      safeDialogs: true,
      spellcheck: false,
      devTools: !released,
    },
  });
  if (maximized) window.maximize();
  return window;
}
