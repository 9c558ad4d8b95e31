import type { ApiEvent, ApiTransport } from '../../shared/api/contract.ts';
import type { ApiErrorBody } from '../../shared/api/jobs.ts';

/** An error that main answered with. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly body: ApiErrorBody;

  constructor(body: ApiErrorBody) {
    super(body.message);
    this.body = body;
  }
}

/** What the preload puts on the window in Electron. */
interface Bridge {
  call(name: string, input: unknown): Promise<{ ok: true; value: unknown } | { ok: false; error: ApiErrorBody }>;
  subscribe(listener: (event: ApiEvent) => void): () => void;
  choose(request: {
    kind: 'folder' | 'files' | 'save';
    title: string;
    suggestion?: string;
  }): Promise<readonly string[]>;
}

declare global {
  interface Window {
    readonly longhand?: Bridge;
  }
}

function overBridge(bridge: Bridge): ApiTransport {
  return {
    async call(name, input) {
      const answer = await bridge.call(name, input);
      if (!answer.ok) throw new ApiError(answer.error);
      return answer.value as never; // the contract types the method
    },
    subscribe: (listener) => bridge.subscribe(listener),
  };
}

const unreachable: ApiErrorBody = {
  code: 'unavailable',
  message: 'Longhand does not answer.',
  hint: 'Look whether it still runs in its terminal; then reload this page.',
  place: {},
};

/** The loopback host: calls by HTTP, events by a WebSocket that comes back after a break. */
function overHttp(onReconnect: () => void): ApiTransport {
  return {
    async call(name, input) {
      let response: Response;
      try {
        response = await fetch(`/api/${name}`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify(input),
        });
      } catch {
        throw new ApiError(unreachable);
      }
      const body: unknown = await response.json();
      if (!response.ok) throw new ApiError(body as ApiErrorBody);
      return body as never; // the contract types the method
    },
    subscribe(listener) {
      let closed = false;
      let socket: WebSocket | undefined;
      let opened = false;
      const connect = (): void => {
        socket = new WebSocket(`ws://${location.host}/events`);
        socket.onopen = () => {
          if (opened) onReconnect();
          opened = true;
        };
        socket.onmessage = (message) => {
          listener(JSON.parse(String(message.data)) as ApiEvent);
        };
        socket.onclose = () => {
          if (!closed) setTimeout(connect, 1000);
        };
      };
      connect();
      return () => {
        closed = true;
        socket?.close();
      };
    },
  };
}

/** The way to main that this window has; `onReconnect` is called when events may have been missed. */
export function makeTransport(onReconnect: () => void): ApiTransport {
  return window.longhand === undefined ? overHttp(onReconnect) : overBridge(window.longhand);
}
