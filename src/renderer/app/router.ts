import { useSyncExternalStore } from 'react';

/** Where the window is: `#/runs/3` is the page `runs` with the rest `['3']`. */
export interface Route {
  readonly page: string;
  readonly rest: readonly string[];
}

function parse(hash: string): Route {
  const [page = '', ...rest] = hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent);
  return { page: page === '' ? 'home' : page, rest };
}

let current = parse(location.hash);

function subscribe(listener: () => void): () => void {
  const update = (): void => {
    current = parse(location.hash);
    listener();
  };
  window.addEventListener('hashchange', update);
  return () => {
    window.removeEventListener('hashchange', update);
  };
}

export function useRoute(): Route {
  return useSyncExternalStore(subscribe, () => current);
}

export function hrefOf(page: string, ...rest: (string | number)[]): string {
  return `#/${[page, ...rest].map((part) => encodeURIComponent(part)).join('/')}`;
}

export function goTo(page: string, ...rest: (string | number)[]): void {
  location.hash = hrefOf(page, ...rest);
}
