/** Who publishes a package: `homepage` an address, `maintainer` as `Name <mail address>`. Longhand itself names nobody. */
export interface Publisher {
  readonly homepage: string | undefined;
  readonly maintainer: string | undefined;
}

/** From LONGHAND_HOMEPAGE and LONGHAND_MAINTAINER; empty ones count as not set. */
export function publisherFrom(env: Readonly<Record<string, string | undefined>>): Publisher {
  const given = (name: string): string | undefined => (env[name] ?? '').trim() || undefined;
  return { homepage: given('LONGHAND_HOMEPAGE'), maintainer: given('LONGHAND_MAINTAINER') };
}

/**
 * What stands in the way of a deb, in words: its control file has to name a home page and a maintainer whom one can write to.
 *
 * @param args as electron-builder takes them; without a target `--linux` makes an AppImage and a deb
 * @returns undefined where nothing does, or no deb is asked for
 */
export function publisherProblem(
  args: readonly string[],
  { homepage, maintainer }: Publisher,
  system: NodeJS.Platform = process.platform,
): string | undefined {
  const isSystem = (arg: string): boolean => /^(--(linux|win|windows|mac|macos)|-[lwm]+)$/.test(arg);
  const linux = args.findIndex((arg) => /^(--linux|-\w*l\w*)$/.test(arg));
  if (linux < 0 && (system !== 'linux' || args.some(isSystem))) return undefined;
  const rest = linux < 0 ? [] : args.slice(linux + 1);
  const end = rest.findIndex((arg) => arg.startsWith('-'));
  const targets = (end < 0 ? rest : rest.slice(0, end)).map((target) => target.replace(/:.*$/, '').toLowerCase());
  if (args.includes('--dir') || (targets.length > 0 && !targets.includes('deb'))) return undefined;
  const wrong = [
    ...(/^https?:\/\/\S+$/.test(homepage ?? '') ? [] : ['LONGHAND_HOMEPAGE=https://...']),
    ...(/^[^<>]+ <[^<>@\s]+@[^<>@\s]+>$/.test(maintainer ?? '') ? [] : ["LONGHAND_MAINTAINER='Name <mail address>'"]),
  ];
  if (wrong.length === 0) return undefined;
  return `A deb names a home page and a maintainer, and Longhand has none of its own: set ${wrong.join(' and ')}, or leave the deb out (npm run package -- --linux AppImage).`;
}
