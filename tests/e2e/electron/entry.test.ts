import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildIfStale } from '../../../scripts/start.ts';
import { openWorkspace } from '../../../src/main/workspace/workspace.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const out = join(root, 'out');
// The application may use the home folder.
const folder = mkdtempSync(join(homedir(), '.longhand-entry-test-'));

interface Report {
  readonly calls: readonly string[];
  readonly options: { readonly webPreferences: Readonly<Record<string, unknown>> };
  readonly opened: { readonly ok: boolean };
  readonly job: { readonly status: string; readonly error: unknown; readonly result: { readonly ok: boolean } };
  readonly refused: string;
  readonly prevented: boolean;
  readonly permission: boolean;
  readonly request: { readonly cancel: boolean };
  readonly newWindow: { readonly action: string };
  readonly sent: number;
}

function run(env: Readonly<Record<string, string>> = {}): Report {
  const result = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'driver.ts'), join(out, 'main', 'index.js'), join(folder, 'workspace')],
    { encoding: 'utf8', env: { ...process.env, ...env } },
  );
  if (result.status !== 0) throw new Error(`the driver ended with ${result.status}: ${result.stderr}`);
  return JSON.parse(result.stdout.trim().split('\n').at(-1) ?? '') as Report;
}

/** The production bundles under Node, with a stand-in for the module `electron` alone: store and engine are real. */
describe('the built Electron application', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    expect(await buildIfStale()).toBe(0);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('has every bundle, and no inline script in its page', () => {
    const files = [
      'main/index.js',
      'main/process.js',
      'main/reader-process.js',
      'main/work-process.js',
      'preload/index.cjs',
    ];
    expect(files.filter((file) => !existsSync(join(out, file)))).toEqual([]);
    const page = readFileSync(join(out, 'renderer', 'index.html'), 'utf8');
    expect(page.match(/<script(?![^>]*\bsrc=)/g)).toBeNull();
    expect(page).not.toMatch(/https?:/);
  });

  it('works on whole databases from the bundle, in a process that ends with the work', async () => {
    const workspace = join(folder, 'compacted');
    openWorkspace(workspace, { create: true }).close();
    const child = fork(join(out, 'main', 'work-process.js'), [], { serialization: 'advanced' });
    const ended = once(child, 'exit');
    child.send({ type: 'start', kind: 'compact', input: { folder: workspace, now: Date.now() } });
    const [answer] = (await once(child, 'message')) as [unknown];
    expect(answer).toMatchObject({ type: 'finished', result: { bytesAfter: expect.any(Number) as number } });
    expect(await ended).toEqual([0, null]);
  });

  it('the preload needs nothing but electron: it runs in the sandbox', () => {
    const preload = readFileSync(join(out, 'preload', 'index.cjs'), 'utf8');
    const required = [...preload.matchAll(/require\(["'`]([^"'`]+)["'`]\)/g)].map((match) => match[1]);
    expect(required).toEqual(['electron']);
  });

  it('sets up every rule before the page is loaded, and the engine works from the bundle', () => {
    const report = run();
    const order = [
      ...['schemes', 'enableSandbox', 'switch host-resolver-rules=MAP * ~NOTFOUND', 'requestSingleInstanceLock'],
      ...['ready', 'session longhand', 'protocol app', 'menu', 'window', 'webrtc disable_non_proxied_udp'],
    ];
    expect(report.calls.filter((call) => order.includes(call))).toEqual(order);
    expect(report.calls.filter((call) => call.startsWith('load'))).toEqual(['load app://longhand/']);
    expect(report.options.webPreferences).toMatchObject({
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webSecurity: true,
      partition: 'longhand',
      devTools: false,
    });
    expect(report.opened.ok).toBe(true);
    expect(report.job).toMatchObject({ status: 'finished', error: null, result: { ok: true } });
    expect(report.sent).toBeGreaterThan(0);
    expect(report.refused).toMatch(/does not come from the application/);
    expect(report).toMatchObject({ prevented: true, permission: false, request: { cancel: true } });
    expect(report.newWindow).toEqual({ action: 'deny' });
    expect(report.calls.at(-1)).toBe('quit');
  });

  it('a second start ends without a window', () => {
    const report = run({ STAND_IN_SECOND: '1' });
    expect(report.calls).toContain('quit');
    expect(report.calls).not.toContain('window');
  });
});
