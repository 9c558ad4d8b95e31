import { useCallback, useMemo, useSyncExternalStore } from 'react';
import type { z } from 'zod';
import { changeSetting, settingsLoaded, settingsNow, subscribeToSettings } from './settings-store.ts';

type Json = z.infer<z.ZodJSONSchema>;

/**
 * A value that a person set up on this computer (see `UserSettings` in main): a key map, a table's columns, a name. It
 * outlives the window and the port. A stored value that does not fit the schema counts as not set.
 */
export function useSetting<Value extends Json>(
  key: string,
  schema: z.ZodType<Value>,
  initial: Value,
): readonly [Value, (next: Value) => void] {
  const stored = useSyncExternalStore(subscribeToSettings, () => settingsNow()[key]);
  const value = useMemo(() => {
    const parsed = schema.safeParse(stored);
    return parsed.success ? parsed.data : initial;
    // `initial` counts as it was at first, as with useState.
  }, [stored, schema]);
  const set = useCallback(
    (next: Value): void => {
      changeSetting(key, next).catch((error: unknown) => {
        console.error(`the setting ${key} was not kept`, error);
      });
    },
    [key],
  );
  return [value, set];
}

/** Whether the settings are known yet, for what must not be shown by mistake in the first moment. */
export function useSettingsLoaded(): boolean {
  return useSyncExternalStore(subscribeToSettings, settingsLoaded);
}
