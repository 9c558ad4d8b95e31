import { readlink, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { UserError } from '../../../shared/errors.ts';

/**
 * Which files a window may name: only what lies in the folders that the user granted (at start, or with a native
 * dialog). Links are followed before it is decided.
 */
export class PathGrants {
  readonly #roots = new Set<string>();

  constructor(roots: readonly string[]) {
    for (const root of roots) this.#roots.add(resolve(root));
  }

  grant(path: string): void {
    this.#roots.add(resolve(path));
  }

  get roots(): readonly string[] {
    return [...this.#roots];
  }

  /**
   * The path, absolute and without links. It need not exist: then its nearest existing ancestor decides.
   * @throws UserError('invalid_input') for a path outside the granted folders, or one that is no path
   */
  async check(path: string): Promise<string> {
    if (path.includes('\0')) throw new UserError('invalid_input', 'A path cannot hold the character NUL.');
    const wanted = isAbsolute(path) ? resolve(path) : resolve(this.roots[0] ?? '.', path);
    const real = await existingPart(wanted);
    const roots = await Promise.all(this.roots.map((root) => existingPart(root)));
    if (!roots.some((root) => real === root || real.startsWith(root.endsWith(sep) ? root : root + sep))) {
      throw new UserError('invalid_input', `${wanted} is outside the folders that Longhand may use.`, {
        hint: `Choose a place inside ${this.roots.join(' or ')}, or start Longhand with --allow FOLDER.`,
        place: { file: wanted },
      });
    }
    return real;
  }
}

/** The path with links of its existing part resolved, also of links to what does not exist yet. */
async function existingPart(path: string, linksLeft = 40): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const target = await readlink(path).catch(() => undefined);
    if (target !== undefined && linksLeft > 0) return existingPart(resolve(dirname(path), target), linksLeft - 1);
    const parent = dirname(path);
    return parent === path
      ? path
      : join(await existingPart(parent, linksLeft), path.slice(parent.length).replaceAll(sep, ''));
  }
}
