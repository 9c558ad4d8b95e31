import { useSyncExternalStore } from 'react';

/** Where the window is: `#/documents/3?at=120` is the page `documents` with the rest `['3']` and the place `at`. */
export interface Route {
  readonly page: string;
  readonly rest: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

/** What a hash says; text that is no valid escape counts as it stands. */
export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const [page = '', ...rest] = path.split('/').map(decoded);
  return { page: page === '' ? 'home' : page, rest, query: Object.fromEntries(new URLSearchParams(search)) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

let current = parseRoute(typeof location === 'undefined' ? '' : location.hash);

function subscribe(listener: () => void): () => void {
  const update = (): void => {
    current = parseRoute(location.hash);
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

/** A place in a document, in UTF-16 units from its start; the reader scrolls there and marks up to `end`. */
export function hrefOfPlace(documentId: number, at: number, end?: number): string {
  return `${hrefOf('documents', documentId)}?at=${at}${end === undefined ? '' : `&end=${end}`}`;
}

export function goTo(page: string, ...rest: (string | number)[]): void {
  location.hash = hrefOf(page, ...rest);
}
