import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserWindowConstructorOptions } from 'electron';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../../../src/shared/errors.ts';
import { appScheme, serveRenderer } from '../../../../src/main/shell/electron/app-protocol.ts';
import { handleCalls, isTrusted, sendEvents } from '../../../../src/main/shell/electron/ipc.ts';
import { recoverFromCrash } from '../../../../src/main/shell/electron/crash-rules.ts';
import { handleChoices } from '../../../../src/main/shell/electron/dialogs.ts';
import { handleDrops } from '../../../../src/main/shell/electron/drops.ts';
import { openMainWindow } from '../../../../src/main/shell/electron/main-window.ts';
import { menuTemplate } from '../../../../src/main/shell/electron/menu.ts';
import { denyNavigation, isOwnPage } from '../../../../src/main/shell/electron/navigation-rules.ts';
import { denyNetwork, denyPeerConnections, resolveNoNames } from '../../../../src/main/shell/electron/network-rules.ts';
import { denyPermissions } from '../../../../src/main/shell/electron/permission-rules.ts';
import { keepSingleInstance } from '../../../../src/main/shell/electron/single-instance.ts';
import { readWindowState, writeWindowState } from '../../../../src/main/shell/electron/window-state.ts';

/*
 * The Electron runtime cannot be had where these tests run. Each rule takes the part of Electron that it sets up, and the
 * stand-ins below record what was set: they stand for `electron` only, every rule is the real one.
 */
const folder = mkdtempSync(join(tmpdir(), 'longhand-electron-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

type Handler = (...args: never[]) => unknown;

/** Records handlers by name and calls them. */
class Recorder {
  readonly handlers = new Map<string, Handler>();
  on = (name: string, handler: Handler): this => {
    this.handlers.set(name, handler);
    return this;
  };
  handle = (name: string, handler: Handler): void => {
    this.handlers.set(name, handler);
  };
  fire(name: string, ...args: unknown[]): unknown {
    const handler = this.handlers.get(name);
    if (handler === undefined) throw new Error(`nobody handles ${name}`);
    return (handler as (...list: unknown[]) => unknown)(...args);
  }
}

describe('the window', () => {
  it('has no Node, a sandbox and a world of its own', () => {
    class Window {
      readonly options: BrowserWindowConstructorOptions;
      maximized = false;
      constructor(options: BrowserWindowConstructorOptions) {
        this.options = options;
      }
      maximize(): void {
        this.maximized = true;
      }
    }
    const bounds = { width: 1440, height: 900 };
    const { options, maximized } = openMainWindow(Window, 'preload.cjs', { bounds, maximized: true }, true);
    expect(maximized).toBe(true);
    expect(options).toMatchObject({ ...bounds, show: false });
    expect(options.webPreferences).toMatchObject({
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      webviewTag: false,
      experimentalFeatures: false,
      plugins: false,
      navigateOnDragDrop: false,
      spellcheck: false,
      devTools: false,
      // Without "persist:" it is kept in memory only.
      partition: 'longhand',
    });
    expect(options.webPreferences).not.toHaveProperty('enableBlinkFeatures');
    const { options: unreleased } = openMainWindow(Window, 'preload.cjs', { bounds, maximized: false }, false);
    expect(unreleased.webPreferences?.devTools).toBe(true);
  });

  it('keeps its place, unless the screen is gone or the file is damaged', async () => {
    const file = join(folder, 'window.json');
    const screens = [{ x: 0, y: 0, width: 1920, height: 1080 }];
    const state = { bounds: { x: 100, y: 50, width: 1000, height: 700 }, maximized: true };
    await writeWindowState(file, state);
    expect(readWindowState(file, screens)).toEqual(state);
    expect(readWindowState(file, [{ x: 5000, y: 0, width: 1920, height: 1080 }]).bounds).toEqual({
      width: 1440,
      height: 900,
    });
    writeFileSync(file, '{"bounds": {"width": -1}}');
    expect(readWindowState(file, screens)).toEqual({ bounds: { width: 1440, height: 900 }, maximized: false });
  });
});

describe('navigation', () => {
  const foreign = [
    'https://evil.example/',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'app://longhand.evil/',
    'app://other/',
  ];

  it.each(foreign)('%s is not a page of the application', (address) => {
    expect(isOwnPage(address)).toBe(false);
  });

  it('goes nowhere else, opens no window and embeds nothing', () => {
    const contents = new Recorder();
    let openHandler: ((details: { url: string }) => { action: string }) | undefined;
    denyNavigation(
      Object.assign(contents, {
        setWindowOpenHandler: (handler: typeof openHandler) => {
          openHandler = handler;
        },
      }) as never,
    );
    const prevented = (name: string, url: string): boolean => {
      let stopped = false;
      contents.fire(name, { url, preventDefault: () => (stopped = true) });
      return stopped;
    };
    for (const name of ['will-navigate', 'will-frame-navigate', 'will-redirect']) {
      for (const url of foreign) expect(prevented(name, url)).toBe(true);
      expect(prevented(name, 'app://longhand/index.html')).toBe(false);
    }
    expect(prevented('will-attach-webview', 'app://longhand/')).toBe(true);
    expect(openHandler?.({ url: 'app://longhand/' })).toEqual({ action: 'deny' });
  });
});

describe('permissions and network', () => {
  it('all but copying are denied', () => {
    type Request = (contents: unknown, permission: string, answer: (granted: boolean) => void) => void;
    let request: Request | undefined;
    let check: ((contents: unknown, permission: string) => boolean) | undefined;
    let device: (() => boolean) | undefined;
    denyPermissions({
      setPermissionRequestHandler: (handler: unknown) => (request = handler as Request),
      setPermissionCheckHandler: (handler: unknown) => (check = handler as typeof check),
      setDevicePermissionHandler: (handler: unknown) => (device = handler as typeof device),
    });
    for (const permission of ['media', 'geolocation', 'notifications', 'clipboard-read', 'usb', 'openExternal']) {
      let granted = true;
      request?.(undefined, permission, (answer) => (granted = answer));
      expect(granted).toBe(false);
      expect(check?.(undefined, permission)).toBe(false);
    }
    expect(check?.(undefined, 'clipboard-sanitized-write')).toBe(true);
    expect(device?.()).toBe(false);
  });

  it('no request leaves the computer', () => {
    type Before = (details: { url: string }, answer: (response: { cancel: boolean }) => void) => void;
    let before: Before | undefined;
    const events = new Recorder();
    denyNetwork(
      Object.assign(events, {
        webRequest: { onBeforeRequest: (handler: unknown) => (before = handler as Before) },
      }) as never,
    );
    const kept = (url: string): boolean => {
      let stopped = false;
      events.fire('will-download', { preventDefault: () => (stopped = true) }, { getURL: () => url });
      return !stopped;
    };
    expect(kept('blob:app://longhand/0d1f')).toBe(true);
    expect(kept('data:image/svg+xml,x')).toBe(true);
    expect(['https://evil.example/x.exe', 'blob:https://evil.example/1', 'file:///etc/passwd'].filter(kept)).toEqual(
      [],
    );
    const cancelled = (url: string): boolean => {
      let result = false;
      before?.({ url }, ({ cancel }) => (result = cancel));
      return result;
    };
    for (const url of ['https://example.org/', 'http://127.0.0.1:1/', 'ws://x/', 'file:///etc/passwd']) {
      expect(cancelled(url)).toBe(true);
    }
    expect(cancelled('app://longhand/assets/index.js')).toBe(false);
    expect(cancelled('data:image/png;base64,AAAA')).toBe(false);
  });

  it('no name is looked up and no peer is called', () => {
    const switches: string[] = [];
    resolveNoNames({ appendSwitch: (name: string, value = '') => switches.push(`${name}=${value}`) });
    expect(switches).toContain('host-resolver-rules=MAP * ~NOTFOUND');
    let policy = '';
    denyPeerConnections({ setWebRTCIPHandlingPolicy: (given) => (policy = given) });
    expect(policy).toBe('disable_non_proxied_udp');
  });
});

describe('a crash of the window', () => {
  it.each([
    ['crashed', true, ['crashed, code 5', 'reload']],
    ['oom', false, ['oom, code 5', 'quit']],
    ['clean-exit', true, []],
  ])('%s, reload: %s', async (reason, answer, expected) => {
    const contents = new Recorder();
    const happened: string[] = [];
    recoverFromCrash(
      Object.assign(contents, { reload: () => happened.push('reload'), isDestroyed: () => false }) as never,
      (text) => {
        happened.push(text);
        return Promise.resolve(answer);
      },
      () => happened.push('quit'),
    );
    contents.fire('render-process-gone', {}, { reason, exitCode: 5 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(happened).toEqual(expected);
  });
});

describe('calls', () => {
  const trusted = { senderFrame: { url: 'app://longhand/', parent: null } };

  it('only the top frame of our own page may call', () => {
    expect(isTrusted(trusted as never)).toBe(true);
    expect(isTrusted({ senderFrame: null })).toBe(false);
    expect(isTrusted({ senderFrame: { url: 'https://evil.example/', parent: null } } as never)).toBe(false);
    expect(isTrusted({ senderFrame: { url: 'app://longhand/', parent: {} } } as never)).toBe(false);
  });

  it('gives values and errors as data, and refuses strangers', async () => {
    const ipc = new Recorder();
    handleCalls(ipc, (name) =>
      name === 'good' ? Promise.resolve(7) : Promise.reject(new UserError('invalid_input', 'No.', { hint: 'Do so.' })),
    );
    expect(await ipc.fire('longhand:call', trusted, 'good', {})).toEqual({ ok: true, value: 7 });
    expect(await ipc.fire('longhand:call', trusted, 'bad', {})).toEqual({
      ok: false,
      error: { code: 'invalid_input', message: 'No.', hint: 'Do so.', place: {} },
    });
    await expect(ipc.fire('longhand:call', { senderFrame: null }, 'good', {})).rejects.toThrow('refused');
    await expect(ipc.fire('longhand:call', trusted, 7, {})).rejects.toThrow('refused');
  });

  it('events go to the window while it lives', () => {
    const sent: unknown[] = [];
    let destroyed = false;
    let tell: (event: never) => void = () => undefined;
    sendEvents({ send: (_: string, event: unknown) => sent.push(event), isDestroyed: () => destroyed }, (listener) => {
      tell = listener;
      return () => undefined;
    });
    tell({ type: 'changed' } as never);
    destroyed = true;
    tell({ type: 'changed' } as never);
    expect(sent).toHaveLength(1);
  });

  it('what is picked in a native dialog is granted, and nothing else', async () => {
    const ipc = new Recorder();
    const granted: string[] = [];
    let canceled = false;
    const dialog = {
      showOpenDialog: () => Promise.resolve({ canceled, filePaths: canceled ? [] : ['/data/a', '/data/b'] }),
      showSaveDialog: () => Promise.resolve({ canceled, filePath: canceled ? '' : '/data/out.jsonl' }),
    };
    handleChoices(ipc, dialog, {} as never, (path) => granted.push(path));
    const choose = (input: unknown, event: unknown = trusted): unknown => ipc.fire('longhand:choose', event, input);
    expect(await choose({ kind: 'files', title: 'Documents' })).toEqual(['/data/a', '/data/b']);
    expect(await choose({ kind: 'save', title: 'Pairs' })).toEqual(['/data/out.jsonl']);
    canceled = true;
    expect(await choose({ kind: 'folder', title: 'Model' })).toEqual([]);
    expect(granted).toEqual(['/data/a', '/data/b', '/data/out.jsonl']);
    await expect(choose({ kind: 'files', title: 'x' }, { senderFrame: null })).rejects.toThrow('refused');
    await expect(choose({ kind: 'everything' })).rejects.toThrow();
  });

  it('grants what a person drops, only for the own page and only absolute paths', () => {
    const ipc = new Recorder();
    const granted: string[] = [];
    handleDrops(ipc, (path) => granted.push(path));
    const drop = (input: unknown, event: unknown = trusted): unknown => ipc.fire('longhand:drop', event, input);
    drop(['/data/a', '/data/b']);
    expect(granted).toEqual(['/data/a', '/data/b']);
    for (const input of [['../a'], ['a'], '/data/c', [1]]) expect(() => drop(input)).toThrow();
    expect(() => drop(['/data/c'], { senderFrame: null })).toThrow('refused');
    expect(granted).toEqual(['/data/a', '/data/b']);
  });
});

describe('the rest of the shell', () => {
  it('serves only the built renderer, with the strict policy', async () => {
    const renderer = join(folder, 'renderer');
    mkdirSync(renderer);
    writeFileSync(join(renderer, 'index.html'), '<title>Longhand</title>');
    writeFileSync(join(folder, 'secret.txt'), 'secret');
    const protocol = new Recorder();
    serveRenderer(protocol, renderer);
    const get = (url: string, method = 'GET'): Promise<Response> =>
      protocol.fire('app', { url, method }) as Promise<Response>;
    const page = await get('app://longhand/');
    expect(await page.text()).toContain('Longhand');
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    for (const url of ['app://longhand/..%2fsecret.txt', 'app://longhand/../secret.txt', 'app://other/index.html']) {
      expect((await get(url)).status).toBe(404);
    }
    expect((await get('app://longhand/', 'POST')).status).toBe(404);
    expect(appScheme.privileges).toMatchObject({
      secure: true,
      corsEnabled: false,
      allowServiceWorkers: false,
      bypassCSP: false,
    });
  });

  it('a second start shows the first window and ends', () => {
    const app = new Recorder();
    const state = { lock: false, quit: 0, focused: 0, restored: 0 };
    const stand = Object.assign(app, { requestSingleInstanceLock: () => state.lock, quit: () => (state.quit += 1) });
    expect(keepSingleInstance(stand, () => undefined)).toBe(false);
    expect(state.quit).toBe(1);
    state.lock = true;
    const window = { isMinimized: () => true, restore: () => (state.restored += 1), focus: () => (state.focused += 1) };
    expect(keepSingleInstance(stand, () => window as never)).toBe(true);
    app.fire('second-instance');
    expect(state).toMatchObject({ restored: 1, focused: 1 });
  });

  it('a released build has no developer tools in its menu', () => {
    const text = JSON.stringify(menuTemplate(true, true));
    expect(text).not.toMatch(/DevTools|reload/i);
    expect(JSON.stringify(menuTemplate(false, false))).toMatch(/toggleDevTools/);
  });
});

it('nothing is handed to other programs of the system: no source names openExternal or openPath', () => {
  const sources = join(import.meta.dirname, '..', '..', '..', '..', 'src');
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(tsx?|html)$/.test(name),
  );
  expect(files.length).toBeGreaterThan(300);
  expect(files.filter((name) => /openExternal|openPath/.test(readFileSync(join(sources, name), 'utf8')))).toEqual([]);
});
