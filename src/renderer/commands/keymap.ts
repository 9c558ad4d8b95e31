import { z } from 'zod';
import { commandIds, commandOf } from './command-table.ts';
import type { CommandId } from './command-table.ts';

/** Keys that a person chose, by command; null = no key. What is left out keeps its default. */
export type Keymap = Readonly<Partial<Record<CommandId, string | null>>>;

/** The stored form. Commands that are gone are dropped. */
export const keymapSchema = z.record(z.string(), z.string().min(1).max(40).nullable()).transform((stored): Keymap => {
  const known: readonly string[] = commandIds;
  return Object.fromEntries(Object.entries(stored).filter(([id]) => known.includes(id)));
});

/** The keys of a command under a keymap; null = none. */
export function keysOf(keymap: Keymap, id: CommandId): string | null {
  const chosen = keymap[id];
  return chosen === undefined ? commandOf(id).keys : chosen;
}

/**
 * The command whose keys would get in the way: the same keys, or keys that begin with them, on the same page (a command
 * for everywhere is on every page).
 */
export function conflictOf(keymap: Keymap, id: CommandId, keys: string): CommandId | undefined {
  const { page } = commandOf(id);
  return commandIds.find((other) => {
    if (other === id) return false;
    const theirs = keysOf(keymap, other);
    const otherPage = commandOf(other).page;
    if (theirs === null || (page !== null && otherPage !== null && page !== otherPage)) return false;
    return theirs === keys || theirs.startsWith(`${keys} `) || keys.startsWith(`${theirs} `);
  });
}

/** What is pressed, in the form of the table; null for a modifier alone. Shift shows in the character itself. */
export function pressedKeys(event: {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}): string | null {
  if (['Control', 'Meta', 'Alt', 'Shift', 'AltGraph', 'Dead', 'Process'].includes(event.key)) return null;
  const key = event.key === ' ' ? 'Space' : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return `${event.ctrlKey || event.metaKey ? 'mod+' : ''}${event.altKey ? 'alt+' : ''}${key}`;
}

/** Keys as a person reads them: `G, H`, `Ctrl K`. */
export function shownKeys(keys: string, mac: boolean): string {
  return keys
    .split(' ')
    .map((part) =>
      part
        .split('+')
        .map((piece) => (piece === 'mod' ? (mac ? 'Cmd' : 'Ctrl') : piece === 'alt' ? 'Alt' : capital(piece)))
        .join(' '),
    )
    .join(', ');
}

function capital(piece: string): string {
  return piece.length === 1 ? piece.toUpperCase() : piece;
}
