import { join } from 'node:path';
import { BrowserWindow, Menu, app, dialog, ipcMain, protocol, screen, session } from 'electron';
import { createApi } from './services/api/api.ts';
import { PathGrants } from './services/api/path-grants.ts';
import { RecentWorkspaces } from './services/api/recent-workspaces.ts';
import { Session } from './services/api/session.ts';
import { UserSettings } from './services/api/user-settings.ts';
import { APP_ORIGIN, appScheme, serveRenderer } from './shell/electron/app-protocol.ts';
import { recoverFromCrash } from './shell/electron/crash-rules.ts';
import { handleChoices } from './shell/electron/dialogs.ts';
import { handleDrops } from './shell/electron/drops.ts';
import { handleCalls, sendEvents } from './shell/electron/ipc.ts';
import { PARTITION, openMainWindow } from './shell/electron/main-window.ts';
import { menuTemplate } from './shell/electron/menu.ts';
import { denyNavigation } from './shell/electron/navigation-rules.ts';
import { denyNetwork, denyPeerConnections, resolveNoNames } from './shell/electron/network-rules.ts';
import { denyPermissions } from './shell/electron/permission-rules.ts';
import { keepSingleInstance } from './shell/electron/single-instance.ts';
import { readWindowState, writeWindowState } from './shell/electron/window-state.ts';

let window: BrowserWindow | undefined;

/** Opens the one window over one session; the session outlives it where the system keeps applications open. */
function openWindow(api: Session): void {
  const stateFile = join(app.getPath('userData'), 'window.json');
  const state = readWindowState(
    stateFile,
    screen.getAllDisplays().map((display) => display.workArea),
  );
  const preload = join(import.meta.dirname, '..', 'preload', 'index.cjs');
  const opened = openMainWindow(BrowserWindow, preload, state, app.isPackaged);
  window = opened;
  const stopEvents = sendEvents(opened.webContents, (listener) => api.subscribe(listener));
  opened.once('ready-to-show', () => {
    opened.show();
  });
  opened.on('close', () => {
    const bounds = opened.getNormalBounds();
    writeWindowState(stateFile, { bounds, maximized: opened.isMaximized() }).catch((error: unknown) => {
      console.error('the window state was not kept', error);
    });
  });
  opened.on('closed', () => {
    stopEvents();
    window = undefined;
  });
  recoverFromCrash(
    opened.webContents,
    async (reason) => {
      const { response } = await dialog.showMessageBox(opened, {
        type: 'error',
        message: 'The window has crashed.',
        detail: `Nothing is lost: a running job goes on. (${reason})`,
        buttons: ['Load it again', 'Quit'],
        cancelId: 1,
      });
      return response === 0;
    },
    () => {
      opened.close();
    },
  );
  handleChoices(ipcMain, dialog, opened, (path) => {
    api.grants.grant(path);
  });
  void opened.loadURL(`${APP_ORIGIN}/`);
}

async function start(): Promise<void> {
  protocol.registerSchemesAsPrivileged([appScheme]);
  app.enableSandbox();
  resolveNoNames(app.commandLine);
  if (!keepSingleInstance(app, () => window)) return;
  app.on('web-contents-created', (_event, contents) => {
    denyNavigation(contents);
    denyPeerConnections(contents);
  });
  app.on('session-created', (created) => {
    denyPermissions(created);
    denyNetwork(created);
  });
  await app.whenReady();
  const api = new Session({
    grants: new PathGrants([app.getPath('home')]),
    recent: new RecentWorkspaces(join(app.getPath('userData'), 'recent-workspaces.json')),
    settings: new UserSettings(join(app.getPath('userData'), 'settings.json')),
    shell: 'electron',
  });
  serveRenderer(session.fromPartition(PARTITION).protocol, join(import.meta.dirname, '..', 'renderer'));
  handleCalls(ipcMain, createApi(api));
  handleDrops(ipcMain, (path) => {
    api.grants.grant(path);
  });
  Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate(process.platform === 'darwin', app.isPackaged)));
  openWindow(api);
  app.on('window-all-closed', () => {
    // A running job is paused in order before the program ends: its checkpoint is worth the wait.
    void api.closeWorkspace().finally(() => {
      app.quit();
    });
  });
}

await start();
