import { call, onApiEvent } from '../api/client.ts';

/** What a person set up on this computer, as main keeps it; a copy here answers at once. */
type Values = Readonly<Record<string, unknown>>;

const listeners = new Set<() => void>();
let values: Values = {};
let writing = 0;
let loaded = false;

function replace(next: Values): void {
  values = next;
  for (const listener of listeners) listener();
}

async function load(): Promise<void> {
  const stored = await call('settings.all', {});
  loaded = true;
  // What is on its way to main is newer than main's answer.
  replace(writing === 0 ? stored : values);
}

/** Reads the settings and follows changes that another window makes. */
export async function followSettings(): Promise<void> {
  onApiEvent((event) => {
    if (event.type === 'changed' && event.topic === 'settings') void load();
  });
  await load();
}

export function settingsNow(): Values {
  return values;
}

/** Whether main has answered: until then a setting's initial value may not be the person's. */
export function settingsLoaded(): boolean {
  return loaded;
}

export function subscribeToSettings(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Shows the new value at once and sends it to main, which keeps it. */
export async function changeSetting(
  key: string,
  value: Parameters<typeof call<'settings.set'>>[1]['value'],
): Promise<void> {
  replace({ ...values, [key]: value });
  writing += 1;
  try {
    await call('settings.set', { key, value });
  } finally {
    writing -= 1;
  }
}
