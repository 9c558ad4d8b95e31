import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { chromium as browsers } from 'playwright-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorkspace } from '../../src/main/workspace/workspace.ts';
import { pair, sampleOf } from '../main/workspace/fixtures.ts';
import { chromiumOrSkipReason } from './chromium.ts';
import { startApp } from './start-app.ts';
import type { App } from './start-app.ts';

const chromium = chromiumOrSkipReason();
const executablePath = 'path' in chromium ? chromium.path : '';
const demo = join(import.meta.dirname, '..', '..', 'resources', 'demo');

/** Whatever of this runs sets window.hacked. */
const hostile = [
  `<img src=x onerror="window.hacked='img'">`,
  `<script>window.hacked='script'</script>`,
  `<svg onload="window.hacked='svg'"></svg>`,
  `<a href="javascript:window.hacked='link'">press</a>`,
  `<iframe srcdoc="<script>parent.hacked='frame'</script>"></iframe>`,
  `<style>body{display:none}</style><base href="http://foreign.example/">`,
  `[press](javascript:window.hacked='markdown') {{constructor.constructor("window.hacked='braces'")()}}`,
].join(' ');

let app: App;
let page: Page;
/** Another origin on this computer, which notes every request that reaches it and lets anybody read its answers. */
let foreign: Server;
let foreignOrigin = '';
const arrived: string[] = [];
/** Every address that the page asked for, from Chromium's own account of the network. */
const asked: string[] = [];

/** A call as the page itself makes it; with its status. */
const call = (name: string, input: unknown): Promise<{ status: number; body: unknown }> =>
  page.evaluate(
    async ([method, body]) => {
      const response = await fetch(`/api/${method}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as unknown };
    },
    [name, input] as const,
  );

const hacked = (): Promise<unknown> => page.evaluate(() => (window as { hacked?: unknown }).hacked);

async function watchNetwork(): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  session.on('Network.requestWillBeSent', ({ request }) => asked.push(request.url));
  session.on('Network.webSocketCreated', ({ url }) => asked.push(url));
}

describe.skipIf('reason' in chromium)(
  `security in Chromium${'reason' in chromium ? ` (${chromium.reason})` : ''}`,
  { timeout: 90_000 },
  () => {
    beforeAll(async () => {
      foreign = createServer((request, response) => {
        arrived.push(`${request.method} ${request.url}`);
        response.writeHead(200, { 'Access-Control-Allow-Origin': '*', 'Content-Type': 'text/html' });
        response.end('<title>foreign</title>');
      });
      foreign.on('upgrade', (request, socket) => {
        arrived.push(`upgrade ${request.url}`);
        socket.destroy();
      });
      await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
      foreignOrigin = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}`;
      app = await startApp(executablePath);
      ({ page } = app);
      await watchNetwork();
    });

    afterAll(async () => {
      await app.close();
      await new Promise((resolve) => foreign.close(resolve));
    });

    describe('what came from outside is text', () => {
      it('documents, their names, questions, answers and chat templates are shown and never run', async () => {
        const documents = join(app.folder, 'documents');
        mkdirSync(documents);
        // A name cannot hold a slash.
        const name = `<img src=x onerror=window.hacked='name'><b>.txt`;
        writeFileSync(join(documents, name), hostile);
        writeFileSync(join(documents, 'page.html'), `<h1>Kept</h1><script>window.hacked='html'</script>${hostile}`);
        writeFileSync(join(documents, 'page.md'), `# Kept\n\n${hostile}`);
        const folder = join(app.folder, 'workspace');
        const workspace = openWorkspace(folder, { create: true });
        const sink = workspace.documents.startImport();
        sink.add({
          ...{ title: hostile, text: `${hostile} ${hostile}`, sourcePath: hostile, sourceLine: null, importer: 'txt' },
          ...{ bytes: 2 * hostile.length + 1, characters: 2 * hostile.length + 1 },
        });
        const [documentId = 0] = sink.commit();
        const [chunkId = 0] = workspace.chunks.add(documentId, workspace.chunks.chunking({ maxTokens: 9 }), [
          { index: 0, start: 0, end: hostile.length, tokens: 9 },
        ]);
        const answers = { question: hostile, chosen: `chosen ${hostile}`, rejected: `rejected ${hostile}` };
        workspace.pairs.addSamples([sampleOf(documentId, [{ ...pair(chunkId, 'a'), ...answers, flags: [hostile] }])]);
        workspace.close();

        const model = join(app.folder, 'model');
        cpSync(join(demo, 'base-model'), model, { recursive: true });
        const settings = join(model, 'tokenizer_config.json');
        const config = JSON.parse(readFileSync(settings, 'utf8')) as Record<string, unknown>;
        const template = `${hostile.replaceAll('{{', '').replaceAll('}}', '')}${String(config['chat_template'])}`;
        writeFileSync(settings, JSON.stringify({ ...config, chat_template: template }));

        expect(await call('workspaces.open', { folder, create: false })).toMatchObject({ status: 200 });
        expect(await call('documents.import', { paths: [documents] })).toMatchObject({ status: 200 });
        expect(await call('models.add', { dir: model })).toMatchObject({ status: 200 });

        await page.goto(`${app.origin}/#/documents`);
        await page.getByText(`<img src=x onerror=window.hacked='name'>`).first().waitFor();
        await page.getByText(`<script>window.hacked='script'</script>`).first().click();
        await page.goto(`${app.origin}/#/models`);
        await page.getByText('Chat template on an example').click();
        await page.getByText(`<svg onload="window.hacked='svg'">`).first().waitFor();
        await page.goto(`${app.origin}/#/pairs`);
        await page.getByText('chosen <img src=x').first().waitFor();

        // Every page of the navigation, with all of this in the workspace.
        await page.goto(`${app.origin}/#/home`);
        const links = page.getByRole('navigation').first().getByRole('link');
        const addresses = await links.evaluateAll((all) => all.map((link) => (link as HTMLAnchorElement).href));
        expect(addresses.length).toBeGreaterThan(8);
        for (const address of addresses) {
          await page.goto(address);
          await page.getByRole('heading', { level: 1 }).waitFor();
          await page.waitForTimeout(150);
          expect([address, await hacked()]).toEqual([address, undefined]);
          const made = await page.evaluate(
            () =>
              document.querySelectorAll('#root script, #root iframe, #root base, #root [onerror], #root [onload]')
                .length,
          );
          expect([address, made]).toEqual([address, 0]);
          expect(await page.locator('a[href^="javascript:" i]').count()).toBe(0);
        }
      });

      it('the only links are our own places', async () => {
        const foreignLinks = await page
          .locator('a[href]')
          .evaluateAll((all) =>
            all
              .map((link) => (link as HTMLAnchorElement).href)
              .filter((href) => !href.startsWith(`${location.origin}/#`)),
          );
        expect(foreignLinks).toEqual([]);
      });

      it.each([
        [
          'an inline script',
          `const s = document.createElement('script'); s.textContent = 'window.hacked=1'; document.body.append(s)`,
        ],
        [
          'a handler in markup',
          `const d = document.createElement('div'); d.innerHTML = '<img src=x onerror="window.hacked=1">'; document.body.append(d)`,
        ],
        [
          'a frame with a script',
          `const f = document.createElement('iframe'); f.srcdoc = '<script>parent.hacked=1</' + 'script>'; document.body.append(f)`,
        ],
        [
          'a javascript: link',
          `const a = document.createElement('a'); a.href = 'javascript:window.hacked=1'; document.body.append(a); a.click()`,
        ],
        ['a javascript: address', `location.href = 'javascript:window.hacked=1'`],
        [
          'a script of a data: address',
          `const s = document.createElement('script'); s.src = 'data:text/javascript,window.hacked=1'; document.body.append(s)`,
        ],
        [
          'a script of a blob: address',
          `const s = document.createElement('script'); s.src = URL.createObjectURL(new Blob(['window.hacked=1'])); document.body.append(s)`,
        ],
        ['a worker', `new Worker(URL.createObjectURL(new Blob(['fetch("/api/jobs.list")'])))`],
        ['text run as code', `setTimeout('window.hacked=1', 0)`],
      ])('%s that got into the page does not run', async (_, code) => {
        await page.goto(`${app.origin}/`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await page.evaluate(code).catch(() => undefined);
        await page.waitForTimeout(200);
        expect(await hacked()).toBeUndefined();
        expect(new URL(page.url()).origin).toBe(app.origin);
      });

      it('eval and new Function are refused in the page’s own scripts', async () => {
        // What the debugger evaluates is exempt from the policy, code that a timer starts later is not.
        const refused = await page.evaluate(
          () =>
            new Promise((resolve) =>
              setTimeout(() => {
                try {
                  resolve((0, eval)('1+1'));
                } catch (error) {
                  resolve((error as Error).name);
                }
              }, 0),
            ),
        );
        expect(refused).toBe('EvalError');
      });
    });

    describe('a page that tries to reach another address', () => {
      it.each([
        ['window.open', `window.open(F + '/open')`],
        ['a link', `const a = document.createElement('a'); a.href = F + '/link'; document.body.append(a); a.click()`],
        [
          'a link to a new window',
          `const a = document.createElement('a'); a.href = F + '/blank'; a.target = '_blank'; document.body.append(a); a.click()`,
        ],
        ['location', `location.href = F + '/location'`],
        ['location.replace', `location.replace(F + '/replace')`],
        [
          'a form',
          `const f = document.createElement('form'); f.action = F + '/form'; f.method = 'post'; document.body.append(f); f.submit()`,
        ],
        ['fetch', `fetch(F + '/fetch', { mode: 'no-cors' }).catch(() => undefined)`],
        ['XMLHttpRequest', `const x = new XMLHttpRequest(); x.open('GET', F + '/xhr'); x.send()`],
        ['sendBeacon', `navigator.sendBeacon(F + '/beacon', 'x')`],
        ['an event source', `new EventSource(F + '/events')`],
        ['a WebSocket', `new WebSocket(F.replace('http', 'ws') + '/socket')`],
        ['an image', `new Image().src = F + '/image'`],
        ['a frame', `const f = document.createElement('iframe'); f.src = F + '/frame'; document.body.append(f)`],
        ['an object', `const o = document.createElement('object'); o.data = F + '/object'; document.body.append(o)`],
        ['a script', `const s = document.createElement('script'); s.src = F + '/script.js'; document.body.append(s)`],
        [
          'a style sheet',
          `const l = document.createElement('link'); l.rel = 'stylesheet'; l.href = F + '/style.css'; document.head.append(l)`,
        ],
        [
          'a prefetch',
          `const l = document.createElement('link'); l.rel = 'prefetch'; l.href = F + '/prefetch'; document.head.append(l)`,
        ],
        ['an image of a style', `document.body.style.backgroundImage = 'url(' + F + '/background)'`],
        ['a font', `new FontFace('x', 'url(' + F + '/font)').load().catch(() => undefined)`],
        ['a video', `const v = document.createElement('video'); v.src = F + '/video'; document.body.append(v)`],
        ['a module', `import(F + '/module.js').catch(() => undefined)`],
        [
          'a refresh',
          `const m = document.createElement('meta'); m.httpEquiv = 'refresh'; m.content = '0;url=' + F + '/refresh'; document.head.append(m)`,
        ],
      ])('%s: nothing arrives, and the application stays', async (_, code) => {
        await page.goto(`${app.origin}/`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        arrived.length = 0;
        await page.evaluate(`(() => { const F = ${JSON.stringify(foreignOrigin)}; ${code} })()`).catch(() => undefined);
        await page.waitForTimeout(250);
        expect(arrived).toEqual([]);
        expect(new URL(page.url()).origin).toBe(app.origin);
        expect(page.context().pages()).toHaveLength(1);
        // Not with a locator: it waits for the end of the navigation that was refused.
        expect(await page.evaluate(() => document.querySelector('h1') !== null)).toBe(true);
      });

      it.each(['camera', 'microphone', 'geolocation', 'notifications', 'clipboard-read'])(
        'the permission "%s" is not to be had',
        async (name) => {
          const state = await page.evaluate(
            async (wanted) => (await navigator.permissions.query({ name: wanted as PermissionName })).state,
            name,
          );
          expect(state).not.toBe('granted');
        },
      );
    });

    describe('a page of another origin in the same browser, which sends our session along', () => {
      let other: Page;
      beforeAll(async () => {
        other = await page.context().newPage();
        await other.goto(`${foreignOrigin}/`);
      });
      afterAll(async () => {
        await other.close();
      });

      it('cannot read an answer, and a call changes nothing', async () => {
        const folder = join(app.folder, 'by-stranger');
        const answers = await other.evaluate(
          async ([origin, target]) => {
            const body = JSON.stringify({ folder: target, create: true });
            const attempts: RequestInit[] = [
              { method: 'POST', credentials: 'include', headers: { 'Content-Type': 'application/json' }, body },
              { method: 'POST', credentials: 'include', mode: 'no-cors', body },
              {
                method: 'POST',
                credentials: 'include',
                mode: 'no-cors',
                headers: { 'Content-Type': 'text/plain' },
                body,
              },
            ];
            const results: string[] = [];
            for (const attempt of attempts) {
              results.push(
                await fetch(`${origin}/api/workspaces.open`, attempt).then(
                  async (response) => `${response.type}:${await response.text()}`,
                  () => 'blocked',
                ),
              );
            }
            return results;
          },
          [app.origin, folder] as const,
        );
        for (const answer of answers) expect(['blocked', 'opaque:']).toContain(answer);
        expect(existsSync(folder)).toBe(false);
      });

      it('cannot open the socket, embed the application, load its scripts or hold its window', async () => {
        const found = await other.evaluate(async (origin) => {
          const socket = await new Promise<string>((resolve) => {
            const opened = new WebSocket(`${origin.replace('http', 'ws')}/events`);
            opened.onopen = () => resolve('open');
            opened.onerror = () => resolve('refused');
          });
          const script = await new Promise<string>((resolve) => {
            const element = document.createElement('script');
            element.onload = () => resolve('loaded');
            element.onerror = () => resolve('refused');
            element.src = `${origin}/index.html`;
            document.body.append(element);
          });
          const frame = document.createElement('iframe');
          frame.src = `${origin}/`;
          document.body.append(frame);
          await new Promise((resolve) => (frame.onload = resolve));
          return { socket, script };
        }, app.origin);
        expect(found).toEqual({ socket: 'refused', script: 'refused' });
        const embedded = other.frames().find((frame) => frame !== other.mainFrame());
        expect(await embedded?.evaluate(() => document.querySelector('#root'))).toBeNull();
      });

      it('addresses that are none do not end the host', async () => {
        await other.evaluate(async (origin) => {
          for (const path of ['//', '//[', '/%', '/%00']) {
            await fetch(`${origin}${path}`, { mode: 'no-cors' }).catch(() => undefined);
          }
        }, app.origin);
        expect((await call('jobs.list', {})).status).toBe(200);
      });
    });

    it('a name that was made to lead to this computer (DNS rebinding) is refused, token or not', async () => {
      const browser = await browsers.launch({
        executablePath,
        args: ['--headless', '--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP rebound.example 127.0.0.1'],
      });
      try {
        const rebound = await browser.newPage();
        const { port } = new URL(app.origin);
        for (const path of ['/', new URL(app.address).search, '/index.html']) {
          const response = await rebound.goto(`http://rebound.example:${port}/${path.replace(/^\//, '')}`);
          expect([path, response?.status()]).toEqual([path, 403]);
        }
        const answer = await rebound.evaluate(async () => {
          const response = await fetch('/api/jobs.list', {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: '{}',
          });
          return [response.status, await response.text()];
        });
        expect(answer).toEqual([403, expect.stringContaining('rebound.example')]);
      } finally {
        await browser.close();
      }
    });

    it('a session that is wrong or of an earlier start, and a used token, are refused', async () => {
      const { port } = new URL(app.origin);
      const context = await app.browser.newContext();
      try {
        const stranger = await context.newPage();
        expect((await stranger.goto(app.address))?.status()).toBe(401);
        await context.addCookies([
          { name: `longhand_session_${port}`, value: 'A'.repeat(32), domain: '127.0.0.1', path: '/' },
        ]);
        expect((await stranger.goto(`${app.origin}/`))?.status()).toBe(401);
        const status = await stranger.evaluate(
          async () =>
            (
              await fetch('/api/jobs.list', {
                method: 'POST',
                headers: { 'Content-Type': 'application/json' },
                body: '{}',
              })
            ).status,
        );
        expect(status).toBe(401);
      } finally {
        await context.close();
      }
    });

    it('a path outside what was granted is refused from the page, however it is written', async () => {
      const outside = [
        '/etc',
        `${app.folder}/../../etc`,
        `${app.folder}/x\0/../../../etc`,
        '/proc/self/environ',
        '\\\\host\\share',
      ];
      for (const path of outside.slice(0, 4)) {
        const { status, body } = await call('files.browse', { path });
        expect([path, status, body]).toEqual([path, 400, expect.objectContaining({ code: 'invalid_input' })]);
      }
      expect((await call('documents.import', { paths: ['/etc/passwd'] })).status).toBe(400);
      expect((await call('models.add', { dir: '/etc' })).status).toBe(400);
      expect((await call('exports.pairs', { path: '/etc/longhand.jsonl' })).status).toBe(400);
    });

    it('through all of this the page asked for nothing but the application', () => {
      expect(asked.length).toBeGreaterThan(20);
      const own = [app.origin, app.origin.replace('http', 'ws')];
      // Chromium also lists what the policy then blocked; what was tried above is known, and none of it arrived.
      const others = asked.filter(
        (address) =>
          !own.some((origin) => address === origin || address.startsWith(`${origin}/`)) &&
          !address.startsWith(foreignOrigin) &&
          !address.startsWith(foreignOrigin.replace('http', 'ws')) &&
          !/^(data|blob|about):/.test(address),
      );
      expect(others).toEqual([]);
    });
  },
);
