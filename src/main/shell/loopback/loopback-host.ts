import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { UserError } from '../../../shared/errors.ts';
import { createApi } from '../../services/api/api.ts';
import { errorBody } from '../../services/api/error-body.ts';
import type { Session } from '../../services/api/session.ts';
import { LoopbackAccess } from './access.ts';
import { fileOf, securityHeaders, sendFile } from '../static-files.ts';

export interface LoopbackOptions {
  readonly session: Session;
  /** Folder of the built renderer. */
  readonly renderer: string;
  /** 0 = any free port. */
  readonly port: number;
}

export interface LoopbackHost {
  /** The address to open, good for one browser. */
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Longest input of one call. */
const maxBody = 8 * 1024 * 1024;

const statusOf: Readonly<Record<string, number>> = {
  invalid_input: 400,
  not_found: 404,
  conflict: 409,
  unsupported: 422,
};

/** The body as text, or undefined where it is too long; then the request is left unread. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let size = Number(request.headers['content-length'] ?? 0);
  if (size > maxBody) return undefined;
  size = 0;
  // The connection is still needed for the answer.
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    const bytes = part as Buffer; // no encoding is set on the request
    size += bytes.length;
    if (size > maxBody) return undefined;
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString('utf8');
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { ...securityHeaders, 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body ?? null));
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  sendJson(response, status, { code: 'refused', message: `Refused: ${reason}.`, hint: null, place: {} });
}

/**
 * Serves the renderer and the API on 127.0.0.1 only: `POST /api/<method>` with a JSON body, and events on the WebSocket
 * `/events`. No CORS headers are ever sent.
 * Errors: `conflict` where the port is taken.
 */
export async function startLoopbackHost({ session, renderer, port }: LoopbackOptions): Promise<LoopbackHost> {
  const access = new LoopbackAccess();
  const call = createApi(session);

  const answerCall = async (request: IncomingMessage, response: ServerResponse, name: string): Promise<void> => {
    const refusal = access.checkCall(request);
    if (refusal !== undefined) {
      refuse(response, refusal.status, refusal.reason);
      return;
    }
    if (request.method !== 'POST' || !(request.headers['content-type'] ?? '').startsWith('application/json')) {
      refuse(response, 405, 'calls are POST with a JSON body');
      return;
    }
    try {
      const body = await readBody(request);
      if (body === undefined) {
        response.setHeader('Connection', 'close');
        refuse(response, 413, `a call may carry at most ${maxBody} bytes`);
        request.resume(); // a client that hears nothing before it has sent everything still gets its answer
        return;
      }
      let input: unknown;
      try {
        input = JSON.parse(body);
      } catch {
        throw new UserError('invalid_input', `The input of ${name} is not JSON.`);
      }
      sendJson(response, 200, await call(name, input));
    } catch (error) {
      if (!(error instanceof UserError)) console.error(error);
      const shown = errorBody(error);
      sendJson(response, statusOf[shown.code] ?? 500, shown);
    }
  };

  const answerPage = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      refuse(response, 405, 'pages are asked for with GET');
      return;
    }
    const token = url.searchParams.get('token');
    if (token !== null && !access.hasSession(request)) {
      const cookie = access.exchange(token);
      if (cookie === undefined) {
        refuse(response, 401, 'the token is wrong or was used already; restart Longhand for a new address');
        return;
      }
      // The token leaves the address bar and the history.
      response.writeHead(303, { ...securityHeaders, 'Set-Cookie': cookie, Location: '/' }).end();
      return;
    }
    if (!access.hasSession(request)) {
      refuse(response, 401, 'open the address that Longhand printed at its start');
      return;
    }
    if (token !== null) {
      response.writeHead(303, { ...securityHeaders, Location: '/' }).end();
      return;
    }
    const file = await fileOf(renderer, url.pathname);
    if (file === undefined) refuse(response, 404, 'there is no such page');
    else sendFile(response, file);
  };

  const server = createServer((request, response) => {
    const refusal = access.checkHost(request);
    if (refusal !== undefined) {
      refuse(response, refusal.status, refusal.reason);
      return;
    }
    // Not as a base of its own: "//name" would be another host, and "//" no address at all.
    const url = request.url?.startsWith('/') === true ? URL.parse(`http://127.0.0.1${request.url}`) : null;
    if (url === null) {
      refuse(response, 400, 'that is no address of this host');
      return;
    }
    const work = url.pathname.startsWith('/api/')
      ? answerCall(request, response, url.pathname.slice('/api/'.length))
      : answerPage(request, response, url);
    work.catch((error: unknown) => {
      console.error(error);
      response.destroy();
    });
  });

  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024 });
  server.on('upgrade', (request, socket, head) => {
    // Node leaves this socket without anybody who hears its errors, and an unheard one ends the program.
    socket.on('error', () => socket.destroy());
    const refusal = access.checkCall(request);
    if (refusal !== undefined || request.url !== '/events') {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      const unsubscribe = session.subscribe((event) => {
        client.send(JSON.stringify(event));
      });
      client.on('close', unsubscribe);
      client.on('error', unsubscribe);
    });
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new UserError('conflict', `The port ${port} is in use.`, {
              hint: 'Choose another one with --port, or 0 for any.',
              place: { field: 'port' },
            })
          : error,
      );
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  const bound = (server.address() as AddressInfo).port; // a TCP server has a port
  access.port = bound;
  return {
    address: access.address,
    port: bound,
    async close() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await session.closeWorkspace();
    },
  };
}
