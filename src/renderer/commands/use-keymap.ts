import { useSetting } from '../settings/use-setting.ts';
import { keysOf, keymapSchema, shownKeys } from './keymap.ts';
import type { CommandId } from './command-table.ts';
import type { Keymap } from './keymap.ts';

const none: Keymap = {};

export function useKeymap(): readonly [Keymap, (next: Keymap) => void] {
  return useSetting<Keymap>('keymap', keymapSchema, none);
}

const mac = navigator.userAgent.includes('Mac');

/** Shows a command's keys as they are set up now; '' where it has none. */
export function useKeyLabel(): (id: CommandId) => string {
  const [keymap] = useKeymap();
  return (id) => {
    const keys = keysOf(keymap, id);
    return keys === null ? '' : shownKeys(keys, mac);
  };
}
