import type { CommandLine, Session, WebContents } from 'electron';
import { isOwnPage } from './navigation-rules.ts';

/**
 * For Chromium as a whole, before it starts: no name is looked up, whoever asks (also by WebRTC, which no session's rule
 * sees), and none of its services calls home.
 */
export function resolveNoNames(commandLine: Pick<CommandLine, 'appendSwitch'>): void {
  commandLine.appendSwitch('host-resolver-rules', 'MAP * ~NOTFOUND');
  commandLine.appendSwitch('disable-background-networking');
}

/** Nothing leaves the computer: every request that is not for the application's own files is cancelled, and so is every download that the page did not make itself. */
export function denyNetwork(
  session: Pick<Session, 'on'> & { readonly webRequest: Pick<Session['webRequest'], 'onBeforeRequest'> },
): void {
  session.webRequest.onBeforeRequest((details, answer) => {
    const own = isOwnPage(details.url) || details.url.startsWith('data:') || details.url.startsWith('blob:');
    answer({ cancel: !own && !details.url.startsWith('devtools:') });
  });
  session.on('will-download', (event, item) => {
    const address = item.getURL();
    if (!address.startsWith('data:') && !(address.startsWith('blob:') && isOwnPage(address.slice('blob:'.length)))) {
      event.preventDefault();
    }
  });
}

/** No packets by WebRTC past the rules for requests: it may only use a proxy, and there is none. */
export function denyPeerConnections(contents: Pick<WebContents, 'setWebRTCIPHandlingPolicy'>): void {
  contents.setWebRTCIPHandlingPolicy('disable_non_proxied_udp');
}
