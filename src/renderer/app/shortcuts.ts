import { useEffect } from 'react';

/** One thing that a key does on the page that is open. */
export interface Shortcut {
  readonly keys: string;
  readonly label: string;
  readonly run: () => void;
}

const active = new Set<readonly Shortcut[]>();

/** What the keys do right now, for the overlay. */
export function activeShortcuts(): readonly Shortcut[] {
  return [...active].flat();
}

/** Inputs that keys do not write into: after a click on a switch the keys of the page still work. */
const notText = new Set(['checkbox', 'radio', 'range', 'button', 'submit', 'reset', 'file', 'color']);

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !notText.has(target.type);
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

let first: string | undefined;

window.addEventListener('keydown', (event) => {
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const wanted = first === undefined ? [pressed] : [`${first} ${pressed}`, pressed];
  first = undefined;
  const shortcuts = activeShortcuts();
  const found = wanted
    .map((keys) => shortcuts.find((shortcut) => shortcut.keys === keys))
    .find((shortcut) => shortcut !== undefined);
  if (found !== undefined) {
    event.preventDefault();
    found.run();
  } else if (shortcuts.some(({ keys }) => keys.startsWith(`${pressed} `))) {
    first = pressed;
  }
});

/** Keys of a page, for as long as it is shown. `a b` is one key after the other. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  useEffect(() => {
    active.add(shortcuts);
    return () => {
      active.delete(shortcuts);
    };
  }, [shortcuts]);
}
