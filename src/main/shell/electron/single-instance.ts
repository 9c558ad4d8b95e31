import type { BrowserWindow } from 'electron';

/**
 * One Longhand a user: a second start shows the first one's window and ends.
 * @returns false when this is the second start
 */
export function keepSingleInstance(
  app: {
    requestSingleInstanceLock(): boolean;
    quit(): void;
    on(event: 'second-instance', listener: () => void): unknown;
  },
  window: () => Pick<BrowserWindow, 'isMinimized' | 'restore' | 'focus'> | undefined,
): boolean {
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return false;
  }
  app.on('second-instance', () => {
    const shown = window();
    if (shown?.isMinimized() === true) shown.restore();
    shown?.focus();
  });
  return true;
}
