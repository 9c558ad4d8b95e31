import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Why a request is turned away: the status to answer with and one sentence for the log. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly reason: string;
}

function equal(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}

function cookieOf(request: IncomingMessage, wanted: string): string | undefined {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=');
    if (name === wanted) return value;
  }
  return undefined;
}

/**
 * Who may use the loopback host. The address printed at start carries a token that works once and is exchanged for a
 * session cookie. Every request must name this host as Host (else another name could be made to resolve to 127.0.0.1),
 * and every call must come from its own pages (Origin), so that no other site in the same browser can reach it.
 */
export class LoopbackAccess {
  readonly token = randomBytes(24).toString('base64url');
  readonly #session = randomBytes(24).toString('base64url');
  #tokenUsed = false;
  #port = 0;

  /** The port in use, known once the server listens. */
  set port(port: number) {
    this.#port = port;
  }

  /** Browsers keep cookies by host without its port: two hosts on one computer must not take each other's. */
  get #cookie(): string {
    return `longhand_session_${this.#port}`;
  }

  get #hosts(): readonly string[] {
    return [`127.0.0.1:${this.#port}`, `localhost:${this.#port}`];
  }

  /** The address that opens the application, once. */
  get address(): string {
    return `http://127.0.0.1:${this.#port}/?token=${this.token}`;
  }

  /** Refuses a foreign Host: DNS rebinding. */
  checkHost(request: IncomingMessage): Refusal | undefined {
    const host = request.headers.host ?? '';
    return this.#hosts.includes(host)
      ? undefined
      : { status: 403, reason: `the Host "${host}" is not this computer's` };
  }

  /** Refuses calls and sockets that do not come from our own pages with our session. */
  checkCall(request: IncomingMessage): Refusal | undefined {
    const foreign = this.checkHost(request);
    if (foreign !== undefined) return foreign;
    const { origin } = request.headers;
    if (origin === undefined || !this.#hosts.some((host) => origin === `http://${host}`)) {
      return { status: 403, reason: `the Origin "${origin ?? 'none'}" may not call this host` };
    }
    const cookie = cookieOf(request, this.#cookie);
    if (cookie === undefined || !equal(cookie, this.#session)) {
      return { status: 401, reason: 'there is no valid session; open the address that Longhand printed' };
    }
    return undefined;
  }

  /** The cookie to set for a valid token, which is used up by it; undefined for a wrong or used one. */
  exchange(token: string): string | undefined {
    if (this.#tokenUsed || !equal(token, this.token)) return undefined;
    this.#tokenUsed = true;
    return `${this.#cookie}=${this.#session}; HttpOnly; SameSite=Strict; Path=/`;
  }

  /** Whether the browser has our session already (a reload). */
  hasSession(request: IncomingMessage): boolean {
    const cookie = cookieOf(request, this.#cookie);
    return cookie !== undefined && equal(cookie, this.#session);
  }
}
