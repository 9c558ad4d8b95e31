import { z } from 'zod';
import { method } from './method.ts';

/** What a person set up on this computer (keys, table layouts, reviewer name), by name; not part of any workspace. */
export type UserSettingsView = Readonly<Record<string, unknown>>;

export const settingMethods = {
  'settings.all': method<UserSettingsView>()(z.strictObject({})),
  'settings.set': method<null>()(
    z.strictObject({ key: z.string().regex(/^[a-z][a-zA-Z0-9.-]{0,99}$/, 'must be a plain name'), value: z.json() }),
  ),
};
