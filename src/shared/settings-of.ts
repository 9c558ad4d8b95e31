/** Every setting of a configuration by its path (`optimizer.beta1`), as text: lists joined, `none` for null. */
export function settingsOf(value: unknown, path = ''): [path: string, text: string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const text = Array.isArray(value) ? value.join(', ') : value === null ? 'none' : asText(value);
    return [[path, text]];
  }
  return Object.entries(value).flatMap(([key, child]) => settingsOf(child, path === '' ? key : `${path}.${key}`));
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none');
}

/** One setting of several configurations; undefined where a configuration has no such setting. */
export interface SettingRow {
  readonly path: string;
  readonly values: readonly (string | undefined)[];
  /** Whether they are not all the same. */
  readonly differs: boolean;
}

/** The settings of several configurations side by side, in the order in which they first occur. */
export function settingsSideBySide(configs: readonly unknown[]): SettingRow[] {
  const maps = configs.map((config) => new Map(settingsOf(config)));
  const paths = new Set(maps.flatMap((map) => [...map.keys()]));
  return [...paths].map((path) => {
    const values = maps.map((map) => map.get(path));
    return { path, values, differs: new Set(values).size > 1 };
  });
}
