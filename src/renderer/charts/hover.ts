import { useSyncExternalStore } from 'react';

/** The x that is pointed at, by group of charts: charts of a group all show it. */
const pointed = new Map<string, number>();
const listeners = new Set<() => void>();

export function pointAt(group: string, x: number | undefined): void {
  if (pointed.get(group) === x) return;
  if (x === undefined) pointed.delete(group);
  else pointed.set(group, x);
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function usePointed(group: string): number | undefined {
  return useSyncExternalStore(subscribe, () => pointed.get(group));
}
