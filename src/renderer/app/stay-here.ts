/**
 * Keeps the page on the application: no link or script leads it to another address. In Electron main forbids it too; in a
 * browser no policy can, so this holds there (where the browser has the Navigation API) for everything but the address bar.
 * Downloads that the page makes itself stay possible.
 */
export function stayHere(): void {
  if (!('navigation' in window)) return;
  window.navigation.addEventListener('navigate', (event) => {
    const own = event.destination.url.startsWith(`${location.origin}/`);
    if (!own && event.downloadRequest === null && event.cancelable) event.preventDefault();
  });
}
