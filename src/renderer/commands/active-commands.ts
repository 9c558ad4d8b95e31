import { useEffect, useRef, useSyncExternalStore } from 'react';
import { commandOf } from './command-table.ts';
import type { CommandId } from './command-table.ts';
import { keysOf, pressedKeys } from './keymap.ts';
import type { Keymap } from './keymap.ts';

type Handlers = Readonly<Partial<Record<CommandId, () => void>>>;

/** Handlers of what is on the screen; a page's come after the shell's and win. */
const sources = new Set<{ current: Handlers }>();
const listeners = new Set<() => void>();
let active: readonly CommandId[] = [];
let keymap: Keymap = {};
let suspended = 0;

function refresh(): void {
  const ids = [...sources].flatMap(({ current }) => Object.keys(current) as CommandId[]);
  active = [...new Set(ids)];
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Commands that can be done now, the page's own first. */
export function useActiveCommands(): readonly CommandId[] {
  const ids = useSyncExternalStore(subscribe, () => active);
  return ids.toSorted((a, b) => Number(commandOf(a).page === null) - Number(commandOf(b).page === null));
}

/** Runs a command if something on the screen offers it. */
export function runCommand(id: CommandId): void {
  [...sources].findLast(({ current }) => current[id] !== undefined)?.current[id]?.();
}

/**
 * Offers commands for as long as the component is shown; by key, palette and overlay alike. The handlers may be made anew
 * at each render; which commands there are must not change.
 */
export function useCommands(handlers: Handlers): void {
  const source = useRef(handlers);
  useEffect(() => {
    source.current = handlers;
  });
  useEffect(() => {
    sources.add(source);
    refresh();
    return () => {
      sources.delete(source);
      refresh();
    };
  }, []);
}

/** The keymap that keys are read by; set by the shell. */
export function setKeymap(next: Keymap): void {
  keymap = next;
}

/** Takes keys away from the commands until the returned function is called (while a new key is recorded). */
export function suspendKeys(): () => void {
  suspended += 1;
  return () => {
    suspended -= 1;
  };
}

/** Inputs that keys do not write into: after a click on a switch the keys of the page still work. */
const notText = new Set(['checkbox', 'radio', 'range', 'button', 'submit', 'reset', 'file', 'color']);

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  // A list to choose from is a field that cannot be written into: after a choice the keys of the page still work.
  if (target instanceof HTMLInputElement) return !notText.has(target.type) && !target.readOnly;
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/** Inside a dialog only the dialog's own keys count. */
function dialogOpen(): boolean {
  return document.querySelector('[role="dialog"]') !== null;
}

/** First part of keys such as `g h`, and when it was pressed. */
let first: { readonly keys: string; readonly at: number } | undefined;
const patience = 1500;

function onKey(event: KeyboardEvent): void {
  const pressed = pressedKeys(event);
  if (pressed === null || suspended > 0 || event.defaultPrevented) return;
  const plain = !pressed.startsWith('mod+') && !pressed.startsWith('alt+');
  if (plain && (typing(event.target) || dialogOpen())) return;
  const before = first !== undefined && event.timeStamp - first.at < patience ? first.keys : undefined;
  first = undefined;
  const wanted = before === undefined ? [pressed] : [`${before} ${pressed}`, pressed];
  const withKeys = active.map((id) => [id, keysOf(keymap, id)] as const);
  const found = wanted
    .map((keys) => withKeys.findLast(([, theirs]) => theirs === keys)?.[0])
    .find((id) => id !== undefined);
  if (found !== undefined) {
    // A held key must not give one verdict after the other.
    event.preventDefault();
    if (!event.repeat || commandOf(found).page === null || found === 'pairs.next' || found === 'pairs.previous') {
      runCommand(found);
    }
  } else if (withKeys.some(([, keys]) => keys?.startsWith(`${pressed} `) === true)) {
    first = { keys: pressed, at: event.timeStamp };
  }
}

window.addEventListener('keydown', onKey);
