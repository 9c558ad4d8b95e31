import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandIds, commandOf } from '../../src/renderer/commands/command-table.ts';
import { conflictOf, keymapSchema, keysOf, pressedKeys, shownKeys } from '../../src/renderer/commands/keymap.ts';

const press = (key: string, modifiers: { ctrlKey?: boolean; metaKey?: boolean; altKey?: boolean } = {}) =>
  pressedKeys({ key, ctrlKey: false, metaKey: false, altKey: false, ...modifiers });

describe('keymap', () => {
  it('no two commands that can be on the screen together have the same keys, and none hides another', () => {
    for (const id of commandIds) {
      const { keys } = commandOf(id);
      if (keys !== null) expect([id, conflictOf({}, id, keys)]).toEqual([id, undefined]);
    }
  });

  it('finds what a new key would collide with, on the same page or everywhere', () => {
    expect(conflictOf({}, 'pairs.skip', 'e')).toBe('pairs.edit');
    expect(conflictOf({}, 'pairs.skip', 'g')).toBeDefined();
    expect(conflictOf({}, 'pairs.skip', 'x')).toBeUndefined();
    expect(conflictOf({ 'pairs.edit': 'x' }, 'pairs.skip', 'e')).toBeUndefined();
    expect(conflictOf({ 'pairs.edit': 'x' }, 'pairs.skip', 'x')).toBe('pairs.edit');
    expect(conflictOf({ 'pairs.edit': null }, 'pairs.skip', 'e')).toBeUndefined();
  });

  it('reads keys as they are pressed', () => {
    expect(press('J')).toBe('j');
    expect(press('?')).toBe('?');
    expect(press('k', { ctrlKey: true })).toBe('mod+k');
    expect(press('k', { metaKey: true })).toBe('mod+k');
    expect(press(' ')).toBe('Space');
    expect(press('ArrowDown', { altKey: true })).toBe('alt+ArrowDown');
    expect(press('Shift')).toBeNull();
  });

  it('shows them as a person reads them', () => {
    expect(shownKeys('g h', false)).toBe('G, H');
    expect(shownKeys('mod+k', false)).toBe('Ctrl K');
    expect(shownKeys('mod+k', true)).toBe('Cmd K');
  });

  it('whatever was stored gives a keymap or is refused; unknown commands are dropped', () => {
    expect(keymapSchema.parse({ 'pairs.skip': 'x', 'gone.command': 'y' })).toEqual({ 'pairs.skip': 'x' });
    fc.assert(
      fc.property(fc.jsonValue(), (stored) => {
        const parsed = keymapSchema.safeParse(stored);
        if (parsed.success) for (const id of commandIds) keysOf(parsed.data, id);
      }),
    );
  });
});
