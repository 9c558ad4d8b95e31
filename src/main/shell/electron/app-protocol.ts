import { readFile } from 'node:fs/promises';
import type { CustomScheme, Protocol } from 'electron';
import { contentType, fileOf, securityHeaders } from '../static-files.ts';

export const APP_ORIGIN = 'app://longhand';

/** The scheme that the renderer is served from: no file:// page, so that pages have an origin of their own. */
export const appScheme: CustomScheme = {
  scheme: 'app',
  privileges: {
    standard: true,
    secure: true,
    supportFetchAPI: true,
    corsEnabled: false,
    allowServiceWorkers: false,
    bypassCSP: false,
  },
};

/** Serves the built renderer under app://longhand/, with the same policy headers as the loopback host. */
export function serveRenderer(protocol: Pick<Protocol, 'handle'>, renderer: string): void {
  protocol.handle('app', async (request) => {
    const url = new URL(request.url);
    const file = request.method === 'GET' && url.host === 'longhand' ? await fileOf(renderer, url.pathname) : undefined;
    if (file === undefined) return new Response('There is no such page.', { status: 404, headers: securityHeaders });
    return new Response(await readFile(file), { headers: { ...securityHeaders, 'Content-Type': contentType(file) } });
  });
}
