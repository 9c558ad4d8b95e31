// Stands for the module `electron`, whose runtime the tests do not have: it records what the entry sets up.
import { EventEmitter } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

type Handler = (...args: unknown[]) => unknown;

/** What the entry did, in order, and the handlers that it left. */
export const calls: string[] = [];
export const ipcHandlers = new Map<string, Handler>();
export const sessionHandlers = new Map<string, Handler>();
export const windows: BrowserWindow[] = [];
const userData = mkdtempSync(join(tmpdir(), 'longhand-user-'));

class App extends EventEmitter {
  readonly isPackaged = true;
  enableSandbox(): void {
    calls.push('enableSandbox');
  }
  requestSingleInstanceLock(): boolean {
    calls.push('requestSingleInstanceLock');
    return process.env['STAND_IN_SECOND'] !== '1';
  }
  async whenReady(): Promise<void> {
    calls.push('ready');
  }
  getPath(name: string): string {
    return name === 'userData' ? userData : homedir();
  }
  readonly commandLine = {
    appendSwitch(name: string, value = ''): void {
      calls.push(`switch ${name}=${value}`);
    },
  };
  quit(): void {
    calls.push('quit');
  }
}
export const app = new App();

class WebContents extends EventEmitter {
  readonly sent: unknown[] = [];
  openHandler: Handler | undefined;
  send(channel: string, value: unknown): void {
    this.sent.push([channel, value]);
  }
  isDestroyed(): boolean {
    return false;
  }
  setWebRTCIPHandlingPolicy(policy: string): void {
    calls.push(`webrtc ${policy}`);
  }
  setWindowOpenHandler(handler: Handler): void {
    this.openHandler = handler;
  }
}

export class BrowserWindow extends EventEmitter {
  readonly webContents = new WebContents();
  readonly options: unknown;
  constructor(options: unknown) {
    super();
    this.options = options;
    calls.push('window');
    windows.push(this);
    app.emit('web-contents-created', {}, this.webContents);
  }
  async loadURL(address: string): Promise<void> {
    calls.push(`load ${address}`);
  }
  maximize(): void {}
  show(): void {
    calls.push('show');
  }
  focus(): void {}
  restore(): void {}
  isMinimized(): boolean {
    return false;
  }
  isMaximized(): boolean {
    return false;
  }
  getNormalBounds(): object {
    return { x: 0, y: 0, width: 1280, height: 800 };
  }
}

export const Menu = {
  buildFromTemplate: (template: unknown): unknown => template,
  setApplicationMenu(): void {
    calls.push('menu');
  },
};
export const dialog = {};
export const ipcMain = {
  handle(channel: string, handler: Handler): void {
    ipcHandlers.set(channel, handler);
  },
  removeHandler(channel: string): void {
    ipcHandlers.delete(channel);
  },
};
export const protocol = {
  registerSchemesAsPrivileged(): void {
    calls.push('schemes');
  },
};
export const screen = { getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }] };
const keep =
  (name: string) =>
  (handler: Handler): void => {
    sessionHandlers.set(name, handler);
  };
export const session = {
  fromPartition(name: string): unknown {
    calls.push(`session ${name}`);
    const created = {
      on: (event: string, handler: Handler) => sessionHandlers.set(event, handler),
      setPermissionRequestHandler: keep('permissionRequest'),
      setPermissionCheckHandler: keep('permissionCheck'),
      setDevicePermissionHandler: keep('devicePermission'),
      webRequest: { onBeforeRequest: keep('beforeRequest') },
      protocol: {
        handle(scheme: string): void {
          calls.push(`protocol ${scheme}`);
        },
      },
    };
    app.emit('session-created', created);
    return created;
  },
};
