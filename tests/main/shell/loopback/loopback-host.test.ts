import { mkdtempSync, rmSync, symlinkSync, writeFileSync, mkdirSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startLoopbackHost } from '../../../../src/main/shell/loopback/loopback-host.ts';
import type { LoopbackHost } from '../../../../src/main/shell/loopback/loopback-host.ts';
import { testSession } from '../../services/api/test-session.ts';

const folder = mkdtempSync(join(tmpdir(), 'longhand-loopback-'));
const renderer = join(folder, 'renderer');
let host: LoopbackHost;
let cookie = '';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** One request with exactly these headers: a browser's fetch would not let a test lie about Host and Origin. */
function send(method: string, path: string, headers: Record<string, string> = {}, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ host: '127.0.0.1', port: host.port, method, path, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts).toString() });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const origin = (): string => `http://127.0.0.1:${host.port}`;
const json = { 'content-type': 'application/json' };
const call = (name: string, input: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  send('POST', `/api/${name}`, { ...json, origin: origin(), cookie, ...headers }, JSON.stringify(input));

beforeAll(async () => {
  mkdirSync(renderer);
  writeFileSync(join(renderer, 'index.html'), '<!doctype html><title>Longhand</title>');
  writeFileSync(join(folder, 'secret.txt'), 'not for browsers');
  symlinkSync(join(folder, 'secret.txt'), join(renderer, 'link.txt'));
  const { session } = testSession([folder], folder);
  host = await startLoopbackHost({ session, renderer, port: 0 });
});

afterAll(async () => {
  await host.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('who gets in', () => {
  it('a wrong token is refused, and no page is given without a session', async () => {
    expect((await send('GET', '/?token=wrong')).status).toBe(401);
    expect((await send('GET', '/')).status).toBe(401);
    expect((await send('GET', '/index.html')).body).not.toContain('<title>');
  });

  it('the printed address works once and puts the session into a cookie that scripts cannot read', async () => {
    const path = host.address.slice(origin().length);
    const first = await send('GET', path);
    expect(first.status).toBe(303);
    expect(first.headers['location']).toBe('/');
    const [set = ''] = first.headers['set-cookie'] ?? [];
    expect(set).toMatch(/HttpOnly; SameSite=Strict/);
    cookie = set.split(';')[0] ?? '';
    expect((await send('GET', path)).status).toBe(401);
    expect((await send('GET', '/', { cookie })).body).toContain('<title>Longhand</title>');
  });

  it('another name for this computer is refused (DNS rebinding)', async () => {
    for (const name of ['evil.example', `evil.example:${host.port}`, '127.0.0.1:1', '127.0.0.1']) {
      expect((await send('GET', '/', { cookie, host: name })).status).toBe(403);
      expect((await call('system.info', {}, { host: name })).status).toBe(403);
    }
  });

  it('calls from other pages, without Origin or without the session are refused', async () => {
    expect((await call('workspaces.current', {})).status).toBe(200);
    expect((await call('workspaces.current', {}, { origin: 'http://evil.example' })).status).toBe(403);
    expect((await call('workspaces.current', {}, { origin: 'null' })).status).toBe(403);
    expect((await send('POST', '/api/workspaces.current', { ...json, cookie }, '{}')).status).toBe(403);
    expect((await call('workspaces.current', {}, { cookie: 'longhand_session=wrong' })).status).toBe(401);
    expect((await call('workspaces.current', {}, { cookie: '' })).status).toBe(401);
  });

  it('calls are POST with JSON, which no plain form can send', async () => {
    expect((await send('GET', '/api/system.info', { origin: origin(), cookie })).status).toBe(405);
    expect((await call('system.info', {}, { 'content-type': 'text/plain' })).status).toBe(405);
  });

  it('no answer carries CORS headers, each the strict policy', async () => {
    const answers = [
      await call('system.info', {}),
      await send('GET', '/', { cookie }),
      await send('GET', '/nothing', { cookie }),
    ];
    for (const { headers } of answers) {
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self';");
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
  });

  it('sockets are refused alike', async () => {
    const open = (headers: Record<string, string>, path = '/events'): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${host.port}${path}`, { headers });
        socket.on('open', () => {
          socket.close();
          resolve(true);
        });
        socket.on('error', () => {
          resolve(false);
        });
      });
    expect(await open({ origin: origin(), cookie })).toBe(true);
    expect(await open({ origin: 'http://evil.example', cookie })).toBe(false);
    expect(await open({ origin: origin() })).toBe(false);
    expect(await open({ origin: origin(), cookie }, '/other')).toBe(false);
  });
});

describe('files', () => {
  it.each(['/../secret.txt', '/..%2fsecret.txt', '/%2e%2e/secret.txt', '/link.txt', '/%00', '/%'])(
    '%s gives nothing from outside the renderer',
    async (path) => {
      const { status, body } = await send('GET', path, { cookie });
      expect(status).toBe(404);
      expect(body).not.toContain('not for browsers');
    },
  );
});

describe('what is no proper request', () => {
  /** Sends these bytes and answers with all that comes back. */
  const sendRaw = (bytes: string, thenReset = false): Promise<string> =>
    new Promise((resolve) => {
      let answer = '';
      const socket = connect(host.port, '127.0.0.1', () => {
        socket.write(bytes, () => {
          if (thenReset) socket.resetAndDestroy();
        });
      });
      socket.on('data', (part) => (answer += part.toString()));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(answer));
    });
  const alive = async (): Promise<boolean> => (await call('workspaces.current', {})).status === 200;

  it.each(['//', '*', 'http://evil.example/', '//evil.example/api/system.info', '/\\', '/[', '/?token=%'])(
    'the address %s does not end the host',
    async (address) => {
      const answer = await sendRaw(
        `GET ${address} HTTP/1.1\r\nHost: 127.0.0.1:${host.port}\r\nConnection: close\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1.1 4\d\d/);
      expect(await alive()).toBe(true);
    },
  );

  it('bytes that are not HTTP are answered with 400', async () => {
    expect(await sendRaw('\0\u0001\u0002\r\n\r\n')).toMatch(/^HTTP\/1.1 400/);
    expect(await alive()).toBe(true);
  });

  it('a refused socket that is reset does not end the host', async () => {
    const upgrade = [
      'GET /events HTTP/1.1',
      `Host: 127.0.0.1:${host.port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      'Sec-WebSocket-Version: 13',
    ];
    for (let i = 0; i < 20; i++) await sendRaw(`${upgrade.join('\r\n')}\r\n\r\n${'x'.repeat(1000)}`, true);
    expect(await alive()).toBe(true);
  });

  it('a body over 8 MiB is refused, whether its length is told before or not', async () => {
    const big = 'x'.repeat(8 * 1024 * 1024 + 1);
    const headers = { ...json, origin: origin(), cookie };
    const told = await send('POST', '/api/system.info', { ...headers, 'content-length': String(big.length) }, big);
    expect([told.status, told.body]).toEqual([413, expect.stringContaining('at most 8388608 bytes')]);
    const chunked = await send('POST', '/api/system.info', { ...headers, 'transfer-encoding': 'chunked' }, big);
    expect(chunked.status).toBe(413);
    expect(await alive()).toBe(true);
  });

  it.each([
    ['', 'not JSON'],
    ['\u0000', 'not JSON'],
    ['\ufeff{}', 'not JSON'],
    ['{"a":NaN}', 'not JSON'],
    ['null', 'must be an object'],
    ['[]', 'must be an object'],
    ['{"unknown":1}', 'no such field'],
    ['{"__proto__":{"polluted":1}}', 'no such field'],
    ['{"constructor":{"prototype":{"polluted":1}}}', 'no such field'],
  ])('the body %j is refused in words: %s', async (body, words) => {
    const answer = await send('POST', '/api/system.info', { ...json, origin: origin(), cookie }, body);
    expect([answer.status, answer.body]).toEqual([400, expect.stringContaining(words)]);
    expect({}).not.toHaveProperty('polluted');
  });

  it('a value nested a hundred thousand deep is refused in words', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const answer = await send(
      'POST',
      '/api/settings.set',
      { ...json, origin: origin(), cookie },
      `{"key":"deep","value":${deep}}`,
    );
    expect([answer.status, answer.body]).toEqual([400, expect.stringContaining('nested too deeply')]);
  });

  it('keys that name what every object has change no object', async () => {
    const value = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
    const body = `{"key":"table.keys","value":${value}}`;
    const set = await send('POST', '/api/settings.set', { ...json, origin: origin(), cookie }, body);
    expect(set.status).toBe(200);
    const all = JSON.parse((await call('settings.all', {})).body) as Record<string, Record<string, unknown>>;
    expect(all['table.keys']).not.toHaveProperty('polluted');
    expect({}).not.toHaveProperty('polluted');
    for (const key of ['__proto__', 'constructor.prototype']) {
      expect((await call('settings.set', { key, value: { polluted: 1 } })).status).toBe(
        key === '__proto__' ? 400 : 200,
      );
      expect({}).not.toHaveProperty('polluted');
    }
  });
});

describe('calls', () => {
  it('an unknown method, a wrong input and broken JSON get one clear sentence', async () => {
    const unknown = await call('nothing.here', {});
    expect([unknown.status, JSON.parse(unknown.body)]).toMatchObject([404, { code: 'not_found' }]);
    expect((await call('__proto__', {})).status).toBe(404);
    expect((await call('toString', {})).status).toBe(404);
    const wrong = JSON.parse((await call('documents.text', { id: 'x', start: 0, end: 1 })).body) as { message: string };
    expect(wrong.message).toMatch(/"?id"?/);
    const broken = await send('POST', '/api/system.info', { ...json, origin: origin(), cookie }, '{');
    expect(broken.status).toBe(400);
  });

  it('a path outside what was granted is refused, also through a link', async () => {
    symlinkSync('/etc', join(folder, 'etc'));
    symlinkSync('/etc/longhand-nothing', join(folder, 'to-nothing'));
    const outside = ['/etc', join(folder, '..'), `${folder}/../../etc`, '../../etc', join(folder, 'etc')];
    for (const path of [...outside, `${folder}-other`, join(folder, 'to-nothing'), join(folder, 'to-nothing', 'x')]) {
      const { status, body } = await call('files.browse', { path });
      expect([path, status]).toEqual([path, 400]);
      expect(body).toContain('outside the folders');
    }
    const nul = await call('files.browse', { path: `${folder}/x\0/../../../etc` });
    expect([nul.status, nul.body]).toEqual([400, expect.stringContaining('NUL')]);
    expect((await call('files.browse', { path: folder })).status).toBe(200);
    expect((await call('workspaces.open', { folder: '/etc/longhand', create: true })).status).toBe(400);
    expect((await call('documents.import', { paths: ['/etc/passwd'] })).status).toBe(409); // no workspace is open yet
  });

  it('an error inside Longhand shows no stack', async () => {
    const { status, body } = await call('documents.list', {});
    expect(status).toBe(409);
    expect(JSON.parse(body)).toMatchObject({ code: 'conflict', message: 'No workspace is open.' });
    expect(body).not.toContain('at ');
  });
});
