import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { buildIfStale } from '../../scripts/start.ts';
import { takeNeutralPictures } from './neutral-pictures.ts';

const root = join(import.meta.dirname, '..', '..');
/** Pictures of every page, for a person to look at; git ignores the folder. */
export const pictures = join(root, '.cache', 'screenshots');

export interface App {
  readonly page: Page;
  readonly browser: Browser;
  /** A folder of this test's own, which the application may use. */
  readonly folder: string;
  readonly origin: string;
  /** The address that was printed, with the token that is used up by now. */
  readonly address: string;
  /** Whatever the page complained about. */
  readonly complaints: string[];
  /** Process id of the host (main). */
  readonly pid: number;
  close(): Promise<void>;
}

async function addressOf(host: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    host.stdout?.on('data', (part: Buffer) => {
      text += part.toString();
      const found = /http:\S+/.exec(text)?.[0];
      if (found !== undefined) resolve(found);
    });
    host.once('exit', (code) => {
      reject(new Error(`the host ended with ${code}: ${text}`));
    });
  });
}

/** The real application: loopback host with store and engine, and a real Chromium on it; without the tour unless asked for. */
export async function startApp(executablePath: string, { firstStart = false } = {}): Promise<App> {
  if ((await buildIfStale()) !== 0) throw new Error('the application does not build');
  mkdirSync(pictures, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'longhand-e2e-'));
  const settings = join(folder, 'settings');
  if (!firstStart) {
    mkdirSync(settings);
    writeFileSync(join(settings, 'settings.json'), JSON.stringify({ 'tour.place': 'over' }));
  }
  const host = spawn(
    process.execPath,
    [join(root, 'src', 'main', 'shell', 'loopback', 'main.ts'), '--allow', folder, '--allow', join(root, 'resources')],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, LONGHAND_SETTINGS: settings, LONGHAND_WEIGHTS: join(folder, 'weights') },
    },
  );
  const address = await addressOf(host);
  const browser = await chromium.launch({
    executablePath,
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
  const page = await context.newPage();
  takeNeutralPictures(page, folder);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(address);
  return {
    page,
    browser,
    folder,
    origin: new URL(address).origin,
    address,
    complaints,
    pid: host.pid ?? 0,
    async close() {
      await browser.close();
      const ended = new Promise((resolve) => host.once('exit', resolve));
      host.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
