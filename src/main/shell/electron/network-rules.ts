import type { Session } from 'electron';
import { isOwnPage } from './navigation-rules.ts';

/** Nothing leaves the computer: every request that is not for the application's own files is cancelled. */
export function denyNetwork(session: { readonly webRequest: Pick<Session['webRequest'], 'onBeforeRequest'> }): void {
  session.webRequest.onBeforeRequest((details, answer) => {
    const own = isOwnPage(details.url) || details.url.startsWith('data:') || details.url.startsWith('blob:');
    answer({ cancel: !own && !details.url.startsWith('devtools:') });
  });
}
