import { findChromium } from '../../scripts/chromium.ts';

/** The installed Chromium, or why the end-to-end tests are skipped. */
export function chromiumOrSkipReason(): { readonly path: string } | { readonly reason: string } {
  const path = findChromium();
  if (path !== undefined) return { path };
  return { reason: 'no Chromium: run "npm run setup:chromium" or set CHROMIUM_PATH' };
}
