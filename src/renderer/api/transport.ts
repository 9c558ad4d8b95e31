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
  /** Where dropped files and folders lie; a person's drop grants them. */
  dropped(files: readonly File[]): Promise<readonly string[]>;
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
  hint: 'Look whether it still runs in its terminal. This page goes on by itself once it answers.',
  place: {},
};

/** What a proxy or another program on the port may send in the place of Longhand's answer. */
const strange: ApiErrorBody = { ...unreachable, message: 'The answer does not come from Longhand.' };

/** The loopback host: calls by HTTP, events by a WebSocket that comes back after a break. */
function overHttp({ onReconnect, onConnection }: TransportEvents): ApiTransport {
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
      const body: unknown = await response.json().catch(() => {
        throw new ApiError(strange);
      });
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
          onConnection(true);
          if (opened) onReconnect();
          opened = true;
        };
        socket.onmessage = (message) => {
          listener(JSON.parse(String(message.data)) as ApiEvent);
        };
        socket.onclose = () => {
          if (closed) return;
          onConnection(false);
          setTimeout(connect, 1000);
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

export interface TransportEvents {
  /** Events may have been missed. */
  readonly onReconnect: () => void;
  /** Main can, or cannot, be reached. */
  readonly onConnection: (connected: boolean) => void;
}

/** The way to main that this window has. */
export function makeTransport(events: TransportEvents): ApiTransport {
  return window.longhand === undefined ? overHttp(events) : overBridge(window.longhand);
}
