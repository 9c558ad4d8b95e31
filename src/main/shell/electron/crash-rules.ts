import type { WebContents } from 'electron';

/**
 * Offers to load the page again where its process is gone. Main, the workspace and a running job live in other processes
 * and go on meanwhile; the page asks anew for all that it shows.
 *
 * @param askReload asks the person, with the reason in words; true to load it again
 * @param quit ends the program in order
 */
export function recoverFromCrash(
  contents: Pick<WebContents, 'on' | 'reload' | 'isDestroyed'>,
  askReload: (reason: string) => Promise<boolean>,
  quit: () => void,
): void {
  contents.on('render-process-gone', (_event, { reason, exitCode }) => {
    if (reason === 'clean-exit') return;
    askReload(`${reason.replaceAll('-', ' ')}, code ${exitCode}`)
      .then((reload) => {
        if (!reload) quit();
        else if (!contents.isDestroyed()) contents.reload();
      })
      .catch((error: unknown) => {
        console.error('the crash of the window could not be shown', error);
        quit();
      });
  });
}
