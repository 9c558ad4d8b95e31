import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
  '.json': 'application/json',
};

/**
 * Scripts only from our own files, no inline scripts, no other hosts. Inline styles are what the component library sets on
 * elements; they cannot run anything.
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  // No new windows and no dialogs of the browser; forms are only ever answered by our own scripts (form-action).
  'sandbox allow-scripts allow-same-origin allow-forms allow-downloads',
].join('; ');

/** What a browser could be asked for on behalf of the page; copying to the clipboard is not among them. */
const deniedFeatures = [
  ...['camera', 'microphone', 'geolocation', 'display-capture', 'midi', 'usb', 'serial', 'hid', 'bluetooth', 'payment'],
  ...[
    'clipboard-read',
    'local-fonts',
    'screen-wake-lock',
    'window-management',
    'xr-spatial-tracking',
    'idle-detection',
  ],
];

export const securityHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': contentSecurityPolicy,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': deniedFeatures.map((feature) => `${feature}=()`).join(', '),
  'Cache-Control': 'no-store',
};

/** The file under `root` that a path names, or undefined; nothing outside the folder is ever named. */
export async function fileOf(root: string, pathname: string): Promise<string | undefined> {
  const name = pathname === '/' ? '/index.html' : pathname;
  try {
    const base = await realpath(root);
    const file = await realpath(join(base, decodeURIComponent(name)));
    return file.startsWith(base + sep) && (await stat(file)).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}

/** MIME type by the file's ending. */
export function contentType(file: string): string {
  return types[extname(file)] ?? 'application/octet-stream';
}

/** Sends one file of the built renderer. */
export function sendFile(response: ServerResponse, file: string): void {
  response.writeHead(200, { ...securityHeaders, 'Content-Type': contentType(file) });
  createReadStream(file).pipe(response);
}
